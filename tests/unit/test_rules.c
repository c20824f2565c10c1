/* The small rules: states, namespecs, event types, descriptions. */
#include "core/rules/describe.h"
#include "core/rules/event_types.h"
#include "core/rules/namespec.h"
#include "core/rules/states.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

static void states_have_upstreams_numbers_and_sets(void **state)
{
    UNUSED(state);
    static const struct {
        int code;
        const char *name;
        bool running, stopped, signallable;
    } cases[] = {
        {0, "STOPPED", false, true, false},   {10, "STARTING", true, false, true},
        {20, "RUNNING", true, false, true},   {30, "BACKOFF", true, false, false},
        {40, "STOPPING", false, false, true}, {100, "EXITED", false, true, false},
        {200, "FATAL", false, true, false},   {1000, "UNKNOWN", false, true, false},
    };
    for (size_t i = 0; i < array_len(cases); i++) {
        enum proc_state s = (enum proc_state)cases[i].code;
        assert_string_equal(proc_state_name(s), cases[i].name);
        assert_int_equal(proc_state_is_running(s), cases[i].running);
        assert_int_equal(proc_state_is_stopped(s), cases[i].stopped);
        assert_int_equal(proc_state_is_signallable(s), cases[i].signallable);
    }
    assert_string_equal(super_mood_name((enum super_mood)(-1)), "SHUTDOWN");
    assert_string_equal(super_mood_name((enum super_mood)0), "RESTARTING");
    assert_string_equal(super_mood_name((enum super_mood)1), "RUNNING");
    assert_string_equal(super_mood_name((enum super_mood)2), "FATAL");
}

static void namespecs_split_and_join(void **state)
{
    UNUSED(state);
    static const struct {
        const char *text, *group, *process;
        bool whole;
    } cases[] = {
        {"cat", "cat", "cat", false}, {"g:p", "g", "p", false},
        {"g:*", "g", "*", true},      {"g:", "g", "", true},
        {"a:b:c", "a", "b:c", false}, {":p", "", "p", false},
        {"", "", "", false},
    };
    for (size_t i = 0; i < array_len(cases); i++) {
        struct namespec ns = namespec_parse(cases[i].text);
        assert_true(span_eq(ns.group, cases[i].group));
        assert_true(span_eq(ns.process, cases[i].process));
        assert_int_equal(ns.whole_group, cases[i].whole);
    }
    struct buf out;
    buf_init(&out, 100);
    namespec_format(&out, "g", "p");
    buf_putc(&out, ' ');
    namespec_format(&out, "same", "same");
    assert_string_equal(buf_str(&out), "g:p same");
    buf_free(&out);
}

static void event_types_form_a_tree(void **state)
{
    UNUSED(state);
    for (int t = 0; t < EVENT_TYPE_COUNT; t++) {
        enum event_type type = (enum event_type)t;
        assert_int_equal(event_type_parse(event_type_name(type)), t);
        assert_true(event_type_is(type, EVENT_ANY));
        assert_true(event_type_is(type, type));
    }
    assert_true(event_type_is(EVENT_TICK_60, EVENT_TICK));
    assert_false(event_type_is(EVENT_TICK, EVENT_TICK_60));
    assert_false(event_type_is(EVENT_PROCESS_LOG_STDOUT, EVENT_PROCESS_COMMUNICATION));
    assert_int_equal(event_type_parse("tick_5"), -1);
    assert_int_equal(event_type_parse(""), -1);
}

static void uptimes_read_as_pythons(void **state)
{
    UNUSED(state);
    static const struct {
        int64_t secs;
        const char *text;
    } cases[] = {
        {0, "0:00:00"},
        {62, "0:01:02"},
        {35999, "9:59:59"},
        {86399, "23:59:59"},
        {86400, "1 day, 0:00:00"},
        {86400 * 3 + 3661, "3 days, 1:01:01"},
        {-5, "0:00:00"},
    };
    for (size_t i = 0; i < array_len(cases); i++) {
        struct buf out;
        buf_init(&out, 100);
        describe_uptime(&out, cases[i].secs);
        assert_string_equal(buf_str(&out), cases[i].text);
        buf_free(&out);
    }
}

static void states_are_described(void **state)
{
    UNUSED(state);
    setenv("TZ", "UTC0", 1);
    tzset();
    static const struct {
        struct describe_in in;
        const char *text;
    } cases[] = {
        {{.state = PROC_RUNNING, .pid = 7, .start_secs = 100, .now_secs = 162},
         "pid 7, uptime 0:01:02"},
        {{.state = PROC_RUNNING, .pid = 7, .note = "listener state UNKNOWN"},
         "pid 7, uptime 0:00:00, listener state UNKNOWN"},
        {{.state = PROC_FATAL, .spawn_error = "command is empty"}, "command is empty"},
        {{.state = PROC_BACKOFF, .name = "cat", .spawn_error = ""},
         "unknown error (try \"tail cat\")"},
        {{.state = PROC_STOPPED}, "Not started"},
        {{.state = PROC_STOPPED, .start_secs = 1, .stop_secs = 1795252623},
         "Nov 21 09:17 AM"},
        {{.state = PROC_EXITED, .start_secs = 1, .stop_secs = 0}, "Jan 01 12:00 AM"},
        {{.state = PROC_STARTING}, ""},
        {{.state = PROC_STOPPING}, ""},
    };
    for (size_t i = 0; i < array_len(cases); i++) {
        struct buf out;
        buf_init(&out, 100);
        describe_process(&out, &cases[i].in);
        assert_string_equal(buf_str(&out), cases[i].text);
        buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_have_upstreams_numbers_and_sets),
        cmocka_unit_test(namespecs_split_and_join),
        cmocka_unit_test(event_types_form_a_tree),
        cmocka_unit_test(uptimes_read_as_pythons),
        cmocka_unit_test(states_are_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
