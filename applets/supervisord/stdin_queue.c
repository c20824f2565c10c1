#include "applets/supervisord/stdin_queue.h"

#include "core/base/log.h"
#include "core/io/fd.h"

#include <errno.h>
#include <unistd.h>

void stdin_queue_init(struct stdin_queue *q, void (*changed)(struct stdin_queue *q))
{
    *q = (struct stdin_queue){.changed = changed, .fd = -1};
    buf_init(&q->waiting, STDIN_QUEUE_MAX_BYTES);
}

/* 0 when all went or the pipe is full for now, -1 with errno EPIPE when it is closed. */
static int flush(struct stdin_queue *q)
{
    while (q->waiting.len > 0) {
        ssize_t n = write(q->fd, buf_data(&q->waiting), q->waiting.len);
        if (n >= 0) {
            buf_consume(&q->waiting, (size_t)n);
        } else if (errno == EAGAIN) {
            loop_want(&q->watch, WATCH_WRITE);
            return 0;
        } else if (errno != EINTR) {
            log_debug("fd %d closed, stopped monitoring it (stdin)", q->fd);
            stdin_queue_close(q);
            errno = EPIPE;
            return -1;
        }
    }
    loop_want(&q->watch, 0);
    return 0;
}

static void stdin_queue_writable(struct watch *w, unsigned ready)
{
    struct stdin_queue *q = container_of(w, struct stdin_queue, watch);

    UNUSED(ready);
    q->changed(q);
    flush(q);
}

int stdin_queue_open(struct stdin_queue *q, struct loop *loop, int fd)
{
    if (fd_pipe_nonblock(fd) < 0 ||
        loop_add(loop, &q->watch, fd, WATCH_MANY, stdin_queue_writable) < 0)
        return -1;
    q->fd = fd;
    return 0;
}

int stdin_queue_write(struct stdin_queue *q, const void *data, size_t n)
{
    if (q->fd < 0) {
        errno = EPIPE;
        return -1;
    }
    /* What comes alone may be of any size: an event is sent whole or never. */
    bool waits = q->waiting.len > 0;

    q->waiting.max = !waits && n > STDIN_QUEUE_MAX_BYTES ? n : STDIN_QUEUE_MAX_BYTES;
    if (buf_append(&q->waiting, data, n) < 0)
        return -1;
    int rc = flush(q);

    if (waits || q->waiting.len > 0) /* nearly always it goes at once */
        q->changed(q);
    return rc;
}

void stdin_queue_close(struct stdin_queue *q)
{
    if (q->fd < 0)
        return;
    struct loop *loop = q->watch.loop;
    q->changed(q);
    loop_del(&q->watch);
    loop_close_fd(loop, &q->fd);
    buf_free(&q->waiting);
}
