/* A supervisor's state as a record, and back: an image of supervisord is abandoned as an
 * exec abandons it (its memory is never looked at again, its descriptors stay), and the
 * next one goes on from the record. */
/* links: tests/unit/fake_spawn.c tests/unit/conf_file.c all */
#include "applets/supervisord/process.h"
#include "applets/supervisord/reap.h"
#include "applets/supervisord/super_save.h"
#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/io/fd.h"
#include "tests/unit/conf_file.h"
#include "tests/unit/fake_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

/* An abandoned image can be reached to the end, so that it is no leak; nothing runs it.
 */
static struct abandoned {
    struct abandoned *next;
    struct super *super;
    struct loop *loop;
} * abandoned;

static struct world {
    struct super *super;
    struct loop *loop;
    struct buf record; /* base and changes */
    struct buf lines;  /* what was logged */
    int sink;
    int stdout_of[64], stdin_of[64]; /* the children's ends, by pid modulo 64 */
} w;

static char *no_environment[] = {NULL};

static void note_line(void *arg, enum log_level level, const char *line, size_t n,
                      const char *text)
{
    UNUSED(arg);
    UNUSED(line);
    UNUSED(n);
    if (level >= LOG_LEVEL_INFO)
        buf_printf(&w.lines, "%s\n", text);
}

static void configure(const char *more)
{
    char text[4000];
    const char *dir = conf_dir_path();
    snprintf(text, sizeof text,
             "[supervisord]\nchildlogdir=%s\nlogfile=%s/main.log\n"
             "[program:plain]\ncommand=/bin/cat\nstartsecs=1\nautorestart=true\n"
             "stdout_logfile=%s/plain.log\n"
             "[program:capture]\ncommand=/bin/cat\nstdout_capture_maxbytes=200\n"
             "stdout_logfile=%s/capture.log\nredirect_stderr=true\n"
             "[program:auto]\ncommand=/bin/cat\nnumprocs=2\nstopwaitsecs=7\n"
             "process_name=%%(program_name)s_%%(process_num)d\n"
             "[eventlistener:pool]\ncommand=/bin/cat\nbuffer_size=4\nautostart=false\n"
             "events=PROCESS_STATE_FATAL,PROCESS_STATE_BACKOFF,PROCESS_COMMUNICATION,"
             "SUPERVISOR_STATE_CHANGE,PROCESS_GROUP,TICK_60\n"
             "numprocs=2\nprocess_name=%%(process_num)d\nstdout_logfile=NONE\n"
             "listener_timeout=100\nstartsecs=0\n"
             "[fcgi-program:fcgi]\ncommand=/bin/cat\nsocket=unix://%s/fcgi.sock\n%s",
             dir, dir, dir, dir, dir, more);
    conf_file_write("c.conf", text);
}

static struct super_opts opts(void)
{
    return (struct super_opts){.loop = w.loop, .environ = no_environment};
}

static int set_up(void **state)
{
    UNUSED(state);
    struct err err = {0};
    clock_freeze(1000000, 1800000007);
    fake_spawn_reset();
    fake_spawn.keep_stdin = true;
    conf_dir_begin();
    configure("");
    w = (struct world){0};
    for (size_t i = 0; i < array_len(w.stdout_of); i++)
        w.stdout_of[i] = w.stdin_of[i] = -1;
    buf_init(&w.record, BUF_NO_LIMIT);
    buf_init(&w.lines, BUF_NO_LIMIT);
    w.sink = log_add_sink(note_line, NULL);
    w.loop = loop_new(&err);
    char *path = xasprintf("%s/c.conf", conf_dir_path());
    struct super_opts o = opts();
    o.conf = conf_load(path, NULL, &err);
    free(path);
    if (!o.conf)
        fail_msg("%s", err.text);
    w.super = super_new(&o);
    conf_unref(o.conf);
    super_start(w.super);
    return 0;
}

static int tear_down(void **state)
{
    UNUSED(state);
    super_free(w.super);
    loop_free(w.loop);
    for (size_t i = 0; i < array_len(w.stdout_of); i++) {
        fd_close(&w.stdout_of[i]);
        fd_close(&w.stdin_of[i]);
    }
    buf_free(&w.record);
    buf_free(&w.lines);
    log_remove_sink(w.sink);
    conf_dir_end();
    clock_thaw();
    return 0;
}

static void turn(int64_t ms)
{
    struct err err;
    clock_advance(ms);
    reap_children(super_engine(w.super));
    assert_int_equal(loop_turn(w.loop, 0, &err), 0);
}

static struct process *find(const char *group, const char *name)
{
    struct group *g = super_find_group(w.super, group);
    assert_non_null(g);
    struct process *p = group_find(g, name);
    assert_non_null(p);
    return p;
}

static size_t place_of(const struct process *p)
{
    assert_true(process_pid(p) > 0);
    return (size_t)process_pid(p) % array_len(w.stdout_of);
}

/* Keeps the ends of the newest child. */
static void keep_ends(const struct process *p)
{
    size_t i = place_of(p);
    fd_close(&w.stdout_of[i]);
    fd_close(&w.stdin_of[i]);
    w.stdout_of[i] = dup(fake_spawn.stdout_fd);
    w.stdin_of[i] = dup(fake_spawn.stdin_fd);
}

static struct process *start(const char *group, const char *name)
{
    struct process *p = find(group, name);
    process_start(p);
    keep_ends(p);
    return p;
}

static void say(const struct process *p, const char *text)
{
    size_t i = place_of(p);
    assert_int_equal(write(w.stdout_of[i], text, strlen(text)), strlen(text));
    turn(0);
}

/* What waits in its standard input; dies with the next call. */
static const char *heard(const struct process *p)
{
    static char text[70000];
    int fd = w.stdin_of[place_of(p)];
    fd_set_nonblock(fd, true);
    ssize_t n = read(fd, text, sizeof text - 1);
    text[n < 0 ? 0 : n] = '\0';
    return text;
}

static void die(const struct process *p, int wait_status)
{
    fake_spawn_exit(process_pid(p), wait_status);
    turn(0);
}

/* --- records ----------------------------------------------------------------------- */

static void save_base(void)
{
    struct record_writer out = {.out = &w.record};
    buf_free(&w.record);
    super_save_all(w.super, &out);
    assert_false(out.failed);
}

static enum super_changes save_changes(void)
{
    struct record_writer out = {.out = &w.record};
    enum super_changes changes = super_save_changes(w.super, &out);
    assert_false(out.failed);
    return changes;
}

static void checkpoint(void)
{
    if (save_changes() == SUPER_NEEDS_BASE)
        save_base();
}

/* All there is, apart from the doubt that comes with restoring. */
static char *whole_state(void)
{
    struct buf text;
    struct record_writer out = {.out = &text};
    buf_init(&text, BUF_NO_LIMIT);
    super_save_all(w.super, &out);
    assert_false(out.failed);
    char *whole = buf_detach(&text);
    for (char *at = whole; (at = strstr(at, " doubts="));)
        memmove(at, strstr(at + 1, " in_hand="), strlen(strstr(at + 1, " in_hand=")) + 1);
    return whole;
}

static void abandon(void)
{
    struct abandoned *a = xcalloc(1, sizeof *a);
    struct err err;
    *a = (struct abandoned){abandoned, w.super, w.loop};
    abandoned = a;
    w.loop = loop_new(&err);
}

static void restore(void)
{
    struct err err = {0};
    struct super_opts o = opts();
    buf_free(&w.lines);
    w.super = super_restore(&o, buf_data(&w.record), w.record.len, &err);
    if (!w.super)
        fail_msg("%s", err.text);
    assert_string_equal(buf_str(&w.lines), ""); /* nothing to be said */
}

/* The next image, from the record as it is. */
static void next_image(void)
{
    abandon();
    restore();
    super_resume(w.super);
}

/* Line by line, so that a difference can be seen. */
static void check_same(const char *before, const char *after)
{
    struct span a = span_of(before), b = span_of(after), a_line, b_line;
    while (span_split(&a, '\n', &a_line) && span_split(&b, '\n', &b_line)) {
        if (a_line.len != b_line.len || memcmp(a_line.ptr, b_line.ptr, a_line.len) != 0)
            fail_msg("before: %.*s\nafter:  %.*s", (int)a_line.len, a_line.ptr,
                     (int)b_line.len, b_line.ptr);
    }
    assert_int_equal(a.len, b.len);
}

/* The record has everything: the next image would write the same. */
static void check_record(void)
{
    char *before = whole_state();
    abandon();
    restore();
    char *after = whole_state();
    check_same(before, after);
    free(before);
    free(after);
    super_resume(w.super);
    turn(0);
}

/* --- tests ------------------------------------------------------------------------- */

static struct process *ready_listener(const char *name)
{
    struct process *p = start("pool", name);
    turn(1);
    assert_int_equal(process_state(p), PROC_RUNNING);
    say(p, "READY\n");
    return p;
}

/* Takes events until there are none. */
static void empty_the_buffer(const struct process *listener)
{
    while (heard(listener)[0]) {
        say(listener, "RESULT 2\nOKREADY\n");
        turn(0);
    }
}

/* Everything at once: tries, deadlines, a capture cut in the middle, an event in hand, a
 * full buffer, waiting input, a group of a configuration read later. */
static void make_it_rich(void)
{
    struct err err = {0};
    turn(0);
    process_stop(find("plain", "plain"));
    die(find("plain", "plain"), 0);
    struct process *capture = find("capture", "capture");
    process_stop(capture);
    die(capture, 0);
    start("capture", "capture");
    turn(1000);
    say(capture, "a<!--XSUPERVISOR:BEGIN-->\nprocess group=5:plain name=5:plain "
                 "state=3:200\nforged<!--XSUPERV");
    struct process *stopping = find("auto", "auto_1");
    process_stop(stopping);
    assert_int_equal(process_state(stopping), PROC_STOPPING);

    struct process *zero = ready_listener("0");
    assert_non_null(strstr(heard(zero), "pool:pool"));
    say(zero, "RESULT 9\nab\n");
    static char big[200000];
    memset(big, 'x', sizeof big);
    assert_int_equal(process_write_stdin(capture, big, sizeof big), 0);

    configure("[program:late]\ncommand=/bin/late\nautostart=false\n");
    assert_int_equal(super_reread(w.super, NULL, &err), 0);
    assert_int_equal(super_add_group(w.super, "late", &err), 0);
    for (int i = 0; i < 6; i++) {
        start("late", "late");
        die(find("late", "late"), 256);
    }
    struct process *plain = start("plain", "plain");
    die(plain, 256);
    assert_int_equal(process_state(plain), PROC_BACKOFF);
}

static void a_rich_state_round_trips(void **state)
{
    UNUSED(state);
    make_it_rich();
    int64_t deadline_ms = process_deadline_ms(find("auto", "auto_1"));
    uint64_t id = process_id(find("late", "late"));
    save_base();
    check_record();
    assert_int_equal(process_deadline_ms(find("auto", "auto_1")), deadline_ms);
    assert_ptr_equal(super_find_process(w.super, id), find("late", "late"));
    assert_string_equal(process_conf(find("late", "late"))->command, "/bin/late");
    checkpoint();
    assert_int_equal(save_changes(), SUPER_UNCHANGED);
    check_record();

    /* Everything goes on where it was. */
    struct process *plain = find("plain", "plain");
    assert_int_equal(process_backoff(plain), 1);
    turn(1000);
    assert_int_equal(process_state(plain), PROC_STARTING);
    struct process *stopping = find("auto", "auto_1");
    turn(6000);
    assert_int_equal(fake_spawn.last_target, process_pid(stopping));
    assert_int_equal(fake_spawn.last_signal, SIGKILL);
    die(stopping, SIGKILL);
    assert_int_equal(process_state(stopping), PROC_STOPPED);
}

static size_t read_log(const char *name, char *text, size_t room)
{
    char *path = xasprintf("%s/%s", conf_dir_path(), name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    free(path);
    assert_true(fd >= 0);
    ssize_t n = read(fd, text, room - 1);
    close(fd);
    assert_true(n >= 0);
    text[n] = '\0';
    return (size_t)n;
}

static void a_captured_text_goes_on(void **state)
{
    UNUSED(state);
    char log[400];
    make_it_rich();
    save_base();
    next_image();
    struct process *zero = find("pool", "0"), *capture = find("capture", "capture");
    say(zero, "123456"); /* its answer of nine bytes is complete: not OK, so rejected */
    say(capture, "ISOR:END-->b");
    read_log("capture.log", log, sizeof log);
    assert_string_equal(log, "ab");
    assert_non_null(strstr(buf_str(&w.lines), "event was rejected"));
    buf_free(&w.lines);
    turn(0);
    for (int i = 0; i < 6; i++) {
        say(zero, "READY\n");
        turn(0);
        const char *event = heard(zero);
        assert_non_null(strstr(event, "pool:pool"));
        if (strstr(event, "PROCESS_COMMUNICATION_STDOUT")) {
            assert_non_null(strstr(event, "\nprocess group=5:plain name=5:plain "
                                          "state=3:200\nforged"));
            return;
        }
        say(zero, "RESULT 2\nOK");
    }
    fail_msg("no event of the captured text");
}

/* What a listener had in hand and returned comes again before everything else. */
static void events_keep_their_order(void **state)
{
    UNUSED(state);
    char first[2][400];
    turn(0);
    struct process *zero = ready_listener("0");
    empty_the_buffer(zero);
    struct process *one = ready_listener("1");
    for (int i = 0; i < 3; i++)
        event_emit(
            &super_engine(w.super)->bus,
            &(struct event){.type = EVENT_PROCESS_GROUP_REMOVED, .group_name = "x"});
    turn(0);
    snprintf(first[0], sizeof first[0], "%s", heard(zero));
    snprintf(first[1], sizeof first[1], "%s", heard(one));
    save_base();
    say(zero, "RESULT 4\nFAIL");
    assert_int_equal(save_changes(), SUPER_CHANGED);
    say(one, "RESULT 4\nFAIL");
    event_emit(&super_engine(w.super)->bus,
               &(struct event){.type = EVENT_PROCESS_GROUP_REMOVED, .group_name = "y"});
    assert_int_equal(save_changes(), SUPER_CHANGED);
    check_record();
    zero = find("pool", "0");
    const int order[] = {1, 0};
    for (int i = 0; i < 2; i++) {
        say(zero, "READY\n");
        turn(0);
        assert_string_equal(heard(zero), first[order[i]]);
        say(zero, "RESULT 2\nOK");
    }
}

/* It was sent an event just before the end, and nobody remembers. */
static void doubts_are_forgiven_once_each(void **state)
{
    UNUSED(state);
    turn(0);
    struct process *zero = ready_listener("0");
    empty_the_buffer(zero);
    save_base();
    next_image();
    checkpoint();
    next_image();
    zero = find("pool", "0");
    for (int i = 0; i < 2; i++) {
        say(zero, "RESULT 2\nOK");
        say(zero, "READY\n");
        assert_null(process_note(zero));
    }
    say(zero, "READY\n");
    assert_string_equal(process_note(zero), "listener state UNKNOWN");
}

static void changes_follow_a_base(void **state)
{
    UNUSED(state);
    struct err err = {0};
    save_base();
    assert_int_equal(save_changes(), SUPER_UNCHANGED);
    turn(0);
    assert_int_equal(save_changes(), SUPER_CHANGED);
    size_t len = w.record.len;
    check_record();
    checkpoint();
    process_stop(find("plain", "plain"));
    len = w.record.len;
    assert_int_equal(save_changes(), SUPER_CHANGED);
    assert_in_range(w.record.len - len, 50, 800); /* one process, not all */
    assert_int_equal(save_changes(), SUPER_UNCHANGED);
    process_stop(find("capture", "capture"));
    die(find("capture", "capture"), 0);
    struct process *capture = start("capture", "capture");
    turn(2000);
    checkpoint();
    static const char *const changing[] = {"a<!--XSUP", "ERVISOR:BEGIN-->", "x",
                                           "<!--XSUPERVISOR:END-->"};
    say(capture, "nothing to remember");
    assert_int_equal(save_changes(), SUPER_UNCHANGED);
    for (size_t i = 0; i < array_len(changing); i++) {
        say(capture, changing[i]);
        assert_int_equal(save_changes(), SUPER_CHANGED);
    }
    die(find("plain", "plain"), 0);
    assert_int_equal(save_changes(), SUPER_CHANGED);
    check_record();

    checkpoint();
    assert_int_equal(super_reread(w.super, NULL, &err), 0);
    assert_int_equal(save_changes(), SUPER_NEEDS_BASE);
    checkpoint();
    assert_int_equal(super_remove_group(w.super, "plain", &err), 0);
    assert_int_equal(save_changes(), SUPER_NEEDS_BASE);
    save_base();
    check_record();
    assert_null(super_find_group(w.super, "plain"));
}

/* It may be the end of an earlier child: then nobody reads. */
static void put_in(int fd, const char *text)
{
    if (fd >= 0 && write(fd, text, strlen(text)) < 0)
        assert_int_equal(errno, EPIPE);
}

/* Anything that can happen, in any order, with an end of the image now and then. */
static void any_history_round_trips(void **state)
{
    UNUSED(state);
    unsigned seed = 1;
    static char input[20000];
    static const char *const groups[] = {"plain", "capture", "auto", "pool", "fcgi"};
    static const char *const words[] = {"READY\n",      "RESULT 2\nOK",
                                        "RESULT 4\nFA", "IL",
                                        "text\n",       "READY\n",
                                        "RESULT 2\nOK", "<!--XSUPERVISOR:BEGIN",
                                        "--",           "><!--XSUPERVISOR:END-->"};
    for (int i = 0; i < 6000; i++) {
        seed = seed * 1103515245u + 12345u;
        unsigned dice = seed >> 16;
        struct group *g = super_find_group(w.super, groups[dice % 5]);
        struct process *p = group_at(g, dice / 5 % group_count(g));
        pid_t pid = process_pid(p);
        switch (dice / 16 % 8) {
        case 0:
            process_start(p);
            if (process_pid(p) != pid)
                keep_ends(p);
            break;
        case 1:
            if (dice & 2048)
                process_stop(p);
            break;
        case 2:
            if (pid)
                die(p, dice & 1024 ? 0 : 256);
            break;
        case 3:
            if (pid)
                put_in(w.stdout_of[place_of(p)], words[dice / 128 % array_len(words)]);
            break;
        case 4:
            if (pid && dice & 1024)
                heard(p);
            else
                process_write_stdin(p, input, sizeof input);
            break;
        default:
            turn(dice % 1500);
        }
        turn(0);
        checkpoint();
        if (dice % 16 == 0 && i % 4 == 0)
            check_record();
    }
    assert_true(fake_spawn.starts > 100);
}

static void nothing_started_yet(void **state)
{
    UNUSED(state);
    struct err err;
    struct super_opts o = opts();
    o.conf = (struct conf *)(uintptr_t)super_conf(w.super);
    struct super *old = w.super;
    w.super = super_new(&o);
    super_free(old);
    save_base();
    next_image();
    assert_false(super_started(w.super));
    int starts = fake_spawn.starts;
    turn(0);
    assert_int_equal(fake_spawn.starts, starts);
    super_start(w.super);
    turn(0);
    assert_true(fake_spawn.starts > starts);
    checkpoint();
    next_image();
    assert_true(super_started(w.super));
    assert_int_equal(super_remove_group(w.super, "plain", &err), -1);
}

static void a_shutdown_goes_on(void **state)
{
    UNUSED(state);
    turn(0);
    super_on_signal(w.super, SIGTERM);
    turn(0);
    checkpoint();
    next_image();
    assert_int_equal(super_mood(w.super), MOOD_SHUTDOWN);
    turn(0);
    for (int i = 0; i < 4; i++) {
        for (size_t k = 0; k < super_group_count(w.super); k++)
            for (size_t n = 0; n < group_count(super_group_at(w.super, k)); n++) {
                struct process *p = group_at(super_group_at(w.super, k), n);
                if (process_state(p) == PROC_STOPPING)
                    die(p, SIGTERM);
            }
        checkpoint();
        next_image();
        if (i < 3)
            turn(0);
    }
    for (size_t k = 0; k < super_group_count(w.super); k++)
        assert_int_equal(group_unstopped(super_group_at(w.super, k)), 0);
    struct err err;
    assert_int_equal(loop_run(w.loop, &err), 0); /* it stops by itself */
}

static void a_restart_keeps_its_configuration(void **state)
{
    UNUSED(state);
    struct err err;
    turn(0);
    configure("[program:late]\ncommand=/bin/late\n");
    assert_int_equal(super_restart(w.super, &err), 0);
    configure("wrong");
    checkpoint();
    next_image();
    struct conf *next = super_take_restart_conf(w.super);
    assert_non_null(next);
    assert_non_null(conf_find_group(next, "late"));
    assert_null(conf_find_group(super_first_conf(w.super), "late"));
    conf_unref(next);
}

static void a_socket_goes_on(void **state)
{
    UNUSED(state);
    turn(0);
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s/fcgi.sock", conf_dir_path());
    checkpoint();
    next_image();
    struct process *p = find("fcgi", "fcgi");
    int peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(peer, (struct sockaddr *)(void *)&addr, sizeof addr), 0);
    close(peer);
    process_stop(p);
    die(p, 0);
    assert_int_equal(access(addr.sun_path, F_OK), -1); /* the file was still ours */
}

/* --- what happened after the record ------------------------------------------------- */

static void later_news_are_replayed(void **state)
{
    UNUSED(state);
    turn(0);
    struct process *plain = find("plain", "plain"), *late = find("auto", "auto_0");
    pid_t plain_pid = process_pid(plain);
    process_stop(late);
    die(late, 0);
    checkpoint();
    /* These are forgotten with the image. */
    struct process *again = start("auto", "auto_0");
    struct process_spawned spawned = {
        .process_id = process_id(again),
        .pid = process_pid(again),
        .in_fd = -1,
        .out_fd = dup(0),
        .err_fd = -1,
        .started_ms = mono_ms() - 200,
        .start_secs = 1799999999,
    };
    close(spawned.out_fd);
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    spawned.out_fd = ends[0];
    abandon();
    restore();
    for (int twice = 0; twice < 2; twice++) {
        super_on_spawned(w.super, &spawned);
        struct process *p = find("auto", "auto_0");
        assert_int_equal(process_state(p), PROC_STARTING);
        assert_int_equal(process_pid(p), spawned.pid);
        assert_int_equal(process_deadline_ms(p), spawned.started_ms + 1000);
        assert_int_equal(process_start_secs(p), spawned.start_secs);
    }
    assert_int_equal(process_starts(find("auto", "auto_0")), 2);
    super_on_exited(w.super, plain_pid, 256);
    assert_int_equal(process_state(find("plain", "plain")), PROC_BACKOFF);
    super_resume(w.super);
    assert_int_equal(write(ends[1], "x", 1), 1);
    turn(0);
    char text[10];
    const char *log = process_log_path(find("auto", "auto_0"), PROCESS_STDOUT);
    assert_int_equal(read_log(strrchr(log, '/') + 1, text, sizeof text), 1);
    close(ends[1]);
    spawned.process_id = 4711;
    super_on_spawned(w.super, &spawned); /* of a group that was removed */
}

static void save_in_the_middle(void *arg, const struct event *ev)
{
    UNUSED(arg);
    UNUSED(ev);
    checkpoint();
}

/* A record written while the last output of a dead child is read. */
static void an_exit_cut_short_is_finished(void **state)
{
    UNUSED(state);
    struct event_subscription sub;
    turn(0);
    struct process *p = find("capture", "capture");
    process_stop(p);
    die(p, 0);
    start("capture", "capture");
    turn(2000);
    checkpoint();
    event_subscribe(&super_engine(w.super)->bus, &sub, EVENT_PROCESS_COMMUNICATION_STDOUT,
                    save_in_the_middle, NULL);
    const char text[] = "<!--XSUPERVISOR:BEGIN-->x<!--XSUPERVISOR:END-->";
    assert_int_equal(write(w.stdout_of[place_of(p)], text, strlen(text)), strlen(text));
    process_on_exit(p, 256);
    abandon();
    restore();
    p = find("capture", "capture");
    assert_int_equal(process_state(p), PROC_RUNNING);
    super_resume(w.super);
    assert_int_equal(process_state(p), PROC_EXITED);
    assert_int_equal(process_exit_status(p), 1);
    assert_int_equal(process_pid(p), 0);
}

/* The record was written before the fork, and the fork never came. */
static void a_start_cut_short_is_made_again(void **state)
{
    UNUSED(state);
    turn(0);
    struct process *p = find("plain", "plain");
    checkpoint();
    char *pid = xasprintf(" pid=4:%d", (int)process_pid(p));
    char *at = memmem(buf_data(&w.record), w.record.len, pid, strlen(pid));
    assert_non_null(at);
    memcpy(at, " qid", 4);
    free(pid);
    int starts = fake_spawn.starts;
    abandon();
    restore();
    p = find("plain", "plain");
    assert_int_equal(process_pid(p), 0);
    super_resume(w.super);
    assert_int_equal(fake_spawn.starts, starts + 1);
    assert_int_equal(process_state(p), PROC_STARTING);
    assert_int_equal(process_pid(p), fake_spawn.last_pid);
}

/* --- records that are not what they should be -----------------------------------------
 */

static void cut_records_are_refused(void **state)
{
    UNUSED(state);
    struct err err;
    make_it_rich();
    save_base();
    assert_int_equal(super_check(buf_data(&w.record), w.record.len, &err), 0);
    int fd = dup(0);
    close(fd);
    for (size_t n = 0; n < w.record.len; n += n < 3000 ? 7 : 997) {
        if (n > 0 && buf_data(&w.record)[n - 1] == '\n')
            continue;
        err = (struct err){0};
        struct super_opts o = opts();
        assert_int_equal(super_check(buf_data(&w.record), n, &err), -1);
        assert_int_equal(err.code, ERR_SYNTAX);
        assert_null(super_restore(&o, buf_data(&w.record), n, &err));
    }
    int other = dup(0);
    assert_int_equal(other, fd); /* nothing was left open on the way */
    close(other);
}

static void altered_records_are_refused(void **state)
{
    UNUSED(state);
    static const struct {
        const char *from, *to;
        enum err_code code;
    } cases[] = {
        {"version=1:1", "version=1:2", ERR_LIMIT},
        {"version=1:1", "version=1:0", ERR_SYNTAX},
        {"version=1:1", "version=1:x", ERR_SYNTAX},
        {"state version", "skate version", ERR_SYNTAX},
        {"super started", "sober started", ERR_SYNTAX},
        {"newest=1:1", "newest=1:9", ERR_SYNTAX},
        {"first=1:1", "first=1:0", ERR_SYNTAX},
        {"configurations", "configurationz", ERR_SYNTAX},
        {"group name=5:plain", "group name=5:plaim", ERR_SYNTAX},
        {"group name=5:plain", "group nome=5:plain", ERR_SYNTAX},
        {"group name=5:plain", "group name=6:plain", ERR_SYNTAX},
        {"process group=5:plain", "prozess group=5:plain", ERR_SYNTAX},
        {"process group=5:plain", "process group=5:plaim", ERR_SYNTAX},
        {"process group=5:plain name=5:plain", "process group=5:plain name=5:plaim",
         ERR_SYNTAX},
        {"text=", "tent=", ERR_SYNTAX},
        {"identifier=10", "identifier=11", ERR_SYNTAX},
    };
    save_base();
    for (size_t i = 0; i < array_len(cases); i++) {
        struct err err = {0};
        size_t n = strlen(cases[i].from);
        assert_int_equal(n, strlen(cases[i].to));
        char *at = memmem(buf_data(&w.record), w.record.len, cases[i].from, n);
        if (!at)
            fail_msg("'%s' is not in the record", cases[i].from);
        memcpy(at, cases[i].to, n);
        if (super_check(buf_data(&w.record), w.record.len, &err) != -1)
            fail_msg("'%s' for '%s' is taken", cases[i].to, cases[i].from);
        assert_int_equal(err.code, cases[i].code);
        memcpy(at, cases[i].from, n);
    }
}

/* A field and an object of a later time, and what belongs to another part of the daemon.
 */
static void unknown_things_are_skipped(void **state)
{
    UNUSED(state);
    turn(0);
    save_base();
    struct record_writer out = {.out = &w.record};
    record_begin(&out, "daemon");
    record_put_int(&out, "binary_fd", 77);
    record_end(&out);
    char *before = whole_state();
    abandon();
    restore();
    char *after = whole_state();
    assert_string_equal(before, after);
    free(before);
    free(after);
}

/* Numbers of descriptors that are none of ours: a file, the terminal, nothing at all. */
static void wrong_descriptors_are_left_alone(void **state)
{
    UNUSED(state);
    struct err err = {0};
    struct buf record;
    struct record_reader r;
    turn(0);
    struct process *p = find("plain", "plain");
    int file = open("/dev/null", O_RDWR), ends[2];
    assert_int_equal(pipe(ends), 0);
    const int fds[] = {0, 1, 2, file, 9999};
    for (size_t i = 0; i < array_len(fds); i++) {
        buf_init(&record, BUF_NO_LIMIT);
        struct record_writer out = {.out = &record};
        process_stop(p);
        die(p, 0);
        record_begin(&out, "process");
        record_put_int(&out, "state", PROC_STOPPED);
        record_put_int(&out, "out_fd", fds[i]);
        record_put_int(&out, "err_fd", fds[i]);
        record_put_int(&out, "in_fd", fds[i]);
        record_put_int(&out, "pid_fd", fds[i]);
        record_end(&out);
        record_open(&r, buf_data(&record), record.len);
        assert_int_equal(record_next(&r), 1);
        assert_int_equal(process_restore(p, &r, &err), 0);
        assert_int_equal(process_pid_fd(p), -1);
        buf_free(&record);
        process_start(p);
        if (fds[i] < 9999)
            assert_true(fcntl(fds[i], F_GETFD) >= 0);
    }
    /* The right kind is ours from then on. */
    buf_init(&record, BUF_NO_LIMIT);
    struct record_writer out = {.out = &record};
    process_stop(p);
    die(p, 0);
    record_begin(&out, "process");
    record_put_int(&out, "state", PROC_STOPPED);
    record_put_int(&out, "out_fd", ends[0]);
    record_end(&out);
    record_open(&r, buf_data(&record), record.len);
    assert_int_equal(record_next(&r), 1);
    assert_int_equal(process_restore(p, &r, &err), 0);
    assert_int_equal(process_pipe_fd(p, 1), ends[0]);
    buf_free(&record);
    close(ends[1]);
    close(file);
}

int main(void)
{
    log_drop_early();
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(a_rich_state_round_trips),
        T(a_captured_text_goes_on),
        T(events_keep_their_order),
        T(doubts_are_forgiven_once_each),
        T(changes_follow_a_base),
        T(any_history_round_trips),
        T(nothing_started_yet),
        T(a_shutdown_goes_on),
        T(a_restart_keeps_its_configuration),
        T(a_socket_goes_on),
        T(later_news_are_replayed),
        T(an_exit_cut_short_is_finished),
        T(a_start_cut_short_is_made_again),
        T(cut_records_are_refused),
        T(altered_records_are_refused),
        T(unknown_things_are_skipped),
        T(wrong_descriptors_are_left_alone),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
