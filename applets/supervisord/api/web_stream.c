#include "applets/supervisord/api/web_stream.h"

#include "applets/supervisord/api/web.h"

static void stream_gone(void *arg)
{
    struct web_stream *s = arg;
    s->x = NULL;
    buf_free(&s->out);
    s->gone(s);
}

static void stream_more(struct http_exchange *x, void *arg)
{
    UNUSED(x);
    web_stream_pump(arg);
}

void web_stream_begin(struct web_stream *s, struct http_exchange *x, const char *type)
{
    s->x = x;
    buf_init(&s->out, BUF_NO_LIMIT); /* its writers bound it */
    web_headers(x);
    /* a proxy in front would collect the events otherwise */
    http_exchange_header(x, "X-Accel-Buffering", "no");
    http_stream_begin(x, 200, type, stream_more, stream_gone, s);
}

/* What the connection takes. True when all is out and the reader is still there. */
static bool send_queued(struct web_stream *s)
{
    while (s->x && s->out.len > 0) {
        size_t room = http_stream_room(s->x);
        size_t n = s->out.len < room ? s->out.len : room;
        if (n == 0 || http_stream_write(s->x, buf_data(&s->out), n) < 0)
            return false;
        if (s->x)
            buf_consume(&s->out, n);
    }
    return s->x != NULL;
}

void web_stream_pump(struct web_stream *s)
{
    if (s->pumping) /* writing may call for more at once */
        return;
    s->pumping = true;
    while (send_queued(s)) {
        s->drained(s);
        if (!s->x || s->out.len == 0)
            break;
    }
    s->pumping = false;
}

void web_stream_event(struct web_stream *s, const char *id, const char *event,
                      const char *data, size_t n)
{
    size_t before = s->out.len;
    if (!s->x)
        return;
    if ((id && buf_printf(&s->out, "id: %s\n", id) < 0) ||
        buf_printf(&s->out, "event: %s\ndata: ", event) < 0 ||
        buf_append(&s->out, data, n) < 0 || buf_puts(&s->out, "\n\n") < 0)
        buf_truncate(&s->out, before);
    if (!s->pumping)
        web_stream_pump(s);
}

void web_stream_end(struct web_stream *s)
{
    struct http_exchange *x;
    s->pumping = true; /* nothing is added any more */
    send_queued(s);
    x = s->x;
    s->x = NULL;
    buf_free(&s->out);
    if (x)
        http_stream_end(x);
}
