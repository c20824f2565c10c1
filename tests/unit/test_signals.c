/* Signals arrive as calls from the loop, and everything is as before afterwards. */
#include "core/io/signals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int heard[NSIG];

static void hear(void *arg, int number)
{
    assert_ptr_equal(arg, heard);
    heard[number]++;
}

static void turn(struct loop *loop)
{
    struct err err;

    assert_int_equal(loop_turn(loop, 0, &err), 0);
}

static void test_from_the_loop(void **state)
{
    static const int numbers[] = {SIGTERM, SIGUSR1, SIGCHLD, 0};
    struct err err;
    struct loop *loop = loop_new(&err);
    struct signals *s = signals_open(loop, numbers, hear, heard, &err);
    sigset_t mask;

    UNUSED(state);
    assert_non_null(s);
    turn(loop);
    assert_int_equal(heard[SIGTERM], 0);
    kill(getpid(), SIGTERM);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR1); /* merges with the first */
    assert_int_equal(heard[SIGTERM], 0);
    turn(loop);
    assert_int_equal(heard[SIGTERM], 1);
    assert_int_equal(heard[SIGUSR1], 1);
    if (fork() == 0)
        _exit(0);
    while (heard[SIGCHLD] == 0)
        assert_int_equal(loop_turn(loop, 1000, &err), 0);
    assert_true(wait(NULL) > 0);
    assert_int_equal(raise(SIGPIPE), 0); /* ignored: we are still here */
    signals_close(s);
    sigprocmask(SIG_SETMASK, NULL, &mask);
    assert_false(sigismember(&mask, SIGTERM));
    signals_close(NULL);
    loop_free(loop);
}

static void nothing(int number)
{
    UNUSED(number);
}

static void test_dispositions_come_back(void **state)
{
    static const int numbers[] = {SIGUSR2, 0};
    struct sigaction mine = {.sa_handler = nothing}, now;
    struct err err;
    struct loop *loop = loop_new(&err);
    struct signals *s;

    UNUSED(state);
    sigaction(SIGPIPE, &mine, NULL);
    s = signals_open(loop, numbers, hear, heard, &err);
    assert_non_null(s);
    sigaction(SIGPIPE, NULL, &now);
    assert_true(now.sa_handler == SIG_IGN);
    signals_close(s);
    sigaction(SIGPIPE, NULL, &now);
    assert_true(now.sa_handler == nothing);
    loop_free(loop);
}

static void exit_unless_clean(void)
{
    sigset_t set;
    struct sigaction now;

    signals_reset_in_child();
    sigprocmask(SIG_SETMASK, NULL, &set);
    for (int n = 1; n < NSIG; n++) {
        if (sigismember(&set, n) == 1)
            _exit(1);
        if (sigaction(n, NULL, &now) == 0 && now.sa_handler != SIG_DFL)
            _exit(2);
    }
}

static void test_child_is_clean(void **state)
{
    int status;
    pid_t pid = fork();

    UNUSED(state);
    if (pid == 0) {
        sigset_t set;

        sigfillset(&set);
        sigprocmask(SIG_BLOCK, &set, NULL);
        signal(SIGPIPE, SIG_IGN);
        signal(SIGHUP, nothing);
        exit_unless_clean();
        signal(SIGPIPE, SIG_IGN); /* as the next child of the same parent finds it */
        signals_ignore(SIGUSR2, NULL);
        exit_unless_clean();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_the_loop),
        cmocka_unit_test(test_dispositions_come_back),
        cmocka_unit_test(test_child_is_clean),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
