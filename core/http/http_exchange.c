/* Answers. The one idea: a whole answer is written straight from the handler's buffer,
 * head and body in one system call, and the exchange is over when that call returns; what
 * the peer does not take yet is the connection's affair. */
#include "core/http/http_exchange.h"

#include "core/http/http_priv.h"
#include "core/wire/http_write.h"
#include <errno.h>
#include <string.h>

enum {
    STREAM_ROOM_BYTES = 64 * 1024, /* unsent bytes of a streamed answer, at the most */
    CHUNK_FRAME_BYTES = 32,
    HEADERS_MAX_BYTES = 64 * 1024,
    ANSWER_MAX_BYTES = 256 * 1024 * 1024,
    JOIN_BYTES = 4096 /* of body: to copy so much costs less than sendmsg beyond send */
};

static struct http_conn *conn_of(struct http_exchange *x)
{
    return container_of(x, struct http_conn, x);
}

void http_exchange_init(struct http_exchange *x, const struct http_server *s)
{
    buf_init(&x->path, BUF_NO_LIMIT);
    buf_init(&x->host, BUF_NO_LIMIT);
    buf_init(&x->head_bytes, BUF_NO_LIMIT);
    buf_init(&x->upload, s->limits.body_bytes);
    buf_init(&x->headers, HEADERS_MAX_BYTES);
    buf_init(&x->body, ANSWER_MAX_BYTES);
}

void http_exchange_reset(struct http_exchange *x)
{
    struct buf *kept[] = {&x->path, &x->host, &x->headers};

    for (size_t i = 0; i < array_len(kept); i++)
        buf_consume(kept[i], kept[i]->len);
    buf_free(&x->head_bytes);
    buf_free(&x->upload);
    http_server_take_body(conn_of(x)->server, &x->body);
    x->deferred = x->streaming = x->chunked = x->owned = false;
    x->in_bytes = 0;
    x->more = NULL;
    x->gone = NULL;
    x->arg = NULL;
}

void http_exchange_free(struct http_exchange *x)
{
    struct buf *all[] = {&x->path,   &x->host,    &x->head_bytes,
                         &x->upload, &x->headers, &x->body};

    for (size_t i = 0; i < array_len(all); i++)
        buf_free(all[i]);
}

const struct http_request *http_exchange_request(const struct http_exchange *x)
{
    return &x->request;
}

struct buf *http_exchange_body(struct http_exchange *x)
{
    return &x->body;
}

void http_exchange_header(struct http_exchange *x, const char *name, const char *value)
{
    http_write_header(&x->headers, name, value); /* too many of them are left out */
}

/* --- heads ------------------------------------------------------------------------- */

/* Everything up to the fields that tell the framing. The scratch buffer has no limit, so
 * that nothing below fails but for lack of memory, which shows in its length. */
static struct buf *head_begin(struct http_exchange *x, int status,
                              const char *content_type)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\n"; /* nearly always: worth its line */
    struct http_conn *c = conn_of(x);
    struct buf *out = &c->server->scratch;
    const struct buf *date = http_server_date(c->server);

    buf_consume(out, out->len);
    if (status == 200)
        buf_append(out, ok, sizeof ok - 1);
    else
        http_write_status(out, status);
    buf_append(out, buf_data(date), date->len);
    if (content_type)
        http_write_header(out, "Content-Type", content_type);
    if (status == 401) /* upstream's realm */
        buf_puts(out, "WWW-Authenticate: Basic realm=\"default\"\r\n");
    buf_append(out, buf_data(&x->headers), x->headers.len);
    return out;
}

static void head_end(struct http_exchange *x, struct buf *out)
{
    if (!x->keep_alive)
        buf_puts(out, "Connection: close\r\n");
    else if (x->head.minor == 0)
        buf_puts(out, "Connection: Keep-Alive\r\n");
    http_write_end(out);
}

static bool status_has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

/* --- whole ------------------------------------------------------------------------- */

/* A body that memory was missing for is not told from a whole one by its reader. */
static bool answer_is_cut(struct http_exchange *x)
{
    static const char text[] = "out of memory\n";

    if (x->failures == buf_failures)
        return false;
    buf_free(&x->body);
    buf_append(&x->body, text, sizeof text - 1);
    return true;
}

void http_respond(struct http_exchange *x, int status, const char *content_type)
{
    struct http_conn *c = conn_of(x);
    struct buf *out;

    if (answer_is_cut(x)) {
        status = 503;
        content_type = "text/plain";
    }
    x->failures = buf_failures;
    out = head_begin(x, status, content_type);
    if (status_has_body(status)) {
        buf_puts(out, "Content-Length: ");
        buf_put_uint(out, x->body.len);
        buf_append(out, "\r\n", 2);
    }
    head_end(x, out);
    if (x->head_only || !status_has_body(status))
        buf_consume(&x->body, x->body.len);
    if (x->failures != buf_failures) { /* not even the head is whole */
        x->gone = NULL;
        http_conn_close(c);
        return;
    }
    if (x->body.len <= JOIN_BYTES &&
        buf_append(out, buf_data(&x->body), x->body.len) == 0)
        buf_rewind(&x->body);
    if (stream_write_answer(c->stream, buf_data(out), out->len, &x->body) < 0)
        x->keep_alive = false; /* no memory: what is out cannot be mended */
    http_conn_answered(c);
}

void http_respond_error(struct http_exchange *x, int status, const char *text)
{
    buf_consume(&x->body, x->body.len);
    buf_puts(&x->body, text ? text : http_reason(status));
    buf_putc(&x->body, '\n');
    http_respond(x, status, "text/plain");
}

void http_defer(struct http_exchange *x, http_abort_fn *gone, void *arg)
{
    x->deferred = true;
    x->gone = gone;
    x->arg = arg;
}

/* --- streamed ---------------------------------------------------------------------- */

void http_stream_begin(struct http_exchange *x, int status, const char *content_type,
                       http_more_fn *more, http_abort_fn *gone, void *arg)
{
    struct http_conn *c = conn_of(x);
    struct buf *out;

    x->streaming = true;
    x->more = more;
    x->gone = gone;
    x->arg = arg;
    x->chunked = x->head.minor > 0;
    if (!x->chunked)
        x->keep_alive = false; /* the end of the connection is the end of the body */
    out = head_begin(x, status, content_type);
    if (x->chunked)
        buf_puts(out, "Transfer-Encoding: chunked\r\n");
    head_end(x, out);
    buf_consume(&x->body, x->body.len);
    stream_write_answer(c->stream, buf_data(out), out->len, &x->body);
}

size_t http_stream_room(const struct http_exchange *x)
{
    const struct http_conn *c = container_of(x, struct http_conn, x);
    size_t used = stream_unsent(c->stream) + CHUNK_FRAME_BYTES;

    return used < STREAM_ROOM_BYTES ? STREAM_ROOM_BYTES - used : 0;
}

int http_stream_write(struct http_exchange *x, const void *data, size_t n)
{
    struct http_conn *c = conn_of(x);
    struct buf *out = stream_out(c->stream);
    int rc;

    if (n == 0 || x->head_only) /* a chunk of no bytes would be the end */
        return 0;
    if (n > http_stream_room(x)) {
        errno = ENOBUFS;
        return -1;
    }
    rc = x->chunked ? http_write_chunk(out, data, n) : buf_append(out, data, n);
    stream_flush(c->stream);
    http_conn_arm(c);
    return rc;
}

void http_stream_end(struct http_exchange *x)
{
    struct http_conn *c = conn_of(x);

    if (x->chunked && !x->head_only && http_write_last_chunk(stream_out(c->stream)) < 0)
        x->keep_alive = false;
    stream_flush(c->stream);
    http_conn_answered(c);
}
