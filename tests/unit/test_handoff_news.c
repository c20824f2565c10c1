/* What is replayed after a record, and records that are not what they should be. */
/* links: tests/unit/fake_spawn.c tests/unit/conf_file.c all */
#include "tests/unit/super_world.h"

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
        T(later_news_are_replayed),          T(an_exit_cut_short_is_finished),
        T(a_start_cut_short_is_made_again),  T(cut_records_are_refused),
        T(altered_records_are_refused),      T(unknown_things_are_skipped),
        T(wrong_descriptors_are_left_alone),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
