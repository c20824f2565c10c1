/* Allocation: what it returns, and that lack of memory ends the process with one line. */
#include "core/base/alloc.h"

#include <stdio.h>
#include <sys/resource.h>
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

/* Given back at the first failure, taken again when that is over; in a child, since the
 * failures are made by its limit of address space. */
static int reserve_in_child(void)
{
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    char statm[64] = "";
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    alloc_keep_reserve(8 << 20);
    if (alloc_is_short() || !f || !fgets(statm, sizeof statm, f))
        return 1;
    fclose(f);
    pages = strtoul(statm, NULL, 10);
    all.rlim_cur = pages * 4096UL;
    if (setrlimit(RLIMIT_AS, &all) < 0)
        return 2;
    for (int i = 0; i < 4000 && !alloc_is_short(); i++) /* 8 MiB are in there */
        memset(xmalloc(2048), 1, 2048);
    if (!alloc_is_short())
        return 3;
    if (alloc_recover() || !alloc_is_short())
        return 4;
    all.rlim_cur = RLIM_INFINITY;
    if (setrlimit(RLIMIT_AS, &all) < 0)
        return 5;
    return alloc_recover() && !alloc_is_short() ? 0 : 6;
}

static void the_reserve_comes_and_goes(void **state)
{
    int status;
    pid_t pid;

    UNUSED(state);
#ifdef __SANITIZE_ADDRESS__
    skip(); /* it ends the process itself when there is no memory */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    skip();
#endif
#endif
    pid = fork();
    if (pid == 0)
        _exit(reserve_in_child());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void what_is_wiped_is_gone(void **state)
{
    char text[] = "secret", bytes[4] = {1, 2, 3, 4};

    UNUSED(state);
    alloc_wipe_text(text);
    assert_memory_equal(text, "\0\0\0\0\0\0", sizeof text);
    alloc_wipe(bytes, 3);
    assert_memory_equal(bytes, "\0\0\0\4", 4);
    alloc_wipe_text(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_are_whole),
        cmocka_unit_test(too_much_ends_the_process),
        cmocka_unit_test(the_reserve_comes_and_goes),
        cmocka_unit_test(what_is_wiped_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
