/* Processes that are not our children: a child makes one, we watch its end. */
#include "core/io/pidwatch.h"

#include "core/base/clock.h"
#include "core/io/procfs.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static struct loop *loop;
static int ended, status_seen;

static void on_end(struct pidwatch *w, int wait_status)
{
    assert_int_equal(w->pid, 0);
    ended++;
    status_seen = wait_status;
}

/* A process that waits for a byte (or a signal) and then exits with `code`. Its parent is
 * somebody else, who takes its status once a byte comes on *reaper. */
static pid_t stranger(int code, int *wake, int *reaper)
{
    int say[2], to[2], reap[2];
    char byte;
    pid_t pid, parent;
    assert_int_equal(pipe(say) | pipe(to) | pipe(reap), 0);
    parent = fork();
    if (parent == 0) {
        pid = fork();
        if (pid == 0) {
            close(to[1]);
            (void)!read(to[0], &byte, 1);
            _exit(code);
        }
        close(to[0]);
        close(to[1]);
        close(reap[1]);
        (void)!write(say[1], &pid, sizeof pid);
        (void)!read(reap[0], &byte, 1);
        waitpid(pid, NULL, 0);
        _exit(0);
    }
    assert_int_equal(read(say[0], &pid, sizeof pid), sizeof pid);
    close(say[0]);
    close(say[1]);
    close(to[0]);
    close(reap[0]);
    *wake = to[1];
    *reaper = reap[1];
    return pid;
}

static uint64_t start_of(pid_t pid)
{
    struct procfs_identity id;
    assert_int_equal(procfs_identify(pid, &id), 0);
    assert_int_equal(id.uid, getuid());
    assert_true(id.parent > 0 && id.parent != getpid());
    return id.started;
}

static void turn_until_ended(int64_t wait_ms)
{
    struct err err;
    int64_t until = mono_ms() + wait_ms;
    while (!ended && mono_ms() < until)
        assert_int_equal(loop_turn(loop, 50, &err), 0);
}

static bool kernel_tells(int wait_status)
{
    return status_seen == wait_status || status_seen == PIDWATCH_UNKNOWN;
}

static void end_is_seen(void **state)
{
    static const struct {
        int code, signal, expected;
        bool without_pidfd;
    } cases[] = {
        {42, 0, 42 << 8, false},
        {0, 0, 0, false},
        {0, SIGKILL, SIGKILL, false},
        {42, 0, PIDWATCH_UNKNOWN, true},
    };
    (void)state;
    for (size_t i = 0; i < array_len(cases); i++) {
        int wake, reaper;
        struct pidwatch w;
        pid_t pid = stranger(cases[i].code, &wake, &reaper);
        uint64_t started = start_of(pid);
        int fd = cases[i].without_pidfd ? -1 : pidwatch_pidfd(pid);
        pidwatch_init(&w, loop, on_end);
        assert_int_equal(pidwatch_start(&w, pid, started, fd), 0);
        ended = 0;
        turn_until_ended(60);
        assert_int_equal(ended, 0);
        if (cases[i].signal)
            kill(pid, cases[i].signal);
        close(wake);
        turn_until_ended(100);
        if (fd >= 0 && !cases[i].without_pidfd)
            assert_int_equal(ended, 0); /* a zombie has no status to tell yet */
        close(reaper);
        turn_until_ended(5000);
        assert_int_equal(ended, 1);
        assert_true(kernel_tells(cases[i].expected));
        pidwatch_stop(&w);
        while (wait(NULL) > 0)
            ;
    }
}

static void a_zombie_that_nobody_takes(void **state)
{
    int wake, reaper;
    struct pidwatch w;
    (void)state;
    pid_t pid = stranger(3, &wake, &reaper);
    int fd = pidwatch_pidfd(pid);
    if (fd < 0)
        skip();
    pidwatch_init(&w, loop, on_end);
    assert_int_equal(pidwatch_start(&w, pid, start_of(pid), fd), 0);
    ended = 0;
    close(wake);
    turn_until_ended(10000);
    assert_int_equal(ended, 1);
    assert_int_equal(status_seen, PIDWATCH_UNKNOWN);
    close(reaper);
    while (wait(NULL) > 0)
        ;
}

static void stopped_watches_are_silent(void **state)
{
    int wake, reaper;
    struct pidwatch w;
    (void)state;
    pid_t pid = stranger(3, &wake, &reaper);
    pidwatch_init(&w, loop, on_end);
    pidwatch_stop(&w);
    assert_int_equal(pidwatch_start(&w, pid, start_of(pid), pidwatch_pidfd(pid)), 0);
    pidwatch_stop(&w);
    ended = 0;
    close(wake);
    close(reaper);
    turn_until_ended(100);
    assert_int_equal(ended, 0);
    while (wait(NULL) > 0)
        ;
    assert_int_equal(pidwatch_pidfd(pid), -1);
    assert_true(errno == ESRCH || errno == ENOSYS);
}

static void identities(void **state)
{
    struct procfs_identity id, child_id;
    char boot[PROCFS_BOOT_ID_SIZE], again[PROCFS_BOOT_ID_SIZE];
    (void)state;
    assert_int_equal(procfs_identify(getpid(), &id), 0);
    assert_int_equal(id.parent, getppid());
    assert_int_equal(id.uid, getuid());
    assert_int_equal(id.state, 'R');
    assert_true(id.started > 0);
    /* a name that looks like the rest of the line, and like a line of its own */
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_NAME, "a) Z 1\nUid:\t7", 0, 0, 0);
        pause();
    }
    usleep(20000); /* # poll */
    assert_int_equal(procfs_identify(pid, &child_id), 0);
    assert_int_equal(child_id.parent, getpid());
    assert_int_equal(child_id.uid, getuid());
    assert_true(child_id.state == 'S' || child_id.state == 'R');
    assert_true(child_id.started >= id.started);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_int_equal(procfs_identify(pid, &child_id), -1);
    procfs_boot_id(boot);
    procfs_boot_id(again);
    assert_int_equal(strlen(boot), 36);
    assert_string_equal(boot, again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(end_is_seen),
        cmocka_unit_test(a_zombie_that_nobody_takes),
        cmocka_unit_test(stopped_watches_are_silent),
        cmocka_unit_test(identities),
    };
    struct err err;
    loop = loop_new(&err);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    loop_free(loop);
    return failed;
}
