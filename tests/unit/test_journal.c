/* Children and exits in the journal, by dying: a worker is killed at every crash point in
 * turn, and again while it recovers. Afterwards every child was made once, every exit
 * counted once. And the journal's own rules. */
#include "core/io/journal.h"

#include "core/io/fd.h"
#include "core/io/spawn.h"
#include "tests/unit/journal_world.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#ifdef JOURNAL_CRASH_POINTS

/* --- children ---------------------------------------------------------------------- */

static int message_ends[2]; /* exits that we, as their new parent, pass on */

static int id_of(pid_t pid)
{
    for (int i = 0; i < CHILDREN; i++)
        if (now.pids[i] == pid)
            return i;
    return -1;
}

static void on_spawn(void *arg, const struct journal_spawn *s)
{
    UNUSED(arg);
    now.pids[s->process_id] = s->pid;
}

static void on_exit_of(void *arg, pid_t pid, int status)
{
    int id = id_of(pid);

    UNUSED(arg);
    if (id >= 0)
        now.statuses[id] = status;
}

static void on_signal(void *arg, int number)
{
    UNUSED(arg);
    now.signals |= 1 << number;
}

static void make_child(int id)
{
    char script[80];
    struct err err;
    snprintf(script, sizeof script, "printf x >>made.%d; exit %d", id, 10 + id);
    char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", script, NULL};
    struct journal_entry *e = journal_begin(JOURNAL_SPAWN);
    struct spawn_plan plan = {.file = "/bin/sh",
                              .argv = argv,
                              .envp = argv + 3,
                              .fds = {0, 1, 2},
                              .umask = -1,
                              .pid_at = &e->u.spawn.pid};

    e->u.spawn.process_id = (uint64_t)id;
    now.pids[id] = spawn_run(&plan, &err);
    if (now.pids[id] != e->u.spawn.pid)
        _exit(8);
    journal_done(e);
}

/* An exit of our own child, or one that is told. False: none now. */
static bool take_exit(void)
{
    struct journal_entry *e = journal_begin(JOURNAL_EXIT);
    int status = 0;
    pid_t pid = spawn_reap(0, &e->u.exit, &status);

    if (pid == 0 && recv(message_ends[0], &e->u.exit, sizeof e->u.exit, MSG_DONTWAIT) ==
                        sizeof e->u.exit) {
        if (e->u.exit.si_signo != SIGCHLD) {
            on_signal(NULL, e->u.exit.si_signo);
            journal_done(e);
            return true;
        }
        pid = e->u.exit.si_pid;
        status = journal_wait_status(&e->u.exit);
    }
    if (pid == 0) {
        journal_cancel(e);
        return false;
    }
    on_exit_of(NULL, pid, status);
    journal_done(e);
    return true;
}

static void child_worker(long crash_after)
{
    static const struct journal_handlers handlers = {
        .on_spawn = on_spawn, .on_exit = on_exit_of, .on_signal = on_signal};

    journal_crash_after = crash_after;
    now = shared->slots[shared->which];
    journal_set_checkpoint(write_record, NULL);
    journal_replay(&now.mark, &handlers);
    for (int i = 0; i < CHILDREN; i++) {
        if (now.pids[i] == 0)
            make_child(i);
        if (i % 2)
            write_record(NULL);
    }
    for (;;) {
        int left = now.signals ? 0 : 1;

        for (int i = 0; i < CHILDREN; i++)
            left += now.statuses[i] < 0;
        if (left == 0)
            break;
        if (!take_exit())
            usleep(500); /* poll */
    }
    write_record(NULL);
    _exit(0);
}

/* Lives as above; between them the orphans' exits are passed on. */
static int run_parents(long first, long second)
{
    for (int life = 0; life < LIVES_MAX; life++) {
        pid_t worker = fork();
        bool ended = false;
        int status = 0;

        if (worker == 0)
            child_worker(life == 0 ? first : life == 1 ? second : 0);
        while (!ended) {
            siginfo_t info = {0};

            assert_int_equal(waitid(P_ALL, 0, &info, WEXITED), 0);
            if (info.si_pid == worker) {
                status = journal_wait_status(&info);
                ended = true;
            } else {
                assert_int_equal(send(message_ends[1], &info, sizeof info, 0),
                                 sizeof info);
            }
        }
        if (WIFEXITED(status)) {
            assert_int_equal(WEXITSTATUS(status), 0);
            return life;
        }
    }
    fail();
    return -1;
}

static void check_children(void)
{
    const struct record *r = &shared->slots[shared->which];

    for (int i = 0; i < CHILDREN; i++) {
        char name[32];
        struct stat st;

        assert_int_equal(r->statuses[i], (10 + i) << 8);
        snprintf(name, sizeof name, "made.%d", i);
        assert_int_equal(stat(name, &st), 0);
        assert_int_equal(st.st_size, 1);
    }
    assert_int_equal(r->signals, 1 << SIGTERM);
}

static void test_killed_while_spawning(void **state)
{
    int died = 1;
    long point;

    UNUSED(state);
    prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0UL, 0UL, 0UL);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, message_ends),
                     0);
    for (point = 1; died > 0; point++) {
        siginfo_t term = {.si_signo = SIGTERM};

        memset(shared, 0, sizeof *shared);
        for (int i = 0; i < CHILDREN; i++)
            shared->slots[0].statuses[i] = -1;
        journal_mark(&shared->slots[0].mark);
        remove_files();
        assert_int_equal(send(message_ends[1], &term, sizeof term, 0), sizeof term);
        died = run_parents(point, point % 4 == 0 ? 1 + point % 9 : 0);
        check_children();
    }
    assert_true(point > 20);
    fd_close(&message_ends[0]);
    fd_close(&message_ends[1]);
    prctl(PR_SET_CHILD_SUBREAPER, 0UL, 0UL, 0UL, 0UL);
}

/* --- the rest ---------------------------------------------------------------------- */

static int checkpoints;

static void count_checkpoint(void *arg)
{
    struct journal_mark m;

    UNUSED(arg);
    checkpoints++;
    journal_mark(&m);
    journal_clear(&m);
}

static void test_full(void **state)
{
    UNUSED(state);
    journal_set_checkpoint(NULL, NULL);
    for (int i = 0; i < JOURNAL_ENTRIES; i++) {
        struct journal_entry *e = journal_begin(JOURNAL_EXIT);

        assert_non_null(e);
        journal_done(e);
    }
    assert_null(journal_begin(JOURNAL_SPAWN));
    journal_set_checkpoint(count_checkpoint, NULL);
    for (int i = 0; i < 3 * JOURNAL_ENTRIES; i++) {
        struct journal_entry *e = journal_begin(JOURNAL_EXIT);

        assert_non_null(e);
        journal_done(e);
    }
    assert_in_range(checkpoints, 6, 8);
    journal_set_checkpoint(NULL, NULL);
}

/* A record that is written while an entry is worked on does not cover it. */
static void test_marks(void **state)
{
    struct journal_mark before, within, after;

    UNUSED(state);
    journal_mark(&before);
    struct journal_entry *outer = journal_begin(JOURNAL_EXIT);
    struct journal_entry *inner = journal_begin(JOURNAL_SPAWN);
    journal_done(inner);
    journal_mark(&within);
    journal_done(outer);
    journal_mark(&after);
    assert_int_equal(within.position, before.position);
    assert_int_equal(after.position, before.position + 2);
    journal_cancel(journal_begin(JOURNAL_SIGNAL));
    journal_mark(&within);
    assert_int_equal(within.position, after.position);
    journal_clear(&after);
}

static void test_attach_refuses(void **state)
{
    struct err err;
    int fd = fd_open("plain", O_RDWR | O_CREAT, 0600), copy;

    UNUSED(state);
    assert_int_equal(ftruncate(fd, JOURNAL_BYTES), 0);
    assert_int_equal(journal_attach(fd, &err), -1);
    close(fd);
    assert_int_equal(journal_attach(-1, &err), -1);
    fd = memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(ftruncate(fd, JOURNAL_BYTES), 0);
    assert_int_equal(journal_attach(fd, &err), -1); /* no seal */
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
    assert_int_equal(journal_attach(fd, &err), -1); /* no magic */
    assert_string_equal(err.text + strlen(err.text) - 18, "no journal of ours");
    copy = fcntl(journal_fd(), F_DUPFD_CLOEXEC, 3);
    assert_int_equal(pwrite(copy, "\x63", 1, 8), 1); /* version 99 */
    assert_int_equal(journal_attach(copy, &err), -1);
    assert_int_equal(pwrite(copy, "\x01", 1, 8), 1);
    close(copy);
    close(fd);
    assert_true(journal_active());
    assert_int_equal(journal_attach(journal_fd(), &err), 0);
}

static void test_without(void **state)
{
    struct journal_mark m = {1, 1};
    const char *data;
    int ends[2];

    UNUSED(state);
    journal_close();
    assert_false(journal_active());
    assert_int_equal(journal_fd(), -1);
    assert_null(journal_begin(JOURNAL_SPAWN));
    journal_done(NULL);
    journal_cancel(NULL);
    journal_mark(&m);
    assert_int_equal(m.position, 0);
    journal_clear(&m);
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(write(ends[1], "abc", 3), 3);
    assert_int_equal(journal_chunk_read(ends[0], 1, true, &data), 3);
    assert_memory_equal(data, "abc", 3);
    assert_int_equal(journal_write_begin(1, 0, 0, 0, "x", data, 3), 0);
    journal_write_end(3);
    journal_chunk_leave();
    assert_int_equal(journal_chunk_read(ends[0], 1, true, &data), -1);
    assert_int_equal(errno, EAGAIN);
    close(ends[1]);
    assert_int_equal(journal_chunk_read(ends[0], 1, true, &data), 0);
    close(ends[0]);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_killed_while_spawning, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_full, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_marks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_attach_refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    return 0; /* built without crash points: make SAN=1 */
}

#endif
