/* The same process executes its binary again: this test is the program. */
/* links: all */
#include "core/io/reexec.h"

#include "core/base/alloc.h"
#include "core/io/fd.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char **own_argv;

/* In the second image: what it was given is told by the exit status. */
static int second_image(void)
{
    struct err err;
    char room[8] = {0};
    if (reexec_open(&err) < 0)
        return 10;
    if (getenv("SUPERVISOR_HANDOFF"))
        return 11;
    if (reexec_memory() < 0 || pread(reexec_memory(), room, 5, 0) != 5 ||
        strcmp(room, "hello") != 0)
        return 12;
    if (!(fcntl(reexec_memory(), F_GETFD) & FD_CLOEXEC))
        return 13;
    if (!reexec_path() || access(reexec_path(), X_OK) != 0)
        return 14;
    if (!getenv("REEXEC_TEST_MARK"))
        return 15;
    return reexec_role() == REEXEC_KEEPER ? 42 : 16;
}

static void test_role_and_memory_survive(void **state)
{
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct err err;
        int memory = memfd_create("test", MFD_CLOEXEC);
        if (memory < 0 || write(memory, "hello", 5) != 5)
            _exit(1);
        setenv("REEXEC_TEST_MARK", "1", 1);
        setenv("SUPERVISOR_HANDOFF", "77 78 -1 1 /nowhere",
               1); /* nothing is open there */
        reexec_remember(own_argv);
        if (reexec_open(&err) < 0 || reexec_role() != REEXEC_NONE)
            _exit(2);
        reexec_set_memory(memory);
        reexec_now(REEXEC_KEEPER, memory);
        _exit(3);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 42);
}

/* A file that cannot be executed leaves everything as it was. */
static void test_failing_exec_changes_nothing(void **state)
{
    (void)state;
    struct err err;
    reexec_remember(own_argv);
    assert_int_equal(reexec_open(&err), 0);
    int memory = memfd_create("test", MFD_CLOEXEC);
    reexec_set_memory(memory);
    int bad = fd_open("/dev/null", O_PATH, 0);
    char *before = xstrdup(reexec_path());
    reexec_replace(bad, "/dev/null");
    assert_string_equal(reexec_path(), "/dev/null");
    assert_int_equal(reexec_now(REEXEC_SUPERVISOR, bad), -1);
    assert_true(fcntl(memory, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(bad, F_GETFD) & FD_CLOEXEC);
    reexec_replace_undo();
    assert_string_equal(reexec_path(), before);
    assert_int_equal(fcntl(bad, F_GETFD), -1);
    free(before);
    close(memory);
}

static void test_trial_tells_why_not(void **state)
{
    static const struct {
        const char *path, *says;
        int status;
    } cases[] = {
        {"/dev/null", "cannot execute: EACCES\n", 127},
        {"/bin/sh", "nothing open 0123\n", 0},
    };
    static char script[] = "for fd in 3 4 5 6 7 8 9; do (: <&$fd) 2>/dev/null && exit 9; "
                           "done; read word; echo nothing open $word";
    static char sh[] = "sh", minus_c[] = "-c";
    static char *const argv[] = {sh, minus_c, script, NULL};
    (void)state;
    for (size_t i = 0; i < array_len(cases); i++) {
        struct err err;
        int in[2], out[2], status;
        char said[100] = "";
        assert_int_equal(fd_pipe(in, &err), 0);
        assert_int_equal(fd_pipe(out, &err), 0);
        assert_int_equal(write(in[1], "0123\n", 5), 5);
        int binary = fd_open(cases[i].path, O_PATH, 0);
        int pid = reexec_trial(binary, argv, (int[]){in[0], out[1], out[1]}, 10, &err);
        assert_true(pid > 0);
        close(out[1]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(read(out[0], said, sizeof said - 1) >= 0);
        assert_string_equal(said, cases[i].says);
        assert_int_equal(WEXITSTATUS(status), cases[i].status);
        close(out[0]);
        close(in[0]);
        close(in[1]);
        close(binary);
    }
}

int main(int argc, char **argv)
{
    (void)argc;
    own_argv = argv;
    reexec_remember(argv);
    if (getenv("SUPERVISOR_HANDOFF"))
        return second_image();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_role_and_memory_survive),
        cmocka_unit_test(test_failing_exec_changes_nothing),
        cmocka_unit_test(test_trial_tells_why_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
