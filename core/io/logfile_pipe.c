/* Log output into pipes, sockets and ttys: they can be slow, and they are shared. The one
 * idea: O_NONBLOCK belongs to the description that others hold too (our parent's stdout),
 * so it is never
 * set there; instead each write is made so small, or so marked, that it cannot
 * block. What does not fit waits in a bounded buffer for the loop. */
#include "core/io/logfile_priv.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* A tty is reported writable while it takes a few hundred bytes more. */
enum { TTY_PIECE_BYTES = 512 };

/* As write(2) on a non-blocking descriptor. */
static ssize_t write_unblocked(const struct logfile *lf, const char *data, size_t n)
{
    struct pollfd p = {.fd = lf->fd, .events = POLLOUT};
    size_t piece = lf->kind == LOGFILE_PIPE ? PIPE_BUF : TTY_PIECE_BYTES;

    if (lf->kind == LOGFILE_SOCKET)
        return send(lf->fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (lf->by_name || lf->kind == LOGFILE_DEVICE)
        return write(lf->fd, data, n); /* by name: a description of our own */
    if (poll(&p, 1, 0) < 0)
        return -1;
    if (p.revents == 0) {
        errno = EAGAIN;
        return -1;
    }
    return write(lf->fd, data, n < piece ? n : piece);
}

/* Writes what goes. Returns how many bytes did; *sys is 0 or EAGAIN or why no more go. */
static size_t write_some(const struct logfile *lf, const char *data, size_t n, int *sys)
{
    size_t done = 0;

    *sys = 0;
    while (done < n) {
        ssize_t rc = write_unblocked(lf, data + done, n - done);

        if (rc > 0) {
            done += (size_t)rc;
        } else if (rc < 0 && errno != EINTR) {
            *sys = errno == EWOULDBLOCK ? EAGAIN : errno;
            break;
        }
    }
    return done;
}

static void pipe_writable(struct watch *w, unsigned ready)
{
    UNUSED(ready);
    logfile_pipe_drain(container_of(w, struct logfile, watch));
}

static void pipe_watch(struct logfile *lf)
{
    if (lf->loop == NULL)
        return;
    if (lf->watch.loop)
        loop_want(&lf->watch, WATCH_WRITE);
    else
        loop_add(lf->loop, &lf->watch, lf->fd, WATCH_WRITE, pipe_writable);
}

/* The descriptor is of no use now. Called with bytes that it did not take. */
static void pipe_broke(struct logfile *lf, size_t lost, int sys)
{
    lost += lf->pending.len;
    buf_free(&lf->pending);
    loop_want(&lf->watch, 0);
    logfile_lost(lf, lost, sys);
    if (lf->by_name && logfile_may_retry(lf))
        logfile_open_path(lf, 0);
}

void logfile_pipe_drain(struct logfile *lf)
{
    int sys;

    buf_consume(&lf->pending,
                write_some(lf, buf_data(&lf->pending), lf->pending.len, &sys));
    if (sys != 0 && sys != EAGAIN) {
        pipe_broke(lf, 0, sys);
    } else if (lf->pending.len == 0) {
        loop_want(&lf->watch, 0);
        logfile_works(lf);
    }
}

void logfile_pipe_write(struct logfile *lf, const char *data, size_t n)
{
    size_t done = 0;
    int sys = EAGAIN;

    if (lf->pending.len > 0 && lf->watch.loop == NULL)
        logfile_pipe_drain(lf);
    /* While bytes are being dropped, go on dropping until all that waits is out: whole
     * stretches of output stay together. */
    if (lf->pending.len == 0) {
        done = write_some(lf, data, n, &sys);
        if (sys != 0 && sys != EAGAIN) {
            pipe_broke(lf, n - done, sys);
            return;
        }
        if (done == n) {
            logfile_works(lf);
            return;
        }
    }
    if ((lf->failing && lf->pending.len > 0) ||
        buf_append(&lf->pending, data + done, n - done) < 0) {
        logfile_lost(lf, n - done, 0);
        if (lf->pending.len == 0)
            return;
    }
    pipe_watch(lf);
}
