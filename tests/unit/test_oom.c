/* The score of a process that may lower it as far as it was born, and of its child. */
/* links: all */
#include "core/io/oom.h"

#include "core/io/fd.h"
#include "core/io/spawn.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static int score_now(void)
{
    char text[16] = "";
    int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
    assert_true(read(fd, text, sizeof text - 1) > 0);
    close(fd);
    return (int)strtol(text, NULL, 10);
}

static void set_score(const char *text)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

/* What a child says that was started as programs are. */
static int score_of_child(void)
{
    static char *const argv[] = {"/bin/cat", "/proc/self/oom_score_adj", NULL};
    static char *const env[] = {NULL};
    char said[32] = "";
    int out[2], status;
    struct err err;
    assert_int_equal(fd_pipe(out, &err), 0);
    struct spawn_plan plan = {.file = argv[0],
                              .argv = argv,
                              .envp = env,
                              .umask = -1,
                              .fds = {out[0], out[1], out[1]}};
    assert_true(spawn_run(&plan, &err) > 0);
    close(out[1]);
    assert_true(read(out[0], said, sizeof said - 1) > 0);
    close(out[0]);
    while (spawn_reap(0, NULL, &status) == 0)
        usleep(1000); /* # poll */
    return (int)strtol(said, NULL, 10);
}

static void lowered_for_us_alone(void **state)
{
    int born = score_now();
    (void)state;
    assert_int_equal(oom_original(), OOM_UNCHANGED);
    assert_int_equal(score_of_child(), born);
    set_score("900");             /* whoever raised it may lower it again */
    assert_false(oom_lower(950)); /* is lower already */
    assert_true(oom_lower(born + 5));
    assert_int_equal(score_now(), born + 5);
    assert_int_equal(oom_original(), 900);
    assert_int_equal(score_of_child(), 900);
    assert_false(oom_lower(born)); /* once */
    oom_set_original(OOM_UNCHANGED);
    assert_int_equal(score_of_child(), born + 5);
}

static void refusal_changes_nothing(void **state)
{
    (void)state;
    int before = score_now();
    oom_set_original(OOM_UNCHANGED);
    if (oom_lower(-1000)) /* we may do anything */
        assert_int_equal(oom_original(), before);
    else
        assert_int_equal(score_now(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lowered_for_us_alone),
        cmocka_unit_test(refusal_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
