#include "tests/unit/fake_exchange.h"

#include "core/base/alloc.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct http_exchange *fake_exchange_new(const char *method, const char *path,
                                        const char *body, size_t n)
{
    struct http_exchange *x = xcalloc(1, sizeof *x);
    x->rq = (struct http_request){.method = method,
                                  .path = path,
                                  .raw_path = span_of(path),
                                  .body = body,
                                  .body_bytes = n,
                                  .peer = "",
                                  .is_unix = true,
                                  .server_name = "localhost"};
    x->room = (size_t)1 << 20;
    buf_init(&x->body, (size_t)64 << 20);
    buf_init(&x->headers, 4096);
    return x;
}

void fake_exchange_leave(struct http_exchange *x)
{
    assert((x->deferred || x->streaming) && !x->ended);
    x->ended = true;
    x->gone(x->arg);
}

void fake_exchange_read(struct http_exchange *x, size_t n)
{
    x->room += n;
    if (!x->ended)
        x->more(x, x->arg);
}

void fake_exchange_free(struct http_exchange *x)
{
    buf_free(&x->body);
    buf_free(&x->headers);
    free(x);
}

const struct http_request *http_exchange_request(const struct http_exchange *x)
{
    return &x->rq;
}

struct buf *http_exchange_body(struct http_exchange *x)
{
    assert(!x->ended && !x->streaming);
    return &x->body;
}

void http_exchange_header(struct http_exchange *x, const char *name, const char *value)
{
    assert(x->status == 0);
    buf_printf(&x->headers, "%s: %s\n", name, value);
}

static void end(struct http_exchange *x, int status, const char *content_type)
{
    assert(!x->ended && x->status == 0);
    x->ended = true;
    x->status = status;
    snprintf(x->content_type, sizeof x->content_type, "%s", content_type);
}

void http_respond(struct http_exchange *x, int status, const char *content_type)
{
    end(x, status, content_type);
}

void http_respond_error(struct http_exchange *x, int status, const char *text)
{
    buf_truncate(&x->body, 0);
    buf_puts(&x->body, text);
    end(x, status, "text/plain");
}

void http_defer(struct http_exchange *x, http_abort_fn *gone, void *arg)
{
    assert(!x->ended && !x->deferred);
    x->deferred = true;
    x->gone = gone;
    x->arg = arg;
}

void http_stream_begin(struct http_exchange *x, int status, const char *content_type,
                       http_more_fn *more, http_abort_fn *gone, void *arg)
{
    end(x, status, content_type);
    x->ended = false;
    x->streaming = true;
    x->more = more;
    x->gone = gone;
    x->arg = arg;
}

size_t http_stream_room(const struct http_exchange *x)
{
    assert(x->streaming && !x->ended);
    return x->room;
}

int http_stream_write(struct http_exchange *x, const void *data, size_t n)
{
    assert(x->streaming && !x->ended);
    if (n > x->room) {
        errno = ENOBUFS;
        return -1;
    }
    x->room -= n;
    return buf_append(&x->body, data, n);
}

void http_stream_end(struct http_exchange *x)
{
    assert(x->streaming && !x->ended);
    x->ended = true;
}
