/* Messages to a system log that is a socket of the test's. */
#include "core/base/clock.h"
#include "core/io/syslog.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[] = "/tmp/syslogXXXXXX";
static struct sockaddr_un addr = {.sun_family = AF_UNIX};

static int listen_there(void)
{
    unlink(addr.sun_path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    return fd;
}

static void expect(int fd, const char *text)
{
    char got[300];
    ssize_t n = recv(fd, got, sizeof got - 1, 0);
    assert_true(n > 0);
    got[n] = '\0';
    assert_string_equal(got, text);
}

static void expect_nothing(int fd)
{
    char got[10];
    assert_int_equal(recv(fd, got, sizeof got, 0), -1);
    assert_int_equal(errno, EAGAIN);
}

static int set_up(void **state)
{
    UNUSED(state);
    setenv("TZ", "UTC0", 1);
    tzset();
    assert_non_null(mkdtemp(dir));
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s/log", dir);
    clock_freeze(1000, 1795252623);
    return 0;
}

static int tear_down(void **state)
{
    UNUSED(state);
    syslog_close();
    unlink(addr.sun_path);
    return rmdir(dir);
}

static void a_message_for_each_line(void **state)
{
    UNUSED(state);
    int fd = listen_there();
    syslog_set_path(addr.sun_path);
    errno = ENOENT;
    syslog_send_lines("cat ", "one\n\ntwo\n\n", 10);
    assert_int_equal(errno, ENOENT);
    expect(fd, "<14>Nov 21 09:17:03 supervisord: cat one");
    expect(fd, "<14>Nov 21 09:17:03 supervisord: cat ");
    expect(fd, "<14>Nov 21 09:17:03 supervisord: cat two");
    expect_nothing(fd);
    syslog_send_lines(NULL, "x", 1);
    expect(fd, "<14>Nov 21 09:17:03 supervisord: x");
    assert_int_equal(syslog_take_lost(), 0);
    close(fd);
}

static void what_nobody_takes_is_counted(void **state)
{
    UNUSED(state);
    int fd = listen_there();
    syslog_set_path(addr.sun_path);
    syslog_send_lines(NULL, "1", 1);
    close(fd);
    syslog_send_lines(NULL, "2\n3\n", 4);
    assert_int_equal(syslog_take_lost(), 2);
    assert_int_equal(syslog_take_lost(), 0);
    fd = listen_there(); /* the next try is a second later */
    syslog_send_lines(NULL, "4", 1);
    expect_nothing(fd);
    clock_advance(1000);
    syslog_send_lines(NULL, "5", 1);
    expect(fd, "<14>Nov 21 09:17:04 supervisord: 5");
    assert_int_equal(syslog_take_lost(), 1);
    close(fd);
}

static void a_full_log_does_not_block(void **state)
{
    UNUSED(state);
    int fd = listen_there();
    syslog_set_path(addr.sun_path);
    for (int i = 0; i < 100000; i++)
        syslog_send_lines(NULL, "line", 4);
    assert_true(syslog_take_lost() > 0);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_for_each_line),
        cmocka_unit_test(what_nobody_takes_is_counted),
        cmocka_unit_test(a_full_log_does_not_block),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
