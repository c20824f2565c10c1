/* The listener's protocol, and the texts it is sent. */
#include "core/rules/event_text.h"
#include "core/rules/listener_fsm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct talk {
    struct listener l;
    struct buf told;   /* R: ready, r(...): result, B(...): bad line, X: broken */
    bool answer_ready; /* an event is sent as soon as it is ready */
};

static void note(void *arg, enum listener_news news, const char *result, size_t n)
{
    struct talk *talk = arg;
    static const char *const marks[] = {"R", "r(", "B(", "X"};
    buf_puts(&talk->told, marks[news]);
    if (news == LISTENER_NEWS_RESULT || news == LISTENER_NEWS_BAD_LINE) {
        buf_append(&talk->told, result, n);
        buf_putc(&talk->told, ')');
    }
    if (news == LISTENER_NEWS_READY && talk->answer_ready)
        listener_sent(&talk->l);
}

static const struct {
    const char *in, *told;
    enum listener_state state;
    bool answer_ready;
} cases[] = {
    {"", "", LISTENER_ACKNOWLEDGED, false},
    {"REA", "", LISTENER_ACKNOWLEDGED, false},
    {"READY\n", "R", LISTENER_READY, false},
    {"READY\nx", "RX", LISTENER_UNKNOWN, false},
    {"hello\n", "X", LISTENER_UNKNOWN, false},
    {"RX", "X", LISTENER_UNKNOWN, false},
    {"READY\nRESULT 2\nOK", "Rr(OK)", LISTENER_ACKNOWLEDGED, true},
    {"READY\nRESULT 2\nOKREADY\nRESULT 4\nFAILREADY\n", "Rr(OK)Rr(FAIL)R", LISTENER_BUSY,
     true},
    {"READY\nRESULT 0\nREADY\n", "Rr()R", LISTENER_BUSY, true},
    {"READY\nRESULT 0\n", "Rr()", LISTENER_ACKNOWLEDGED, true},
    {"READY\nRESULT 2\nO", "R", LISTENER_BUSY, true},
    {"READY\nRESULT x\nOK", "RB(RESULT x)", LISTENER_UNKNOWN, true},
    {"READY\nRESULT -1\n", "RB(RESULT -1)", LISTENER_UNKNOWN, true},
    {"READY\nRESULT 99999999999999999999\n", "RB(RESULT 99999999999999999999)",
     LISTENER_UNKNOWN, true},
    {"READY\nRESULT\n", "RB(RESULT)", LISTENER_UNKNOWN, true},
    {"READY\nRESULT  +2 \r\nOK", "Rr(OK)", LISTENER_ACKNOWLEDGED, true},
    {"READY\nANSWER:2\nOK", "Rr(OK)", LISTENER_ACKNOWLEDGED, true},
    {"READY\n\n", "RB()", LISTENER_UNKNOWN, true},
    {"READY\nRESULT  \n", "RB(RESULT  )", LISTENER_UNKNOWN, true},
    {"READY\nnonsense\n", "RB(nonsense)", LISTENER_UNKNOWN, true},
};

static void run(size_t i, size_t cut)
{
    struct talk talk = {.answer_ready = cases[i].answer_ready};
    size_t n = strlen(cases[i].in);
    listener_init(&talk.l);
    buf_init(&talk.told, 1000);
    if (cut == 0)
        for (size_t k = 0; k < n; k++)
            listener_feed(&talk.l, cases[i].in + k, 1, note, &talk);
    else {
        listener_feed(&talk.l, cases[i].in, cut, note, &talk);
        listener_feed(&talk.l, cases[i].in + cut, n - cut, note, &talk);
    }
    assert_string_equal(buf_str(&talk.told), cases[i].told);
    assert_int_equal(talk.l.state, cases[i].state);
    buf_free(&talk.told);
    listener_free(&talk.l);
}

static void the_protocol_holds_however_cut(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++)
        for (size_t cut = 0; cut <= strlen(cases[i].in); cut++)
            run(i, cut);
}

static void an_endless_line_is_no_result(void **state)
{
    UNUSED(state);
    struct talk talk = {.answer_ready = true};
    listener_init(&talk.l);
    buf_init(&talk.told, 10000);
    listener_feed(&talk.l, "READY\n", 6, note, &talk);
    for (int i = 0; i < 1000; i++)
        listener_feed(&talk.l, "xxxxxxxx", 8, note, &talk);
    assert_int_equal(talk.l.state, LISTENER_UNKNOWN);
    buf_free(&talk.told);
    listener_free(&talk.l);
}

static void payloads_read_as_upstreams(void **state)
{
    UNUSED(state);
    static const struct {
        struct event_text_in in;
        const char *text;
    } texts[] = {
#define CAT .process_name = "cat", .group_name = "g"
        {{.type = EVENT_PROCESS_STATE_STARTING, CAT, .from_state = PROC_STOPPED},
         "processname:cat groupname:g from_state:STOPPED tries:0"},
        {{.type = EVENT_PROCESS_STATE_BACKOFF,
          CAT,
          .from_state = PROC_STARTING,
          .tries = 2},
         "processname:cat groupname:g from_state:STARTING tries:2"},
        {{.type = EVENT_PROCESS_STATE_RUNNING,
          CAT,
          .from_state = PROC_STARTING,
          .pid = 7},
         "processname:cat groupname:g from_state:STARTING pid:7"},
        {{.type = EVENT_PROCESS_STATE_EXITED,
          CAT,
          .from_state = PROC_RUNNING,
          .pid = 7,
          .expected = true},
         "processname:cat groupname:g from_state:RUNNING expected:1 pid:7"},
        {{.type = EVENT_PROCESS_STATE_FATAL, CAT, .from_state = PROC_BACKOFF},
         "processname:cat groupname:g from_state:BACKOFF"},
        {{.type = EVENT_PROCESS_LOG_STDOUT, CAT, .pid = 7, .data = {"a\nb", 3}},
         "processname:cat groupname:g pid:7 channel:stdout\na\nb"},
        {{.type = EVENT_PROCESS_COMMUNICATION_STDERR, CAT, .pid = 7, .data = {"x", 1}},
         "processname:cat groupname:g pid:7\nx"},
        {{.type = EVENT_PROCESS_COMMUNICATION_STDOUT,
          CAT,
          .pid = 7,
          .data = {"\xc3\xa4\n\xff'", 5}},
         "processname:cat groupname:g pid:7\nUndecodable: b\"\\xc3\\xa4\\n\\xff'\""},
        {{.type = EVENT_PROCESS_GROUP_ADDED, .group_name = "g"}, "groupname:g\n"},
        {{.type = EVENT_TICK_5, .when_secs = 1795252620}, "when:1795252620"},
        {{.type = EVENT_SUPERVISOR_STATE_CHANGE_RUNNING}, ""},
        {{.type = EVENT_REMOTE_COMMUNICATION, .remote_type = "t", .data = {"d", 1}},
         "type:t\nd"},
    };
    for (size_t i = 0; i < array_len(texts); i++) {
        struct buf out;
        buf_init(&out, 1000);
        assert_int_equal(event_payload(&out, &texts[i].in), 0);
        assert_string_equal(buf_str(&out), texts[i].text);
        buf_free(&out);
    }
}

static void envelopes_count_their_payload(void **state)
{
    UNUSED(state);
    struct buf out;
    buf_init(&out, 1000);
    event_envelope(&out, &(struct event_envelope){.server = "supervisor",
                                                  .serial = 21,
                                                  .pool = "listener",
                                                  .pool_serial = 10,
                                                  .type = EVENT_TICK_60,
                                                  .payload = {"when:60", 7}});
    assert_string_equal(buf_str(&out),
                        "ver:3.0 server:supervisor serial:21 pool:listener "
                        "poolserial:10 eventname:TICK_60 len:7\nwhen:60");
    buf_truncate(&out, 0);
    event_envelope(&out, &(struct event_envelope){.server = "s",
                                                  .pool = "p",
                                                  .type = EVENT_REMOTE_COMMUNICATION,
                                                  .payload = {"type:t\n\xc3\xa4", 9}});
    assert_non_null(strstr(buf_str(&out), "len:8\ntype:t\n\xc3\xa4"));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_protocol_holds_however_cut),
        cmocka_unit_test(an_endless_line_is_no_result),
        cmocka_unit_test(payloads_read_as_upstreams),
        cmocka_unit_test(envelopes_count_their_payload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
