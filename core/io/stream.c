/* A buffered connection. The one idea: interest follows need (reading while there is room
 * and nobody paused it, writing while bytes wait), and news is told from the loop only,
 * so that no call of the owner's comes back to the owner before it returns. */
#include "core/io/stream.h"

#include "core/base/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOW_WATER_BYTES = 16 * 1024,
    FIRST_READ_BYTES = 1500, /* most requests; small memory is cheap to get and to give */
    READ_BYTES = 64 * 1024,
    FLUSH_BYTES = 1024 * 1024, /* a fast reader gets that much in a turn */
    LINGER_MS = 1000,
    FINISH_MS = 30 * 1000 /* without progress, then the rest is given up */
};

struct stream {
    struct loop *loop;
    struct transport *t;
    struct watch watch;
    struct timer timer; /* a kick while open; the deadline while finishing */
    struct buf in, out;
    size_t in_max;
    const struct stream_events *events; /* NULL: finishing or closed */
    void *arg;
    bool paused, in_ended, failed, was_high, shut, closed;
    int failed_errno;
    uint64_t sent, sent_then; /* in all; at the last look while finishing */
};

static void stream_ready(struct watch *w, unsigned ready);
static void stream_timer(struct timer *t, int64_t now_ms);
static void stream_finish_step(struct stream *s);

static void stream_watch(struct stream *s)
{
    unsigned want = 0;

    if (s->closed)
        return;
    if (!s->paused && !s->in_ended && !s->failed && s->in.len < s->in_max) {
        want |= s->t->read_wants;
        if (s->t->ops->pending(s->t)) /* no poll would tell of these */
            timer_set(&s->timer, loop_now_ms(s->loop));
    }
    if (s->out.len > 0 && !s->failed)
        want |= s->t->write_wants;
    loop_want(&s->watch, want);
}

/* The connection is of no use any more; the owner hears it from the loop. */
static void stream_fail(struct stream *s)
{
    if (s->failed)
        return;
    s->failed = true;
    s->failed_errno = errno;
    buf_free(&s->out);
    timer_set(&s->timer, loop_now_ms(s->loop));
}

struct stream *stream_open(struct loop *loop, struct transport *t, size_t in_max,
                           size_t out_max, const struct stream_events *events, void *arg)
{
    struct stream *s = xcalloc(1, sizeof *s);

    s->loop = loop;
    s->t = t;
    s->in_max = in_max;
    s->events = events;
    s->arg = arg;
    buf_init(&s->in, in_max);
    buf_init(&s->out, out_max);
    timer_init(&s->timer, loop_timers(loop), stream_timer);
    if (loop_add(loop, &s->watch, t->fd, t->read_wants, stream_ready) < 0) {
        int saved = errno;

        t->ops->free(t);
        free(s);
        errno = saved;
        return NULL;
    }
    return s;
}

int stream_watch_as_many(struct stream *s)
{
    unsigned want = s->watch.want;

    loop_del(&s->watch);
    if (loop_add(s->loop, &s->watch, s->t->fd, want | WATCH_MANY, stream_ready) == 0)
        return 0;
    return loop_add(s->loop, &s->watch, s->t->fd, want, stream_ready);
}

static void stream_free(void *ptr)
{
    struct stream *s = ptr;

    buf_free(&s->in);
    buf_free(&s->out);
    free(s);
}

void stream_close(struct stream *s)
{
    if (s == NULL || s->closed)
        return;
    s->closed = true;
    s->events = NULL;
    timer_cancel(&s->timer);
    loop_del(&s->watch);
    s->t->ops->free(s->t);
    s->t = NULL;
    loop_bury(s->loop, s, stream_free); /* its callback may be on the stack */
}

struct buf *stream_in(struct stream *s)
{
    return &s->in;
}

struct buf *stream_out(struct stream *s)
{
    return &s->out;
}

size_t stream_unsent(const struct stream *s)
{
    return s->out.len;
}

uint64_t stream_sent(const struct stream *s)
{
    return s->sent;
}

void stream_pause(struct stream *s, bool paused)
{
    s->paused = paused;
    stream_watch(s);
}

/* --- sending ----------------------------------------------------------------------- */

static void stream_consume(struct stream *s, size_t n)
{
    s->sent += (uint64_t)n;
    if (n == s->out.len && s->events && s->events->spent)
        s->events->spent(s, &s->out, s->arg);
    else
        buf_consume(&s->out, n);
}

/* Sends what goes; tells nobody. */
static void stream_send(struct stream *s)
{
    size_t sent = 0;

    while (s->out.len > 0 && !s->failed && sent < FLUSH_BYTES) {
        ssize_t n = s->t->ops->write(s->t, buf_data(&s->out), s->out.len);

        if (n > 0) {
            sent += (size_t)n;
            stream_consume(s, (size_t)n);
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            break;
        } else {
            stream_fail(s);
        }
    }
    if (s->out.len > LOW_WATER_BYTES)
        s->was_high = true;
}

void stream_flush(struct stream *s)
{
    if (s->closed)
        return;
    stream_send(s);
    stream_watch(s);
}

int stream_write(struct stream *s, const void *data, size_t n)
{
    if (buf_append(&s->out, data, n) < 0)
        return -1;
    stream_flush(s);
    return 0;
}

/* As much as one call takes, straight from where it lies. */
static size_t stream_send_pieces(struct stream *s, const void *head, size_t head_bytes,
                                 const struct buf *body)
{
    struct iovec pieces[2] = {
        {.iov_base = (void *)(uintptr_t)head, .iov_len = head_bytes},
        {.iov_base = buf_data(body), .iov_len = body->len},
    };
    ssize_t n;

    if (s->out.len > 0 || s->failed || s->t->ops->writev == NULL)
        return 0;
    n = body->len > 0 ? s->t->ops->writev(s->t, pieces, 2)
                      : s->t->ops->write(s->t, head, head_bytes);
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        stream_fail(s);
    if (n <= 0)
        return 0;
    s->sent += (size_t)n;
    return (size_t)n;
}

int stream_write_answer(struct stream *s, const void *head, size_t head_bytes,
                        struct buf *body)
{
    size_t sent = stream_send_pieces(s, head, head_bytes, body), max = s->out.max;
    int rc = 0;

    if (s->failed) {
        buf_consume(body, body->len);
        return 0;
    }
    s->out.max = BUF_NO_LIMIT;
    if (sent < head_bytes) {
        rc = buf_append(&s->out, (const char *)head + sent, head_bytes - sent);
        sent = 0;
    } else {
        sent -= head_bytes;
    }
    if (sent == body->len)
        buf_rewind(body);
    else
        buf_consume(body, sent);
    if (rc == 0 && s->out.len == 0 && body->len > 0) {
        buf_trade(&s->out, body);
    } else if (rc == 0 && body->len > 0) {
        rc = buf_append(&s->out, buf_data(body), body->len);
        buf_consume(body, body->len);
    }
    s->out.max = max;
    if (s->out.len > 0) {
        if (s->t->ops->writev == NULL)
            stream_send(s);
        s->was_high = s->out.len > LOW_WATER_BYTES;
        stream_watch(s);
    }
    return rc;
}

/* --- from the loop ----------------------------------------------------------------- */

static void stream_tell_ended(struct stream *s)
{
    struct err err;

    loop_want(&s->watch, 0);
    if (s->events == NULL) {
        stream_close(s);
        return;
    }
    if (s->failed && s->t->err && s->t->err->code != ERR_NONE) {
        err = *s->t->err; /* it may go while it is told */
    } else if (s->failed) {
        errno = s->failed_errno;
        err_sys(&err, "connection failed");
    }
    s->events->ended(s, s->failed ? &err : NULL, s->arg);
}

static void stream_drained(struct stream *s, size_t before)
{
    bool low = s->out.len < LOW_WATER_BYTES;

    if (before == 0 || !low || s->failed || s->events == NULL)
        return;
    if (!s->was_high && s->out.len > 0)
        return;
    s->was_high = false;
    if (s->events->drained)
        s->events->drained(s, s->arg);
}

/* One read of bounded size, then the owner's turn. */
static void stream_receive(struct stream *s)
{
    size_t room_bytes = s->in.len < FIRST_READ_BYTES ? FIRST_READ_BYTES : READ_BYTES;
    char *room;
    ssize_t n;

    if (room_bytes < s->in.cap - s->in.len) /* what is there already */
        room_bytes = s->in.cap - s->in.len;
    if (room_bytes > s->in_max - s->in.len)
        room_bytes = s->in_max - s->in.len;
    if (room_bytes == 0 || s->paused || s->in_ended || s->failed)
        return;
    if (buf_reserve(&s->in, room_bytes, &room) < 0) {
        loop_stumble(s->loop); /* no memory: it stays ready */
        return;
    }
    n = s->t->ops->read(s->t, room, room_bytes);
    if (n > 0) {
        buf_commit(&s->in, (size_t)n);
        if (s->events)
            s->events->readable(s, s->arg);
        else
            buf_consume(&s->in, s->in.len);
        return;
    }
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (n < 0) {
        stream_fail(s);
        timer_cancel(&s->timer); /* told at once */
    }
    s->in_ended = true;
    stream_tell_ended(s);
}

void stream_read_now(struct stream *s)
{
    if (s->closed)
        return;
    stream_receive(s);
    stream_watch(s);
}

static void stream_ready(struct watch *w, unsigned ready)
{
    struct stream *s = container_of(w, struct stream, watch);
    size_t before = s->out.len;

    if (before > 0 && (ready & s->t->write_wants)) {
        stream_send(s);
        stream_drained(s, before);
    }
    if (!s->closed && (ready & s->t->read_wants))
        stream_receive(s);
    if (!s->closed && s->events == NULL)
        stream_finish_step(s);
    stream_watch(s);
}

static void stream_timer(struct timer *t, int64_t now_ms)
{
    struct stream *s = container_of(t, struct stream, timer);

    if (s->events == NULL) { /* finishing */
        if (s->failed || s->out.len == 0 || s->sent == s->sent_then) {
            stream_close(s);
            return;
        }
        s->sent_then = s->sent;
        timer_set(&s->timer, now_ms + FINISH_MS);
        return;
    }
    if (s->failed) {
        stream_tell_ended(s);
        return;
    }
    stream_receive(s); /* what the transport has decoded already */
    stream_watch(s);
}

/* --- the polite end ---------------------------------------------------------------- */

static void stream_finish_step(struct stream *s)
{
    if (s->failed || (s->in_ended && s->out.len == 0)) {
        stream_close(s);
        return;
    }
    if (s->out.len > 0 || s->shut)
        return;
    s->shut = true;
    if (s->t->ops->shutdown(s->t) < 0 && errno != EAGAIN) {
        stream_close(s);
        return;
    }
    timer_set(&s->timer, loop_now_ms(s->loop) + LINGER_MS);
}

void stream_finish(struct stream *s)
{
    if (s == NULL || s->closed)
        return;
    s->events = NULL;
    s->paused = false;
    buf_consume(&s->in, s->in.len);
    stream_send(s);
    s->sent_then = s->sent;
    timer_set(&s->timer, loop_now_ms(s->loop) + FINISH_MS);
    stream_finish_step(s);
    stream_watch(s);
}
