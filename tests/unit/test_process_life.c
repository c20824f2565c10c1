/* Whole lives of a process in virtual time: the clock is frozen, children are fakes. */
/* links: tests/unit/fake_spawn.c all */
#include "applets/supervisord/group.h"
#include "applets/supervisord/process.h"
#include "applets/supervisord/reap.h"
#include "config/conf_load.h"
#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "tests/unit/fake_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static struct world {
    struct engine engine;
    struct conf conf; /* on the stack of the test's life: never freed by its references */
    struct program_conf program;
    struct program_conf *programs[1];
    struct group_conf group_conf;
    struct group *group;
    struct process *p;
    int codes[1];
    enum event_type events[64];
    size_t event_count;
    struct event_subscription sub;
} w;

static void note_event(void *arg, const struct event *ev)
{
    UNUSED(arg);
    if (w.event_count < array_len(w.events))
        w.events[w.event_count++] = ev->type;
}

static int set_up(void **state)
{
    UNUSED(state);
    struct err err;
    static char *no_environment[] = {NULL};
    clock_freeze(1000000, 1800000000);
    fake_spawn_reset();
    w = (struct world){0};
    w.program = (struct program_conf){.program = xstrdup("cat"),
                                      .name = xstrdup("cat"),
                                      .command = xstrdup("/bin/cat"),
                                      .umask = -1,
                                      .autostart = true,
                                      .autorestart = RESTART_UNEXPECTED,
                                      .startsecs = 1,
                                      .startretries = 3,
                                      .exitcodes = w.codes,
                                      .exitcode_count = 1,
                                      .stopsignal = SIGTERM,
                                      .stopwaitsecs = 10};
    w.programs[0] = &w.program;
    w.group_conf = (struct group_conf){
        .name = xstrdup("cat"), .processes = w.programs, .process_count = 1};
    w.conf.refs = 1;
    w.engine.loop = loop_new(&err);
    w.engine.conf = &w.conf;
    w.engine.environ = no_environment;
    w.engine.starts_allowed = true;
    event_bus_init(&w.engine.bus);
    list_init(&w.engine.start_queue);
    list_init(&w.engine.dirty_processes);
    list_init(&w.engine.dirty_pools);
    event_subscribe(&w.engine.bus, &w.sub, EVENT_PROCESS_STATE, note_event, NULL);
    w.group = group_new(&w.engine, &w.conf, &w.group_conf);
    w.p = group_at(w.group, 0);
    return 0;
}

static int tear_down(void **state)
{
    UNUSED(state);
    group_free(w.group);
    map_free(&w.engine.by_pid);
    map_free(&w.engine.by_id);
    event_unsubscribe(&w.sub);
    loop_free(w.engine.loop);
    free(w.program.program);
    free(w.program.name);
    free(w.program.command);
    free(w.group_conf.name);
    clock_thaw();
    return 0;
}

static void turn(void)
{
    struct err err;
    reap_children(&w.engine);
    assert_int_equal(loop_turn(w.engine.loop, 0, &err), 0);
}

static void wait_ms(int64_t ms)
{
    clock_advance(ms);
    turn();
}

static void expect_state(enum proc_state s)
{
    assert_string_equal(proc_state_name(process_state(w.p)), proc_state_name(s));
}

static void expect_events(const enum event_type *types, size_t n)
{
    assert_int_equal(w.event_count, n);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(event_type_name(w.events[i]), event_type_name(types[i]));
    w.event_count = 0;
}

static void die(int wait_status)
{
    fake_spawn_exit(process_pid(w.p), wait_status);
    turn();
}

static void start_to_running(void)
{
    process_start(w.p);
    wait_ms(1000);
    expect_state(PROC_RUNNING);
}

static void it_starts_and_stops(void **state)
{
    UNUSED(state);
    process_start(w.p);
    expect_state(PROC_STARTING);
    assert_int_equal(process_pid(w.p), 1000);
    assert_string_equal(fake_spawn.last_argv0, "/bin/cat");
    wait_ms(999);
    expect_state(PROC_STARTING);
    wait_ms(1);
    expect_state(PROC_RUNNING);
    process_stop(w.p);
    expect_state(PROC_STOPPING);
    assert_int_equal(fake_spawn.last_signal, SIGTERM);
    assert_false(fake_spawn.last_to_group);
    die(SIGTERM);
    expect_state(PROC_STOPPED);
    assert_int_equal(process_pid(w.p), 0);
    assert_int_equal(process_exit_status(w.p), -1);
    assert_int_equal(process_deadline_ms(w.p), -1);
    expect_events(
        (enum event_type[]){EVENT_PROCESS_STATE_STARTING, EVENT_PROCESS_STATE_RUNNING,
                            EVENT_PROCESS_STATE_STOPPING, EVENT_PROCESS_STATE_STOPPED},
        4);
}

/* 1 + startretries attempts; the delay before retry n is n seconds. */
static void early_exits_end_in_fatal(void **state)
{
    UNUSED(state);
    process_start(w.p);
    for (int tries = 1; tries <= 3; tries++) {
        die(0);
        expect_state(PROC_BACKOFF);
        assert_int_equal(process_backoff(w.p), tries);
        assert_int_equal(process_deadline_ms(w.p), mono_ms() + tries * 1000);
        wait_ms(tries * 1000 - 1);
        expect_state(PROC_BACKOFF);
        wait_ms(1);
        expect_state(PROC_STARTING);
    }
    die(0);
    expect_state(PROC_FATAL);
    assert_int_equal(fake_spawn.starts, 4);
    assert_string_equal(process_spawn_error(w.p),
                        "Exited too quickly (process log may have details)");
    wait_ms(3600 * 1000);
    expect_state(PROC_FATAL);
    assert_int_equal(fake_spawn.starts, 4);
    process_start(w.p); /* and it counts from the beginning */
    assert_null(process_spawn_error(w.p));
    die(0);
    assert_int_equal(process_backoff(w.p), 1);
}

static void running_resets_the_tries(void **state)
{
    UNUSED(state);
    process_start(w.p);
    die(0);
    wait_ms(1000);
    wait_ms(1000);
    expect_state(PROC_RUNNING);
    assert_int_equal(process_backoff(w.p), 0);
}

static void an_unexpected_exit_restarts_at_once(void **state)
{
    UNUSED(state);
    start_to_running();
    w.event_count = 0;
    die(3 << 8);
    expect_state(PROC_STARTING);
    assert_int_equal(fake_spawn.starts, 2);
    expect_events(
        (enum event_type[]){EVENT_PROCESS_STATE_EXITED, EVENT_PROCESS_STATE_STARTING}, 2);
}

static void an_expected_exit_stays(void **state)
{
    UNUSED(state);
    start_to_running();
    die(0);
    expect_state(PROC_EXITED);
    assert_null(process_spawn_error(w.p));
    wait_ms(3600 * 1000);
    expect_state(PROC_EXITED);
    assert_int_equal(fake_spawn.starts, 1);
}

static void autorestart_false_leaves_it_dead(void **state)
{
    UNUSED(state);
    w.program.autorestart = RESTART_NEVER;
    start_to_running();
    die(SIGKILL);
    expect_state(PROC_EXITED);
    assert_string_equal(process_spawn_error(w.p), "Bad exit code -1");
    assert_int_equal(process_exit_status(w.p), -1);
}

/* With startsecs=0 nothing is too quick, and a second lies between two starts. */
static void short_lives_are_a_second_apart(void **state)
{
    UNUSED(state);
    w.program.startsecs = 0;
    w.program.autorestart = RESTART_ALWAYS;
    process_start(w.p);
    wait_ms(100);
    expect_state(PROC_RUNNING);
    die(0);
    expect_state(PROC_EXITED);
    wait_ms(899);
    expect_state(PROC_EXITED);
    wait_ms(1);
    assert_int_equal(fake_spawn.starts, 2);
    w.event_count = 0;
    die(0); /* in the very turn: RUNNING is told before EXITED */
    expect_events(
        (enum event_type[]){EVENT_PROCESS_STATE_RUNNING, EVENT_PROCESS_STATE_EXITED}, 2);
}

static void a_deaf_one_is_killed(void **state)
{
    UNUSED(state);
    w.program.killasgroup = true;
    start_to_running();
    process_stop(w.p);
    process_stop(w.p); /* a second wish changes nothing */
    assert_int_equal(fake_spawn.signals, 1);
    wait_ms(9999);
    assert_int_equal(fake_spawn.signals, 1);
    wait_ms(1);
    assert_int_equal(fake_spawn.last_signal, SIGKILL);
    assert_true(fake_spawn.last_to_group);
    expect_state(PROC_STOPPING);
    die(SIGKILL);
    expect_state(PROC_STOPPED);
}

static void no_wait_is_no_busy_loop(void **state)
{
    UNUSED(state);
    w.program.stopwaitsecs = 0;
    start_to_running();
    process_stop(w.p);
    for (int i = 0; i < 50; i++)
        turn();
    assert_int_equal(fake_spawn.signals, 2); /* TERM and one KILL */
    wait_ms(1000);
    assert_int_equal(fake_spawn.signals, 3);
    die(SIGKILL);
    expect_state(PROC_STOPPED);
}

static void stop_ends_a_backoff(void **state)
{
    UNUSED(state);
    process_start(w.p);
    die(1 << 8);
    process_stop(w.p);
    expect_state(PROC_STOPPED);
    wait_ms(10000);
    expect_state(PROC_STOPPED);
    assert_int_equal(fake_spawn.starts, 1);
    assert_int_equal(fake_spawn.signals, 0);
}

static void giving_up_is_fatal(void **state)
{
    UNUSED(state);
    process_start(w.p);
    die(1 << 8);
    process_give_up(w.p);
    expect_state(PROC_FATAL);
    wait_ms(10000);
    expect_state(PROC_FATAL);
}

static void failing_to_start_is_told(void **state)
{
    UNUSED(state);
    static const struct {
        const char *command, *words;
        int fork_errno;
        bool missing;
    } cases[] = {
        {"/bin/cat", "can't find command '/bin/cat'", 0, true},
        {"", "command is empty", 0, false},
        {"a 'b", "can't parse command \"a 'b\": No closing quotation", 0, false},
        {"/bin/cat", "Too many processes in process table to spawn 'cat'", EAGAIN, false},
        {"/bin/cat", "unknown error during fork for 'cat': ENOMEM", ENOMEM, false},
    };
    for (size_t i = 0; i < array_len(cases); i++) {
        free(w.program.command);
        w.program.command = xstrdup(cases[i].command);
        fake_spawn.fail_fork_errno = cases[i].fork_errno;
        fake_spawn.command_missing = cases[i].missing;
        process_start(w.p);
        expect_state(PROC_BACKOFF);
        assert_string_equal(process_spawn_error(w.p), cases[i].words);
        assert_int_equal(process_pid(w.p), 0);
        process_stop(w.p);
    }
}

static void refused_kills_make_it_unknown(void **state)
{
    UNUSED(state);
    start_to_running();
    fake_spawn.fail_kill_errno = EPERM;
    process_stop(w.p);
    expect_state(PROC_UNKNOWN);
    die(0);
    expect_state(PROC_EXITED);
}

/* It died between the decision and the signal: its exit is still a stop. */
static void a_kill_that_comes_too_late_is_a_stop(void **state)
{
    UNUSED(state);
    start_to_running();
    fake_spawn.fail_kill_errno = ESRCH;
    process_stop(w.p);
    expect_state(PROC_STOPPING);
    die(0);
    expect_state(PROC_STOPPED);
}

static void nothing_starts_while_shutting_down(void **state)
{
    UNUSED(state);
    w.program.autorestart = RESTART_ALWAYS;
    start_to_running();
    w.engine.starts_allowed = false;
    die(1 << 8);
    expect_state(PROC_EXITED);
    process_start(w.p);
    wait_ms(5000);
    expect_state(PROC_EXITED);
    assert_int_equal(fake_spawn.starts, 1);
}

static void the_last_words_are_logged(void **state)
{
    UNUSED(state);
    char path[] = "/tmp/test_process_life.XXXXXX", text[32] = "";
    int fd = mkstemp(path);
    w.program.out = (struct channel_conf){.target = LOG_TO_FILE, .logfile = path};
    start_to_running();
    assert_int_equal(write(fake_spawn.stdout_fd, "goodbye\n", 8), 8);
    die(0);
    assert_int_equal(read(fd, text, sizeof text - 1), 8);
    assert_string_equal(text, "goodbye\n");
    close(fd);
    unlink(path);
}

static void expect_log(const char *path, const char *text)
{
    char read_back[64] = {0};
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_true(read(fd, read_back, sizeof read_back - 1) >= 0);
    assert_string_equal(read_back, text);
    close(fd);
}

static void say(const char *line)
{
    assert_int_equal(write(fake_spawn.stdout_fd, line, strlen(line)), strlen(line));
}

/* The first line is read at once; once lines stream, those of a millisecond together;
 * and its last words at once when it ends. */
static void streaming_lines_are_gathered(void **state)
{
    UNUSED(state);
    char path[] = "/tmp/test_process_life.XXXXXX";
    close(mkstemp(path));
    w.program.out = (struct channel_conf){.target = LOG_TO_FILE, .logfile = path};
    start_to_running();
    say("one\n");
    turn();
    expect_log(path, "one\n");
    say("two\n");
    turn(); /* within a millisecond or two: it streams */
    expect_log(path, "one\ntwo\n");
    say("three\n");
    turn();
    say("four\n");
    turn();
    expect_log(path, "one\ntwo\n");
    wait_ms(1);
    expect_log(path, "one\ntwo\nthree\nfour\n");
    wait_ms(1); /* nothing came: the silence begins */
    wait_ms(100);
    say("five\n");
    turn();
    expect_log(path, "one\ntwo\nthree\nfour\nfive\n");
    say("six\n");
    turn();
    say("end\n"); /* held back, when it dies */
    turn();
    die(0);
    expect_log(path, "one\ntwo\nthree\nfour\nfive\nsix\nend\n");
    wait_ms(5);
    unlink(path);
}

/* Hours of a crash loop in milliseconds: the rate is one start a second. */
static void hours_of_crashing(void **state)
{
    UNUSED(state);
    w.program.startsecs = 0;
    w.program.autorestart = RESTART_ALWAYS;
    process_start(w.p);
    for (int i = 0; i < 2 * 3600; i++) {
        die(1 << 8);
        wait_ms(1000);
    }
    assert_int_equal(fake_spawn.starts, 2 * 3600 + 1);
}

/* The old image is gone, its descriptors are not: they keep their numbers over an exec.
 */
static void keep_descriptors(int kept[64], bool back)
{
    for (int fd = 3; fd < 64; fd++) {
        if (!back)
            kept[fd] = fcntl(fd, F_DUPFD, 200);
        else if (kept[fd] >= 0 && fcntl(fd, F_GETFD) < 0)
            dup2(kept[fd], fd);
        if (back && kept[fd] >= 0)
            close(kept[fd]);
    }
}

static void a_life_goes_on_in_the_next_image(void **state)
{
    UNUSED(state);
    char log[] = "/tmp/test_process_life.XXXXXX", text[64] = "";
    int fd = mkstemp(log), kept[64];
    struct buf record;
    struct record_reader r;
    struct err err = {0};
    w.program.out = (struct channel_conf){
        .target = LOG_TO_FILE, .logfile = log, .capture_maxbytes = 100};
    buf_init(&record, BUF_NO_LIMIT);
    process_start(w.p);
    die(0);        /* one try has failed */
    wait_ms(1000); /* the second one is under way */
    assert_int_equal(
        write(fake_spawn.stdout_fd, "a<!--XSUPERVISOR:BEGIN-->in<!--XSUP", 35), 35);
    turn();
    struct record_writer out = {.out = &record};
    process_save(w.p, true, &out);
    assert_false(out.failed);

    int64_t deadline_ms = process_deadline_ms(w.p), pid = process_pid(w.p);
    keep_descriptors(kept, false);
    group_free(w.group);
    keep_descriptors(kept, true);
    w.engine.restoring = true;
    w.group = group_new(&w.engine, &w.conf, &w.group_conf);
    w.p = group_at(w.group, 0);
    record_open(&r, buf_data(&record), record.len);
    assert_int_equal(record_next(&r), 1);
    assert_int_equal(process_restore(w.p, &r, &err), 0);
    buf_free(&record);

    expect_state(PROC_STARTING);
    assert_int_equal(process_pid(w.p), pid);
    assert_int_equal(process_backoff(w.p), 1);
    assert_int_equal(process_deadline_ms(w.p), deadline_ms);
    assert_int_equal(write(fake_spawn.stdout_fd, "ERVISOR:END-->b", 15), 15);
    wait_ms(1000);
    expect_state(PROC_RUNNING);
    assert_int_equal(process_write_stdin(w.p, "x", 1), -1); /* the fake reads nothing */
    die(1 << 8);
    expect_state(PROC_STARTING);
    assert_int_equal(read(fd, text, sizeof text - 1), 2);
    assert_string_equal(text, "ab");
    close(fd);
    unlink(log);
}

/* By seconds and by a year, forth and back, in the middle of every deadline. */
static void the_clock_may_be_set(void **state)
{
    UNUSED(state);
    static const int64_t steps[] = {-31536000, -5, 5, 31536000};
    w.program.autorestart = RESTART_NEVER;
    for (size_t i = 0; i < array_len(steps); i++) {
        process_start(w.p);
        wait_ms(500);
        clock_step(steps[i]);
        turn();
        expect_state(PROC_STARTING); /* not early */
        wait_ms(500);
        expect_state(PROC_RUNNING); /* and not late */

        int killed = fake_spawn.signals;
        process_stop(w.p);
        wait_ms(9999);
        clock_step(-steps[i]);
        turn();
        expect_state(PROC_STOPPING);
        assert_int_equal(fake_spawn.signals, killed + 1);
        wait_ms(1);
        assert_int_equal(fake_spawn.signals, killed + 2); /* KILL */
        die(SIGKILL);
        expect_state(PROC_STOPPED);

        process_start(w.p);
        clock_step(steps[i]);
        die(0);
        expect_state(PROC_BACKOFF); /* upstream takes it for a long life */
        wait_ms(999);
        clock_step(-steps[i]);
        turn();
        expect_state(PROC_BACKOFF);
        wait_ms(1);
        expect_state(PROC_STARTING);
        process_stop(w.p);
        die(SIGTERM);
        expect_state(PROC_STOPPED);
    }
}

int main(void)
{
    log_drop_early();
    signal(SIGPIPE, SIG_IGN); /* a fake child has closed its input */
    const struct CMUnitTest tests[] = {
#define LIFE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        LIFE(it_starts_and_stops),
        LIFE(early_exits_end_in_fatal),
        LIFE(running_resets_the_tries),
        LIFE(an_unexpected_exit_restarts_at_once),
        LIFE(an_expected_exit_stays),
        LIFE(autorestart_false_leaves_it_dead),
        LIFE(short_lives_are_a_second_apart),
        LIFE(a_deaf_one_is_killed),
        LIFE(no_wait_is_no_busy_loop),
        LIFE(stop_ends_a_backoff),
        LIFE(giving_up_is_fatal),
        LIFE(failing_to_start_is_told),
        LIFE(refused_kills_make_it_unknown),
        LIFE(a_kill_that_comes_too_late_is_a_stop),
        LIFE(nothing_starts_while_shutting_down),
        LIFE(the_last_words_are_logged),
        LIFE(streaming_lines_are_gathered),
        LIFE(hours_of_crashing),
        LIFE(the_clock_may_be_set),
        LIFE(a_life_goes_on_in_the_next_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
