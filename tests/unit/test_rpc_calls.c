/* Calls and their answers, faults in upstream's words, with fake children in virtual
 * time: what answers at once, what waits, and that waiting leaves nothing behind. */
/* links: tests/unit/api_world.c tests/unit/fake_exchange.c tests/unit/fake_spawn.c all */
#include "core/base/alloc.h"
#include "tests/unit/api_world.h"
#include "tests/unit/fake_spawn.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static int begin(void **state)
{
    (void)state;
    api_world_begin();
    return 0;
}

static int finish(void **state)
{
    (void)state;
    api_world_end();
    return 0;
}

static void expect(const struct http_exchange *x, const char *expected)
{
    char *answer = api_answer(x);
    assert_string_equal(answer, expected);
    free(answer);
}

static void check(const char *method, const char *params, const char *expected)
{
    struct http_exchange *x = api_call(method, params);
    expect(x, expected);
    fake_exchange_free(x);
}

/* --- answers at once --------------------------------------------------------------- */

static const struct {
    const char *method, *params, *answer;
} plain[] = {
    {"supervisor.getAPIVersion", "", "'3.0'"},
    {"supervisor.getVersion", "", "'3.0'"},
    {"supervisor.getSupervisorVersion", "", "'4.4.0'"},
    {"supervisor.getIdentification", "", "'sup<1>'"},
    {"supervisor.getState", "", "{statecode: 1, statename: 'RUNNING'}"},
    {"supervisor.startProcess", P_STR("no"), "fault 10 BAD_NAME: no"},
    {"supervisor.startProcess", P_STR("web:no"), "fault 10 BAD_NAME: web:no"},
    {"supervisor.startProcess", P_STR("no:*"), "fault 10 BAD_NAME: no:*"},
    {"supervisor.startProcess", P_STR("web"), "fault 10 BAD_NAME: web"},
    {"supervisor.startProcess", P_STR(""), "fault 10 BAD_NAME: "},
    {"supervisor.startProcessGroup", P_STR("no"), "fault 10 BAD_NAME: no"},
    {"supervisor.stopProcess", P_STR("cat"), "fault 70 NOT_RUNNING: cat"},
    {"supervisor.stopProcess", P_STR("web:w1"), "fault 70 NOT_RUNNING: web:w1"},
    {"supervisor.stopProcessGroup", P_STR("web"), "[]"},
    {"supervisor.stopProcessGroup", P_STR("no"), "fault 10 BAD_NAME: no"},
    {"supervisor.stopAllProcesses", "", "[]"},
    {"supervisor.signalProcess", P_STR("cat") P_STR("HUP"), "fault 70 NOT_RUNNING: cat"},
    {"supervisor.signalProcess", P_STR("cat") P_STR("NO"), "fault 11 BAD_SIGNAL: NO"},
    {"supervisor.signalProcess", P_STR("cat") P_INT("-3"), "fault 11 BAD_SIGNAL: -3"},
    {"supervisor.signalProcess", P_STR("no") P_STR("NO"), "fault 10 BAD_NAME: no"},
    {"supervisor.signalProcessGroup", P_STR("web") P_STR("HUP"), "[]"},
    {"supervisor.signalAllProcesses", P_STR("NO"), "[]"},
    {"supervisor.getProcessInfo", P_STR("web:*"), "fault 10 BAD_NAME: web:*"},
    {"supervisor.sendProcessStdin", P_STR("cat") P_STR("x"), "fault 70 NOT_RUNNING: cat"},
    {"supervisor.sendProcessStdin", P_STR("no") P_STR("x"), "fault 10 BAD_NAME: no"},
    {"supervisor.sendProcessStdin", P_STR("cat") P_INT("5"),
     "fault 2 INCORRECT_PARAMETERS: 5"},
    {"supervisor.sendRemoteCommEvent", P_STR("a") P_STR("b"), "true"},
    {"supervisor.addProcessGroup", P_STR("no"), "fault 10 BAD_NAME: no"},
    {"supervisor.addProcessGroup", P_STR("cat"), "fault 90 ALREADY_ADDED: cat"},
    {"supervisor.removeProcessGroup", P_STR("no"), "fault 10 BAD_NAME: no"},
    {"supervisor.readLog", P_INT("0") P_INT("0"), "fault 20 NO_FILE"},
    {"supervisor.clearLog", "", "fault 20 NO_FILE"},
    {"supervisor.readProcessStdoutLog", P_STR("cat") P_INT("0") P_INT("0"),
     "fault 20 NO_FILE"},
    {"supervisor.tailProcessLog", P_STR("cat") P_INT("9") P_INT("9"), "['', 0, false]"},
    {"supervisor.tailProcessLog", P_STR("web:") P_INT("9") P_INT("9"),
     "fault 10 BAD_NAME: web:"},
    {"supervisor.clearProcessLogs", P_STR("cat"), "true"},
};

static void plain_calls(void **state)
{
    (void)state;
    for (size_t i = 0; i < array_len(plain); i++)
        check(plain[i].method, plain[i].params, plain[i].answer);
    char pid[32];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    check("supervisor.getPID", "", pid);
}

static void bad_requests(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "<",
        "no XML",
        "<methodCall></methodCall>",
        "<methodCall><methodName></methodName></methodCall>",
        "<!DOCTYPE a [<!ENTITY b \"c\">]><methodCall><methodName>&b;</methodName></a>",
        "<methodCall><methodName>supervisor.getState</methodName></methodCall",
    };
    for (size_t i = 0; i < array_len(bodies); i++) {
        struct http_exchange *x =
            fake_exchange_new("POST", "/RPC2", bodies[i], strlen(bodies[i]));
        rpc_handle(x, &world.server);
        expect(x, "status 400");
        fake_exchange_free(x);
    }
    struct http_exchange *x = fake_exchange_new("GET", "/RPC2", "", 0);
    rpc_handle(x, &world.server);
    expect(x, "status 400");
    fake_exchange_free(x);
}

static void params_may_be_missing(void **state)
{
    (void)state;
    static const char body[] =
        "<methodCall><methodName>supervisor.getState</methodName></methodCall>";
    struct http_exchange *x = fake_exchange_new("POST", "/RPC2", body, sizeof body - 1);
    rpc_handle(x, &world.server);
    expect(x, "{statecode: 1, statename: 'RUNNING'}");
    fake_exchange_free(x);
}

/* Without startsecs it counts as started in the turn of the call. */
static void start_quick(void)
{
    struct http_exchange *x = api_call("supervisor.startProcess", P_STR("quick"));
    api_world_turn(0);
    expect(x, "true");
    fake_exchange_free(x);
}

static void process_info(void **state)
{
    (void)state;
    check("supervisor.getProcessInfo", P_STR("web:w1"),
          "{name: 'w1', group: 'web', start: 0, stop: 0, now: 1800000000, state: 0, "
          "statename: 'STOPPED', spawnerr: '', exitstatus: 0, logfile: '', "
          "stdout_logfile: '', stderr_logfile: '', pid: 0, description: 'Not started'}");
    start_quick();
    api_world_turn(3723000);
    check("supervisor.getProcessInfo", P_STR("quick:quick"),
          "{name: 'quick', group: 'quick', start: 1800000000, stop: 0, now: 1800003723, "
          "state: 20, statename: 'RUNNING', spawnerr: '', exitstatus: 0, logfile: '', "
          "stdout_logfile: '', stderr_logfile: '', pid: 1000, "
          "description: 'pid 1000, uptime 1:02:03'}");
    /* 32 bits are all that old clients take */
    api_world_turn((int64_t)1 << 40);
    struct http_exchange *x = api_call("supervisor.getAllProcessInfo", "");
    char *answer = api_answer(x);
    assert_non_null(strstr(answer, "now: 2147483647"));
    const char *names[] = {"name: 'cat'", "name: 'quick'", "name: 'w1'", "name: 'w2'"};
    for (size_t i = 0; i < array_len(names); i++) {
        const char *here = strstr(answer, names[i]);
        assert_non_null(here);
        assert_true(i == 0 || here > strstr(answer, names[i - 1]));
    }
    free(answer);
    fake_exchange_free(x);
}

static void config_info(void **state)
{
    (void)state;
    struct http_exchange *x = api_call("supervisor.getAllConfigInfo", "");
    char *answer = api_answer(x);
    assert_non_null(strstr(
        answer, "[{autostart: false, autorestart: 'unexpected', directory: 'none', "
                "uid: 'none', command: '/bin/cat', exitcodes: [0], group: 'cat', "
                "group_prio: 999, inuse: true, killasgroup: false, name: 'cat', "
                "process_prio: 999, redirect_stderr: false, startretries: 3, "
                "startsecs: 1, stdout_capture_maxbytes: 0, "
                "stdout_events_enabled: false, stdout_logfile: 'none', "
                "stdout_logfile_backups: 0, stdout_logfile_maxbytes: 0, "
                "stdout_syslog: false, stopsignal: 15, stopwaitsecs: 10, "
                "stderr_capture_maxbytes: 0, stderr_events_enabled: false, "
                "stderr_logfile: 'none', stderr_logfile_backups: 0, "
                "stderr_logfile_maxbytes: 0, stderr_syslog: false, "
                "serverurl: 'none'}, "));
    free(answer);
    fake_exchange_free(x);
    world.conf->groups[0]->processes[0]->autorestart = RESTART_ALWAYS;
    x = api_call("supervisor.getAllConfigInfo", "");
    answer = api_answer(x);
    assert_non_null(strstr(answer, "autorestart: true"));
    free(answer);
    fake_exchange_free(x);
}

/* --- start ------------------------------------------------------------------------- */

#define DONE(group, name)                                                                \
    "{name: '" name "', group: '" group "', status: 80, description: 'OK'}"

static void start_waits_for_running(void **state)
{
    (void)state;
    struct http_exchange *x = api_call("supervisor.startProcess", P_STR("cat"));
    expect(x, "later");
    check("supervisor.startProcess", P_STR("cat"), "fault 60 ALREADY_STARTED: cat");
    check("supervisor.startProcess", P_STR("cat:cat"),
          "fault 60 ALREADY_STARTED: cat:cat");
    check("supervisor.removeProcessGroup", P_STR("cat"), "fault 91 STILL_RUNNING: cat");
    api_world_turn(999);
    expect(x, "later");
    api_world_turn(1);
    expect(x, "true");
    assert_int_equal(rpc_waits_count(world.server.waits), 0);
    fake_exchange_free(x);
    check("supervisor.startProcess", P_STR("web:w1") P_BOOL("0"), "true");
    assert_int_equal(process_state(api_world_process("web", "w1")), PROC_STARTING);
}

static void start_fails(void **state)
{
    (void)state;
    struct http_exchange *x = api_call("supervisor.startProcess", P_STR("cat:"));
    struct http_exchange *y = api_call("supervisor.startProcess", P_STR("web:w1"));
    fake_spawn_exit(process_pid(api_world_process("cat", "cat")), 1 << 8);
    api_world_turn(10);
    expect(x, "[{name: 'cat', group: 'cat', status: 50, "
              "description: 'SPAWN_ERROR: cat'}]");
    process_stop(api_world_process("web", "w1")); /* somebody else changes his mind */
    api_world_turn(10);
    expect(y, "fault 40 ABNORMAL_TERMINATION: web:w1");
    fake_exchange_free(x);
    fake_exchange_free(y);
    check("supervisor.startProcess", P_STR("cat"), "fault 60 ALREADY_STARTED: cat");
    fake_spawn.fail_fork_errno = 11;
    check("supervisor.startProcess", P_STR("quick"), "fault 50 SPAWN_ERROR: quick");
    fake_spawn.fail_fork_errno = 0;
    fake_spawn.command_missing = true;
    check("supervisor.startProcess", P_STR("web:w2"),
          "fault 20 NO_FILE: can't find command '/bin/cat'");
    fake_spawn.command_missing = false;
}

static void start_many(void **state)
{
    (void)state;
    struct http_exchange *x = api_call("supervisor.startAllProcesses", "");
    expect(x, "later");
    fake_spawn_exit(process_pid(api_world_process("web", "w2")), 0);
    api_world_turn(5);
    expect(x, "later");
    api_world_turn(1000);
    char *answer = api_answer(x);
    /* in the order in which it became known: quick at once, w2 early, the others */
    static const char order[] =
        "[" DONE("quick", "quick") ", {name: 'w2', group: 'web', status: 50, "
                                   "description: 'SPAWN_ERROR: web:w2'}, ";
    assert_memory_equal(answer, order, sizeof order - 1);
    assert_non_null(strstr(answer, DONE("cat", "cat")));
    assert_non_null(strstr(answer, DONE("web", "w1")));
    free(answer);
    fake_exchange_free(x);
    check("supervisor.startAllProcesses", "", "[]"); /* BACKOFF counts as running */
}

static void group_without_waiting(void **state)
{
    (void)state;
    check("supervisor.startProcessGroup", P_STR("web") P_BOOL("0"),
          "[" DONE("web", "w1") ", " DONE("web", "w2") "]");
    check("supervisor.startProcess", P_STR("web:*") P_INT("0"), "[]");
}

/* --- stop, signal ------------------------------------------------------------------ */

static void stop_waits_for_the_end(void **state)
{
    (void)state;
    check("supervisor.startAllProcesses", P_BOOL("0"),
          "[" DONE("cat", "cat") ", " DONE("quick", "quick") ", " DONE(
              "web", "w1") ", " DONE("web", "w2") "]");
    struct http_exchange *x = api_call("supervisor.stopProcess", P_STR("quick"));
    struct http_exchange *y = api_call("supervisor.stopProcessGroup", P_STR("web"));
    struct http_exchange *all = api_call("supervisor.stopAllProcesses", "");
    expect(x, "later");
    check("supervisor.stopProcess", P_STR("quick"), "fault 70 NOT_RUNNING: quick");
    fake_spawn_exit(process_pid(api_world_process("quick", "quick")), SIGTERM);
    api_world_turn(1);
    expect(x, "true");
    fake_spawn_exit(process_pid(api_world_process("web", "w2")), SIGTERM);
    api_world_turn(1);
    expect(y, "later");
    fake_spawn_exit(process_pid(api_world_process("web", "w1")), SIGTERM);
    api_world_turn(1);
    expect(y, "[" DONE("web", "w2") ", " DONE("web", "w1") "]");
    expect(all, "later");
    fake_spawn_exit(process_pid(api_world_process("cat", "cat")), SIGTERM);
    api_world_turn(1);
    expect(all, "[" DONE("cat", "cat") "]"); /* the others were stopping already */
    fake_exchange_free(x);
    fake_exchange_free(y);
    fake_exchange_free(all);
}

static void signals_are_sent(void **state)
{
    (void)state;
    start_quick();
    check("supervisor.signalProcess", P_STR("quick") P_STR("usr1"), "true");
    assert_int_equal(fake_spawn.last_signal, SIGUSR1);
    check("supervisor.signalProcess", P_STR("quick:*") P_INT("1"),
          "[" DONE("quick", "quick") "]");
    assert_int_equal(fake_spawn.last_signal, SIGHUP);
    check("supervisor.signalAllProcesses", P_STR("NO"),
          "[{name: 'quick', group: 'quick', status: 11, "
          "description: 'BAD_SIGNAL: NO'}]");
    check("supervisor.signalProcessGroup", P_STR("no") P_STR("HUP"),
          "fault 10 BAD_NAME: no");
    assert_int_equal(process_state(api_world_process("quick", "quick")), PROC_RUNNING);
}

static void clients_leave(void **state)
{
    (void)state;
    struct http_exchange *x = api_call("supervisor.startProcess", P_STR("cat"));
    struct http_exchange *y = api_call("supervisor.startAllProcesses", "");
    struct http_exchange *z = api_call("supervisor.startProcess", P_STR("cat:cat"));
    expect(z, "fault 60 ALREADY_STARTED: cat:cat");
    assert_int_equal(rpc_waits_count(world.server.waits), 2);
    fake_exchange_leave(x);
    api_world_turn(1);
    fake_exchange_leave(y);
    assert_int_equal(rpc_waits_count(world.server.waits), 0);
    api_world_turn(2000);
    assert_int_equal(process_state(api_world_process("cat", "cat")), PROC_RUNNING);
    fake_exchange_free(x);
    fake_exchange_free(y);
    fake_exchange_free(z);
}

/* --- multicall --------------------------------------------------------------------- */

#define CALL(method, params)                                                             \
    "<value><struct><member><name>methodName</name><value>" method                       \
    "</value></member><member><name>params</name><value><array><data>" params            \
    "</data></array></value></member></struct></value>"
#define CALLS(calls) "<param><value><array><data>" calls "</data></array></value></param>"
#define V(text)      "<value>" text "</value>"

static void multicall_answers(void **state)
{
    (void)state;
    check("system.multicall", CALLS(""), "[]");
    check("system.multicall",
          CALLS(CALL("supervisor.getAPIVersion", "") CALL("supervisor.no", "") CALL(
              "supervisor.startProcess", V("no")) CALL("system.multicall", V("x"))
                    CALL("supervisor.getAPIVersion", V("x"))),
          "['3.0', {faultCode: 1, faultString: 'UNKNOWN_METHOD'}, "
          "{faultCode: 10, faultString: 'BAD_NAME: no'}, {faultCode: 2, faultString: "
          "'INCORRECT_PARAMETERS: Recursive system.multicall forbidden'}, "
          "{faultCode: 2, faultString: 'INCORRECT_PARAMETERS'}]");
    check("system.multicall", CALLS("<value><struct></struct></value>"),
          "[{faultCode: 2, faultString: 'INCORRECT_PARAMETERS: No methodName'}]");
    check("system.multicall", CALLS(V("x")), "fault 2 INCORRECT_PARAMETERS");
}

static void multicall_waits_in_order(void **state)
{
    (void)state;
    struct http_exchange *x =
        api_call("system.multicall",
                 CALLS(CALL("supervisor.startProcess", V("cat"))
                           CALL("supervisor.getAPIVersion", "")
                               CALL("supervisor.stopProcess", V("cat"))
                                   CALL("supervisor.startProcess", V("web:w1"))
                                       CALL("supervisor.startAllProcesses", "")));
    expect(x, "later");
    assert_int_equal(fake_spawn.starts, 1);
    api_world_turn(1000);
    expect(x, "later");
    assert_int_equal(process_state(api_world_process("cat", "cat")), PROC_STOPPING);
    fake_spawn_exit(process_pid(api_world_process("cat", "cat")), SIGTERM);
    api_world_turn(1);
    expect(x, "later");
    fake_spawn_exit(process_pid(api_world_process("web", "w1")), 1 << 8);
    api_world_turn(1); /* all of them are started ... */
    expect(x, "later");
    api_world_turn(1); /* ... and quick, without startsecs, is RUNNING first */
    expect(x, "later");
    api_world_turn(1000);
    expect(x, "[true, '3.0', true, {faultCode: 50, faultString: 'SPAWN_ERROR: web:w1'}, "
              "[" DONE("quick", "quick") ", " DONE("cat", "cat") ", " DONE("web",
                                                                           "w2") "]]");
    fake_exchange_free(x);
    x = api_call("system.multicall", CALLS(CALL("supervisor.startProcess", V("cat"))));
    expect(x, "[{faultCode: 60, faultString: 'ALREADY_STARTED: cat'}]");
    fake_exchange_free(x);
    x = api_call("system.multicall", CALLS(CALL("supervisor.stopAllProcesses", "")));
    expect(x, "later");
    fake_exchange_leave(x);
    fake_exchange_free(x);
}

/* The same large answer asked for thousands of times ends with an error, soon. */
static void multicall_is_bounded(void **state)
{
    (void)state;
    static const char call[] = CALL("supervisor.getAllConfigInfo", "");
    struct buf text;
    buf_init(&text, (size_t)32 << 20);
    buf_puts(&text, "<methodCall><methodName>system.multicall</methodName><params><param>"
                    "<value><array><data>");
    for (int i = 0; i < 30000; i++)
        buf_puts(&text, call);
    buf_puts(&text, "</data></array></value></param></params></methodCall>");
    struct http_exchange *x =
        fake_exchange_new("POST", "/RPC2", buf_data(&text), text.len);
    rpc_handle(x, &world.server);
    expect(x, "status 500");
    fake_exchange_free(x);
    buf_free(&text);
}

static void shutting_down(void **state)
{
    (void)state;
    check("supervisor.startAllProcesses", P_BOOL("0"),
          "[" DONE("cat", "cat") ", " DONE("quick", "quick") ", " DONE(
              "web", "w1") ", " DONE("web", "w2") "]");
    struct http_exchange *x = api_call("supervisor.stopProcess", P_STR("cat"));
    check("system.multicall",
          CALLS(CALL("supervisor.shutdown", "") CALL("supervisor.getState", "")),
          "[true, {faultCode: 6, faultString: 'SHUTDOWN_STATE'}]");
    check("supervisor.getAPIVersion", "", "fault 6 SHUTDOWN_STATE");
    check("supervisor.getAPIVersion", P_INT("1"), "fault 2 INCORRECT_PARAMETERS");
    check("supervisor.sendRemoteCommEvent", P_STR("a") P_STR("b"), "true");
    check("supervisor.no", "", "fault 1 UNKNOWN_METHOD");
    fake_spawn_exit(process_pid(api_world_process("cat", "cat")), SIGTERM);
    api_world_turn(1);
    expect(x, "true"); /* those who wait still get their answer */
    fake_exchange_free(x);
}

/* --- logs -------------------------------------------------------------------------- */

static void logs_are_read(void **state)
{
    (void)state;
    char path[] = "/tmp/test_rpc_calls.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "0123\x01\xff\n<&>z", 11), 11);
    world.conf->groups[0]->processes[0]->out =
        (struct channel_conf){.target = LOG_TO_FILE, .logfile = path};
    check("supervisor.removeProcessGroup", P_STR("cat"), "true");
    check("supervisor.startProcess", P_STR("cat"), "fault 10 BAD_NAME: cat");
    check("supervisor.addProcessGroup", P_STR("cat"), "true");
#define CAT P_STR("cat")
    static const struct {
        const char *method, *params, *answer;
    } cases[] = {
        {"supervisor.readProcessLog", CAT P_INT("0") P_INT("4"), "'0123'"},
        {"supervisor.readProcessStdoutLog", CAT P_INT("2") P_INT("0"),
         "'23\xef\xbf\xbd\xef\xbf\xbd\n<&>z'"},
        {"supervisor.readProcessLog", CAT P_INT("-4") P_INT("0"), "'<&>z'"},
        {"supervisor.readProcessLog", CAT P_INT("-4") P_INT("1"),
         "fault 3 BAD_ARGUMENTS"},
        {"supervisor.readProcessLog", CAT P_INT("0") P_INT("-1"),
         "fault 3 BAD_ARGUMENTS"},
        {"supervisor.readProcessLog", CAT P_INT("99") P_INT("1"), "''"},
        {"supervisor.readProcessLog", CAT P_STR("1") P_BOOL("1"), "'1'"},
        {"supervisor.tailProcessStdoutLog", CAT P_INT("0") P_INT("4"),
         "['<&>z', 11, true]"},
        {"supervisor.tailProcessLog", CAT P_INT("11") P_INT("4"), "['', 11, false]"},
        {"supervisor.readProcessStderrLog", CAT P_INT("0") P_INT("4"),
         "fault 20 NO_FILE"},
        {"supervisor.clearAllProcessLogs", "",
         "[" DONE("quick", "quick") ", " DONE("web", "w1") ", " DONE(
             "web", "w2") ", " DONE("cat", "cat") "]"},
        {"supervisor.readProcessLog", CAT P_INT("0") P_INT("0"), "''"},
    };
    for (size_t i = 0; i < array_len(cases); i++)
        check(cases[i].method, cases[i].params, cases[i].answer);
    close(fd);
    unlink(path);
    char *missing = xasprintf("fault 20 NO_FILE: %s", path);
    check("supervisor.readProcessLog", CAT P_INT("0") P_INT("0"), missing);
    free(missing);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        T(plain_calls),
        T(bad_requests),
        T(params_may_be_missing),
        T(process_info),
        T(config_info),
        T(start_waits_for_running),
        T(start_fails),
        T(start_many),
        T(group_without_waiting),
        T(signals_are_sent),
        T(stop_waits_for_the_end),
        T(clients_leave),
        T(multicall_answers),
        T(multicall_waits_in_order),
        T(multicall_is_bounded),
        T(shutting_down),
        T(logs_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
