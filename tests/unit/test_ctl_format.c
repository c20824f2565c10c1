/* Lines of supervisorctl, made from values; expected texts were recorded from the
 * original. */
#include "applets/supervisorctl/ctl_format.h"

#include "core/wire/faults.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct rpc_value *info(const char *group, const char *name, const char *state,
                              const char *description)
{
    struct rpc_value *v = rpc_struct();
    rpc_set(v, "group", rpc_str(group));
    rpc_set(v, "name", rpc_str(name));
    rpc_set(v, "statename", rpc_str(state));
    rpc_set(v, "description", rpc_str(description));
    return v;
}

static void test_statuses(void **state)
{
    UNUSED(state);
    static const struct {
        const char *group, *name, *state, *description, *line;
    } cases[] = {
        {"cat", "cat", "RUNNING", "pid 12, uptime 0:00:02",
         "cat                              RUNNING   pid 12, uptime 0:00:02\n"},
        {"g", "a", "STOPPED", "Not started",
         "g:a                              STOPPED   Not started\n"},
        {"x", "x", "STARTING", "", "x                                STARTING  \n"},
        {"12345678901234567890123456789012", "12345678901234567890123456789012", "FATAL",
         "Exited too quickly",
         "12345678901234567890123456789012   FATAL     Exited too quickly\n"},
        /* columns are characters, not bytes */
        {"\xc3\xa4\xc3\xb6", "\xc3\xa4\xc3\xb6", "EXITED", "d",
         "\xc3\xa4\xc3\xb6                               EXITED    d\n"},
    };
    for (size_t i = 0; i < array_len(cases); i++) {
        struct buf out;
        buf_init(&out, 4096);
        struct rpc_value *v =
            info(cases[i].group, cases[i].name, cases[i].state, cases[i].description);
        const struct rpc_value *one = v;
        assert_int_equal(ctl_format_statuses(&out, &one, 1), 0);
        assert_string_equal(buf_str(&out), cases[i].line);
        rpc_free(v);
        buf_free(&out);
    }
}

/* The longest name sets the column for all; a full buffer is reported. */
static void test_statuses_together(void **state)
{
    UNUSED(state);
    struct rpc_value *all[2] = {
        info("a", "a", "RUNNING", "x"),
        info("a_group_with_a_long_name", "a_process_of_it", "STOPPED", "y"),
    };
    const struct rpc_value *list[2] = {all[0], all[1]};
    struct buf out;
    buf_init(&out, 4096);
    assert_int_equal(ctl_format_statuses(&out, list, 2), 0);
    assert_string_equal(buf_str(&out),
                        "a                                          RUNNING   x\n"
                        "a_group_with_a_long_name:a_process_of_it   STOPPED   y\n");
    buf_free(&out);
    buf_init(&out, 20);
    assert_int_equal(ctl_format_statuses(&out, list, 2), -1);
    buf_free(&out);
    rpc_free(all[0]);
    rpc_free(all[1]);
}

static void test_config(void **state)
{
    UNUSED(state);
    for (int flag = 0; flag < 2; flag++) {
        struct rpc_value *v = info("g", "a", "", "");
        struct buf out;
        buf_init(&out, 4096);
        rpc_set(v, "inuse", rpc_bool(flag));
        rpc_set(v, "autostart", flag ? rpc_int(0) : rpc_bool(true));
        rpc_set(v, "group_prio", rpc_int(999));
        rpc_set(v, "process_prio", rpc_int(-1));
        assert_int_equal(ctl_format_config(&out, v), 0);
        assert_string_equal(
            buf_str(&out),
            flag ? "g:a                              in use    manual    999:-1\n"
                 : "g:a                              avail     auto      999:-1\n");
        buf_free(&out);
        rpc_free(v);
    }
}

static void test_outcome(void **state)
{
    UNUSED(state);
    static const struct {
        enum ctl_verb verb;
        const char *group, *process;
        int code, rc;
        const char *line;
    } cases[] = {
        {VERB_START, "a", "a", FAULT_SUCCESS, 0, "a: started\n"},
        {VERB_STOP, "g", "a", FAULT_SUCCESS, 0, "g:a: stopped\n"},
        {VERB_SIGNAL, "g", "a", FAULT_SUCCESS, 0, "g:a: signalled\n"},
        {VERB_CLEAR, "a", "a", FAULT_SUCCESS, 0, "a: cleared\n"},
        {VERB_START, "a", "a", FAULT_ALREADY_STARTED, 0, "a: ERROR (already started)\n"},
        {VERB_START, "a", "a", FAULT_NO_FILE, 0, "a: ERROR (no such file)\n"},
        {VERB_START, "a", "a", FAULT_NOT_EXECUTABLE, 0,
         "a: ERROR (file is not executable)\n"},
        {VERB_START, "a", "a", FAULT_SPAWN_ERROR, 0, "a: ERROR (spawn error)\n"},
        {VERB_START, "a", "a", FAULT_ABNORMAL_TERMINATION, 0,
         "a: ERROR (abnormal termination)\n"},
        {VERB_STOP, "a", "a", FAULT_NOT_RUNNING, 0, "a: ERROR (not running)\n"},
        {VERB_STOP, "a", "a", FAULT_FAILED, 0, "the fault's text\n"},
        {VERB_SIGNAL, "a", "a", FAULT_BAD_SIGNAL, 0, "a: ERROR (bad signal name)\n"},
        {VERB_CLEAR, "g", NULL, FAULT_BAD_NAME, 0, "g:None: ERROR (no such process)\n"},
        {VERB_CLEAR, "a", "a", FAULT_FAILED, 0, "a: ERROR (failed)\n"},
        {VERB_START, "a", "a", FAULT_SHUTDOWN_STATE, 1, ""},
        {VERB_CLEAR, "a", "a", FAULT_NOT_RUNNING, 1, ""},
        {VERB_START, "a", "a", 0, 1, ""},
    };
    for (size_t i = 0; i < array_len(cases); i++) {
        struct buf out;
        buf_init(&out, 4096);
        assert_int_equal(ctl_format_outcome(&out, cases[i].verb, cases[i].group,
                                            cases[i].process, cases[i].code,
                                            "the fault's text"),
                         cases[i].rc);
        assert_string_equal(buf_str(&out), cases[i].line);
        buf_free(&out);
    }
}

/* Recorded from Python's cmd.Cmd().columnize. */
static void test_columns(void **state)
{
    UNUSED(state);
    static const struct {
        const char *words; /* one blank between them */
        size_t width;
        const char *lines;
    } cases[] = {
        {"", 80, ""},
        {"one", 80, "one\n"},
        {"a b c", 80, "a  b  c\n"},
        {"a bb c d", 7, "a   c\nbb  d\n"},
        {"a bb c d", 5, "a   c\nbb  d\n"},
        {"aaa bbb", 5, "aaa\nbbb\n"},
        {"1 22 333 4444 5", 10, "1    4444\n22   5   \n333\n"},
    };
    for (size_t i = 0; i < array_len(cases); i++) {
        struct strv words = {0};
        struct span rest = span_of(cases[i].words), piece;
        struct buf out;
        buf_init(&out, 4096);
        while (cases[i].words[0] && span_split(&rest, ' ', &piece))
            strv_take(&words, span_dup(piece));
        assert_int_equal(ctl_format_columns(&out, &words, cases[i].width), 0);
        assert_string_equal(buf_str(&out), cases[i].lines);
        buf_free(&out);
        strv_free(&words);
    }
}

static void test_quoted(void **state)
{
    UNUSED(state);
    static const struct {
        const char *text, *quoted;
    } cases[] = {
        {"", "''"},
        {"x y", "'x y'"},
        {"it's", "\"it's\""},
        {"'\"", "'\\'\"'"},
        {"a\\b\n\t\r\001\177", "'a\\\\b\\n\\t\\r\\x01\\x7f'"},
    };
    for (size_t i = 0; i < array_len(cases); i++) {
        struct buf out;
        buf_init(&out, 4096);
        assert_int_equal(ctl_format_quoted(&out, cases[i].text), 0);
        assert_string_equal(buf_str(&out), cases[i].quoted);
        buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statuses), cmocka_unit_test(test_statuses_together),
        cmocka_unit_test(test_config),   cmocka_unit_test(test_outcome),
        cmocka_unit_test(test_columns),  cmocka_unit_test(test_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
