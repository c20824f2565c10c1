#include "core/io/syslog.h"

#include "core/base/buf.h"
#include "core/base/calendar.h"
#include "core/base/clock.h"
#include "core/io/fd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { RETRY_MS = 1000, PRIORITY = (1 << 3) | 6 /* user.info */ };

static const char *log_path = "/dev/log";
static int log_fd = -1;
static int64_t retry_ms; /* not before this time; 0: at once */
static uint64_t lost;

void syslog_set_path(const char *path)
{
    syslog_close();
    log_path = path;
}

void syslog_close(void)
{
    fd_close(&log_fd);
    retry_ms = 0;
}

uint64_t syslog_take_lost(void)
{
    uint64_t n = lost;
    lost = 0;
    return n;
}

static bool reach(void)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    size_t n = strlen(log_path);
    if (log_fd >= 0)
        return true;
    if (n >= sizeof addr.sun_path || mono_ms() < retry_ms)
        return false;
    memcpy(addr.sun_path, log_path, n + 1);
    log_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (log_fd >= 0 && connect(log_fd, (struct sockaddr *)&addr, sizeof addr) == 0)
        return true;
    fd_close(&log_fd);
    retry_ms = mono_ms() + RETRY_MS; /* not for each line of a noisy program */
    return false;
}

/* A daemon that was started anew listens at the same path with another socket: what the
 * old one refuses is sent again to the new one. */
static void deliver(const struct buf *message)
{
    for (int i = 0; i < 2 && reach(); i++) {
        if (send(log_fd, buf_data(message), message->len, MSG_NOSIGNAL) >= 0)
            return;
        if (errno == EAGAIN || errno == ENOBUFS || errno == EMSGSIZE || errno == EINTR)
            break;
        syslog_close();
    }
    lost++;
}

static int put_head(struct buf *out)
{
    time_t now = (time_t)wall_secs();
    struct tm tm;
    if (!localtime_r(&now, &tm))
        tm = (struct tm){.tm_mday = 1};
    return buf_printf(out, "<%d>%.3s %2d %02d:%02d:%02d supervisord: ", PRIORITY,
                      MONTH_NAME(&tm), tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void send_line(const char *prefix, const char *line, size_t n)
{
    struct buf message;
    buf_init(&message, BUF_NO_LIMIT);
    if (put_head(&message) < 0 || (prefix && buf_puts(&message, prefix) < 0) ||
        buf_append(&message, line, n) < 0)
        lost++;
    else
        deliver(&message);
    buf_free(&message);
}

void syslog_send_lines(const char *prefix, const char *data, size_t n)
{
    int saved = errno;
    while (n > 0 && data[n - 1] == '\n')
        n--;
    const char *end = data + n;
    for (;;) {
        const char *newline = memchr(data, '\n', (size_t)(end - data));
        send_line(prefix, data, (size_t)((newline ? newline : end) - data));
        if (!newline)
            break;
        data = newline + 1;
    }
    errno = saved;
}
