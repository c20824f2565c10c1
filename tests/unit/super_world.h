/* What the tests of the hand-off share: a supervisor with programs of every kind, and
 * images of it. An image is abandoned as an exec abandons it (its memory is never looked
 * at again, its descriptors stay), and the next one goes on from the record. */
#ifndef TESTS_UNIT_SUPER_WORLD_H
#define TESTS_UNIT_SUPER_WORLD_H

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

static inline void note_line(void *arg, enum log_level level, const char *line, size_t n,
                             const char *text)
{
    UNUSED(arg);
    UNUSED(line);
    UNUSED(n);
    if (level >= LOG_LEVEL_INFO)
        buf_printf(&w.lines, "%s\n", text);
}

static inline void configure(const char *more)
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

static inline struct super_opts opts(void)
{
    return (struct super_opts){.loop = w.loop, .environ = no_environment};
}

static inline int set_up(void **state)
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

static inline int tear_down(void **state)
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

static inline void turn(int64_t ms)
{
    struct err err;
    clock_advance(ms);
    reap_children(super_engine(w.super));
    assert_int_equal(loop_turn(w.loop, 0, &err), 0);
}

static inline struct process *find(const char *group, const char *name)
{
    struct group *g = super_find_group(w.super, group);
    assert_non_null(g);
    struct process *p = group_find(g, name);
    assert_non_null(p);
    return p;
}

static inline size_t place_of(const struct process *p)
{
    assert_true(process_pid(p) > 0);
    return (size_t)process_pid(p) % array_len(w.stdout_of);
}

/* Keeps the ends of the newest child. */
static inline void keep_ends(const struct process *p)
{
    size_t i = place_of(p);
    fd_close(&w.stdout_of[i]);
    fd_close(&w.stdin_of[i]);
    w.stdout_of[i] = dup(fake_spawn.stdout_fd);
    w.stdin_of[i] = dup(fake_spawn.stdin_fd);
}

static inline struct process *start(const char *group, const char *name)
{
    struct process *p = find(group, name);
    process_start(p);
    keep_ends(p);
    return p;
}

static inline void say(const struct process *p, const char *text)
{
    size_t i = place_of(p);
    assert_int_equal(write(w.stdout_of[i], text, strlen(text)), strlen(text));
    turn(0);
}

/* What waits in its standard input; dies with the next call. */
static inline const char *heard(const struct process *p)
{
    static char text[70000];
    int fd = w.stdin_of[place_of(p)];
    fd_set_nonblock(fd, true);
    ssize_t n = read(fd, text, sizeof text - 1);
    text[n < 0 ? 0 : n] = '\0';
    return text;
}

static inline void die(const struct process *p, int wait_status)
{
    fake_spawn_exit(process_pid(p), wait_status);
    turn(0);
}

static inline size_t read_log(const char *name, char *text, size_t room)
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

/* --- records ----------------------------------------------------------------------- */

static inline void save_base(void)
{
    struct record_writer out = {.out = &w.record};
    buf_free(&w.record);
    super_save_all(w.super, &out);
    assert_false(out.failed);
}

static inline enum super_changes save_changes(void)
{
    struct record_writer out = {.out = &w.record};
    enum super_changes changes = super_save_changes(w.super, &out);
    assert_false(out.failed);
    return changes;
}

static inline void checkpoint(void)
{
    if (save_changes() == SUPER_NEEDS_BASE)
        save_base();
}

/* All there is, apart from the doubt that comes with restoring. */
static inline char *whole_state(void)
{
    struct buf text;
    struct record_writer out = {.out = &text};
    buf_init(&text, BUF_NO_LIMIT);
    super_save_all(w.super, &out);
    assert_false(out.failed);
    char *whole = buf_detach(&text);
    for (char *at = whole; (at = strstr(at, " doubts="));) {
        const char *behind = at + 1 + strcspn(at + 1, " \n");
        memmove(at, behind, strlen(behind) + 1);
    }
    return whole;
}

static inline void abandon(void)
{
    struct abandoned *a = xcalloc(1, sizeof *a);
    struct err err;
    *a = (struct abandoned){abandoned, w.super, w.loop};
    abandoned = a;
    w.loop = loop_new(&err);
}

static inline void restore(void)
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
static inline void next_image(void)
{
    abandon();
    restore();
    super_resume(w.super);
}

/* Line by line, so that a difference can be seen. */
static inline void check_same(const char *before, const char *after)
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
static inline void check_record(void)
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

/* --- a life ------------------------------------------------------------------------ */

static inline struct process *ready_listener(const char *name)
{
    struct process *p = start("pool", name);
    turn(1);
    assert_int_equal(process_state(p), PROC_RUNNING);
    say(p, "READY\n");
    return p;
}

/* Takes events until there are none. */
static inline void empty_the_buffer(const struct process *listener)
{
    while (heard(listener)[0]) {
        say(listener, "RESULT 2\nOKREADY\n");
        turn(0);
    }
}

/* Everything at once: tries, deadlines, a capture cut in the middle, an event in hand, a
 * full buffer, waiting input, a group of a configuration read later. */
static inline void make_it_rich(void)
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

#endif
