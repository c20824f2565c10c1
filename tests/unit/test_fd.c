/* Descriptors: ranges closed, standard ones made sure of, whole writes. */
#include "core/io/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What disturbs the descriptors of the test itself runs in a child: 0 for well. */
static void assert_in_child(int (*fn)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(fn());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static int close_a_range(void)
{
    int high = fcntl(1, F_DUPFD, 700), low = fcntl(1, F_DUPFD, 20);

    if (high != 700 || low != 20)
        return 1;
    fd_close_from(21);
    if (fcntl(20, F_GETFD) < 0)
        return 2;
    for (int fd = 21; fd < 1024; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            return 3;
    }
    return 0;
}

static int lose_the_standard_ones(void)
{
    for (int mask = 0; mask < 8; mask++) {
        char c;

        for (int fd = 0; fd < 3; fd++) {
            if (mask & 1 << fd)
                close(fd);
        }
        fd_ensure_standard();
        for (int fd = 0; fd < 3; fd++) {
            if (fcntl(fd, F_GETFD) != 0) /* open, and for children too */
                return 1;
        }
        if ((mask & 1) && read(0, &c, 1) != 0)
            return 2;
    }
    return 0;
}

/* At the limit a pipe takes two spares, and says no when there are none. */
static int spares_at_the_limit(void)
{
    struct rlimit limit;
    int ends[2], fd;

    if (!fd_spares_fill() || fd_spares_left() != FD_SPARES)
        return 1;
    fd = open("/dev/null", O_RDONLY); /* the first free number */
    close(fd);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = (rlim_t)fd;
    setrlimit(RLIMIT_NOFILE, &limit);
    for (int i = 0; i < FD_SPARES / 2; i++) {
        if (fd_pipe(ends, NULL) < 0 || (fcntl(ends[0], F_GETFD) & FD_CLOEXEC) == 0)
            return 2;
    }
    if (fd_spares_left() != 0 || fd_pipe(ends, NULL) == 0 || errno != EMFILE)
        return 3;
    if (fd_open("/dev/null", O_RDONLY, 0) >= 0 || fd_spares_fill())
        return 4;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return fd_spares_fill() ? 0 : 5;
}

/* As root: links are root's or nobody's, wherever in the path. */
static int logs_and_links(void)
{
    char dir[] = "/tmp/test_fd.XXXXXX", to[128];
    int fd;

    if (geteuid() != 0 || !mkdtemp(dir) || chdir(dir) < 0)
        return 0;
    if (mkdir("real", 0755) || symlink("real", "way") || symlink("../real/x", "real/y"))
        return 1;
    snprintf(to, sizeof to, "%s/way/../way//y", dir);
    fd = fd_open_log(to, O_WRONLY | O_CREAT, 0600);
    if (fd < 0 || write(fd, "abc", 3) != 3 || access("real/x", F_OK) < 0)
        return 2;
    close(fd);
    fd = fd_open_log("way/x", O_WRONLY | O_TRUNC, 0);
    if (fd < 0 || lseek(fd, 0, SEEK_END) != 0)
        return 3;
    close(fd);
    if (lchown("way", 65534, 65534) < 0 || fd_open_log(to, O_RDONLY, 0) >= 0 ||
        errno != EACCES)
        return 4;
    if (fd_open_log("real/none", O_RDONLY, 0) >= 0 || errno != ENOENT)
        return 5;
    if (symlink("loop", "loop") < 0 || fd_open_log("loop", O_RDONLY, 0) >= 0 ||
        errno != ELOOP)
        return 6;
    if (link("real/x", "second") < 0 || (fd = fd_open_log("second", O_RDONLY, 0)) < 0)
        return 7;
    close(fd);
    if (chmod(dir, 0777) < 0 || fd_open_log("second", O_RDONLY, 0) >= 0 ||
        errno != EACCES)
        return 8;
    unlink("second"), unlink("loop"), unlink("way"), unlink("real/x"), unlink("real/y");
    rmdir("real");
    return rmdir(dir) < 0 ? 9 : 0;
}

static void test_in_children(void **state)
{
    UNUSED(state);
    assert_in_child(close_a_range);
    assert_in_child(lose_the_standard_ones);
    assert_in_child(spares_at_the_limit);
    assert_in_child(logs_and_links);
}

static void test_flags(void **state)
{
    struct err err;
    int ends[2], fd;

    UNUSED(state);
    assert_int_equal(fd_pipe(ends, &err), 0);
    assert_int_equal(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
    assert_int_equal(fcntl(ends[1], F_GETFD), FD_CLOEXEC);
    assert_int_equal(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(fd_set_nonblock(ends[0], true), 0);
    assert_int_equal(fcntl(ends[0], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    assert_int_equal(fd_set_nonblock(ends[0], false), 0);
    assert_int_equal(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(fd_set_cloexec(ends[0], false), 0);
    assert_int_equal(fcntl(ends[0], F_GETFD), 0);
    errno = 5;
    fd_close(&ends[0]);
    fd_close(&ends[0]);
    fd_close(&ends[1]);
    assert_int_equal(ends[0], -1);
    assert_int_equal(errno, 5);
    fd = fd_open("/dev/null", O_RDONLY, 0);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    fd_close(&fd);
    assert_int_equal(fd_open("/nonexistent/x", O_RDONLY, 0), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(fd_set_nonblock(-1, true), -1);
}

/* More than a pipe holds, through a descriptor that does not block. */
static void test_write_all(void **state)
{
    enum { N = 500000 };
    static char sent[N], got[N];
    struct err err;
    int ends[2], status;
    size_t n = 0;
    pid_t pid;

    UNUSED(state);
    for (size_t i = 0; i < N; i++)
        sent[i] = (char)(i % 251);
    assert_int_equal(fd_pipe(ends, &err), 0);
    pid = fork();
    if (pid == 0) {
        close(ends[0]);
        fd_set_nonblock(ends[1], true);
        _exit(fd_write_all(ends[1], sent, N) == 0 ? 0 : 1);
    }
    close(ends[1]);
    while (n < N) {
        ssize_t done = read(ends[0], got + n, N - n);

        if (done <= 0)
            break;
        n += (size_t)done;
    }
    assert_int_equal(n, N);
    assert_memory_equal(sent, got, N);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(ends[0]);
    assert_int_equal(fd_write_all(-1, "x", 1), -1);
}

static void test_cloexec_from(void **state)
{
    int fds[3];

    UNUSED(state);
    for (int i = 0; i < 3; i++)
        fds[i] = fcntl(2, F_DUPFD, i == 0 ? 3 : fds[i - 1] + 2);
    fd_set_cloexec_from(fds[1], fds[2]);
    assert_int_equal(fcntl(fds[0], F_GETFD), 0);
    assert_int_equal(fcntl(fds[1], F_GETFD), FD_CLOEXEC);
    assert_int_equal(fcntl(fds[2], F_GETFD), FD_CLOEXEC);
    for (int i = 0; i < 3; i++)
        fd_close(&fds[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_children),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_write_all),
        cmocka_unit_test(test_cloexec_from),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
