/* Sockets: taking over a stale name, refusing a live one, permissions, addresses. */
#include "core/io/sock.h"

#include "core/io/fd.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];

static int set_up(void **state)
{
    UNUSED(state);
    strcpy(dir, "/tmp/test-sock-XXXXXX");
    return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    UNUSED(state);
    unlink("s");
    return chdir("/") < 0 || rmdir(dir) < 0 ? -1 : 0; /* nothing else may be left */
}

static void assert_talks(int listener, int client)
{
    char peer[64], got[8] = "";
    struct pollfd p = {.fd = listener, .events = POLLIN};
    int fd;

    assert_int_equal(poll(&p, 1, 5000), 1);
    fd = sock_accept(listener, peer);
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_int_equal(write(client, "hello", 5), 5);
    p.fd = fd;
    assert_int_equal(poll(&p, 1, 5000), 1);
    assert_int_equal(read(fd, got, 5), 5);
    assert_string_equal(got, "hello");
    close(fd);
    assert_int_equal(sock_accept(listener, peer), -1);
    assert_int_equal(errno, EAGAIN);
}

static void test_unix_take_over(void **state)
{
    struct sock_unix_opts opts = {.mode = 0700, .backlog = 8};
    struct err err;
    ino_t first = 0, second = 0;
    struct stat st;
    int a = sock_listen_unix("s", &opts, &first, &err), b, client;

    UNUSED(state);
    assert_true(a >= 0);
    assert_int_equal(stat("s", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(st.st_ino, first);
    client = sock_connect_unix("s", &err);
    assert_true(client >= 0);
    assert_talks(a, client);
    close(client);

    /* alive: refused, and left alone */
    assert_int_equal(sock_listen_unix("s", &opts, &second, &err), -1);
    assert_int_equal(err.sys, EADDRINUSE);
    assert_int_equal(stat("s", &st), 0);
    assert_int_equal(st.st_ino, first);

    /* stale: replaced */
    close(a);
    assert_int_equal(sock_connect_unix("s", &err), -1);
    assert_int_equal(err.sys, ECONNREFUSED);
    opts.mode = 0660;
    b = sock_listen_unix("s", &opts, &second, &err);
    assert_true(b >= 0);
    assert_int_equal(stat("s", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0660);
    sock_unlink_unix("s", second + 1); /* not ours */
    client = sock_connect_unix("s", &err);
    assert_talks(b, client);
    close(client);
    sock_unlink_unix("s", second);
    assert_int_equal(sock_connect_unix("s", &err), -1);
    assert_int_equal(err.sys, ENOENT);
    close(b);
}

static void test_unix_refusals(void **state)
{
    struct sock_unix_opts opts = {.mode = 0700};
    struct err err;
    char longer[300];

    UNUSED(state);
    close(open("s", O_CREAT | O_WRONLY, 0600));
    assert_int_equal(sock_listen_unix("s", &opts, NULL, &err), -1);
    assert_int_equal(err.sys, EEXIST);
    assert_int_equal(access("s", F_OK), 0); /* a file of somebody's is not removed */
    unlink("s");
    assert_int_equal(sock_listen_unix("missing/s", &opts, NULL, &err), -1);
    assert_int_equal(err.sys, ENOENT);
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(sock_listen_unix(longer, &opts, NULL, &err), -1);
    assert_int_equal(err.sys, ENAMETOOLONG);
    assert_int_equal(sock_connect_unix(longer, &err), -1);
    longer[105] = '\0'; /* fits, though not with a process id behind it */
    int fd = sock_listen_unix(longer, &opts, NULL, &err);

    assert_true(fd >= 0);
    unlink(longer);
    close(fd);
}

static void test_tcp(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost", "*", "", NULL};
    struct err err;

    UNUSED(state);
    for (size_t i = 0; i < array_len(hosts); i++) {
        int listener = sock_listen_tcp(hosts[i], 0, 0, &err), client, fd, value = 0;
        struct sockaddr_in in;
        socklen_t len = sizeof in;
        char peer[64];
        struct pollfd p = {.events = POLLOUT};

        assert_true(listener >= 0);
        assert_int_equal(getsockname(listener, (struct sockaddr *)&in, &len), 0);
        client = sock_connect_tcp("localhost", ntohs(in.sin_port), &err);
        assert_true(client >= 0);
        p.fd = client;
        assert_int_equal(poll(&p, 1, 5000), 1);
        assert_int_equal(sock_connect_result(client), 0);
        p = (struct pollfd){.fd = listener, .events = POLLIN};
        assert_int_equal(poll(&p, 1, 5000), 1);
        fd = sock_accept(listener, peer);
        assert_true(fd >= 0);
        assert_memory_equal(peer, "127.0.0.1:", 10);
        len = sizeof value;
        assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &len), 0);
        assert_true(value != 0);
        assert_int_equal(sock_listen_tcp("127.0.0.1", ntohs(in.sin_port), 0, &err), -1);
        assert_int_equal(err.sys, EADDRINUSE);
        close(fd);
        close(client);
        close(listener);
        client = sock_connect_tcp("127.0.0.1", ntohs(in.sin_port), &err);
        if (client >= 0) {
            p = (struct pollfd){.fd = client, .events = POLLOUT};
            assert_int_equal(poll(&p, 1, 5000), 1);
            assert_int_equal(sock_connect_result(client), ECONNREFUSED);
            close(client);
        } else {
            assert_int_equal(err.sys, ECONNREFUSED);
        }
    }
    assert_int_equal(sock_connect_tcp("name.invalid", 80, &err), -1);
    assert_int_not_equal(err.sys, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_unix_take_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unix_refusals, set_up, tear_down),
        cmocka_unit_test(test_tcp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
