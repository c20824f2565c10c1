/* Allocation: what it returns, and that lack of memory ends the process with one line. */
#include "core/base/alloc.h"

#include <sys/wait.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void copies_are_whole(void **state)
{
    char *text = xasprintf("%s-%d", "abc", 7);
    int *zeros = xcalloc(100, sizeof *zeros);

    UNUSED(state);
    assert_string_equal(text, "abc-7");
    free(text);
    for (int i = 0; i < 100; i++)
        assert_int_equal(zeros[i], 0);
    zeros = xreallocarray(zeros, 200, sizeof *zeros);
    zeros[199] = 1;
    free(zeros);
    text = xstrndup("a\0b", 3);
    assert_memory_equal(text, "a\0b", 4);
    free(text);
    assert_null(xstrdup(NULL));
    text = xmalloc(0);
    assert_non_null(text);
    free(text);
    text = xcalloc(0, 8);
    assert_non_null(text);
    free(text);
}

static void hook(void)
{
    if (write(STDERR_FILENO, "hook, ", 6) != 6)
        _exit(2);
}

static void too_much_ends_the_process(void **state)
{
    char said[64] = "";
    int fds[2], status;
    pid_t pid;

    UNUSED(state);
    assert_int_equal(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        dup2(fds[1], STDERR_FILENO);
        alloc_set_oom_hook(hook);
        xreallocarray(NULL, SIZE_MAX / 2, 3); /* does not fit into a size */
        _exit(3);
    }
    close(fds[1]);
    assert_true(read(fds[0], said, 6) == 6);
    assert_true(read(fds[0], said + 6, sizeof said - 7) > 0);
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_string_equal(said, "hook, out of memory\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_are_whole),
        cmocka_unit_test(too_much_ends_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
