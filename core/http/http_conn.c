/* One connection. The one idea: requests are worked off by a loop here and never by
 * recursion, whoever gives the answer and whenever; pipelined ones wait in the input. A
 * request that is complete in the input is handed out where it stands; one that comes in
 * pieces, or whose answer comes later, gets a copy. */
#include "core/base/alloc.h"
#include "core/base/log.h"
#include "core/http/http_priv.h"
#include "core/io/tls.h"
#include "core/wire/basic_auth.h"
#include "core/wire/http_write.h"
#include "core/wire/url.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    INPUT_EXTRA_BYTES = 64 * 1024,  /* of input beyond one head */
    OUTPUT_MAX_BYTES = 256 * 1024,  /* of streamed output; whole answers go beyond */
    UNSENT_PAUSE_BYTES = 64 * 1024, /* no further request while so much waits */
    STEPS_AT_ONCE = 64,             /* pipelined requests in one go */
    MANY = 64,                      /* connections; from then on idle ones are free */
    SPARES = 16,                    /* connections kept without a peer */
    SPARE_BODY_BYTES = 16 * 1024,
    SPARE_INPUT_BYTES = 2048 /* of input that a spare connection keeps */
};

void http_conn_arm(struct http_conn *c)
{
    const struct http_limits *limits = &c->server->limits;
    const int wait_ms[] = {[WAIT_REQUEST] = limits->idle_ms,
                           [WAIT_HEAD] = limits->head_ms,
                           [WAIT_BODY] = limits->body_ms,
                           [WAIT_PROGRESS] = limits->body_ms};
    enum http_wait waits = WAIT_NOTHING;

    if (stream_unsent(c->stream) > 0)
        waits = WAIT_PROGRESS;
    else if (c->state == CONN_HEAD)
        waits = stream_in(c->stream)->len > 0 ? WAIT_HEAD : WAIT_REQUEST;
    else if (c->state == CONN_BODY)
        waits = WAIT_BODY;
    if (waits == c->waits)
        return;
    c->waits = waits;
    c->sent_then = stream_sent(c->stream);
    if (waits == WAIT_NOTHING)
        timer_cancel(&c->timer);
    else
        timer_set(&c->timer, loop_now_ms(c->server->loop) + wait_ms[waits]);
}

static void conn_timer(struct timer *t, int64_t now_ms);

/* --- the end ----------------------------------------------------------------------- */

void http_conn_free(void *conn)
{
    struct http_conn *c = conn;

    http_exchange_free(&c->x);
    buf_free(&c->input);
    free(c);
}

/* At the end of a turn. A few are kept: a client that connects for each request would
 * have the kernel map and unmap pages each time otherwise. */
static void conn_retire(void *conn)
{
    struct http_conn *c = conn;
    struct http_server *s = c->server;

    if (s->spare_count >= SPARES || c->x.body.cap > SPARE_BODY_BYTES) {
        http_conn_free(c);
        return;
    }
    http_exchange_reset(&c->x);
    s->spare_count++;
    list_append(&s->spares, &c->link);
}

static struct http_conn *conn_new(struct http_server *s)
{
    struct http_conn *c;

    if (s->spare_count > 0) {
        c = list_item(s->spares.next, struct http_conn, link);
        list_del(&c->link);
        s->spare_count--;
        c->state = CONN_HEAD;
        return c;
    }
    c = xcalloc(1, sizeof *c);
    c->server = s;
    list_init(&c->link);
    http_exchange_init(&c->x, s);
    buf_init(&c->input, BUF_NO_LIMIT);
    timer_init(&c->timer, loop_timers(s->loop), conn_timer);
    return c;
}

/* Takes it out of everything; `polite` lets the peer read what it was sent. */
static void conn_remove(struct http_conn *c, bool polite)
{
    http_abort_fn *gone = c->state == CONN_EXCHANGE ? c->x.gone : NULL;

    if (c->state == CONN_GONE)
        return;
    c->state = CONN_GONE;
    timer_cancel(&c->timer);
    if (stream_in(c->stream)->cap <= SPARE_INPUT_BYTES)
        buf_trade(&c->input, stream_in(c->stream)); /* a handler may still read there */
    if (polite)
        stream_finish(c->stream);
    else
        stream_close(c->stream);
    c->stream = NULL;
    http_server_forget(c);
    loop_bury(c->server->loop, c, conn_retire);
    if (gone)
        gone(c->x.arg);
}

void http_conn_close(struct http_conn *c)
{
    conn_remove(c, false);
}

/* After the last answer. A peer that has sent no more than was read can be closed at
 * once; one that is still sending would get a reset instead of the answer. */
static void conn_end(struct http_conn *c)
{
    c->state = CONN_LAST;
    if (stream_unsent(c->stream) > 0) {
        http_conn_arm(c);
        return;
    }
    conn_remove(c, !c->x.framing.done || stream_in(c->stream)->len > 0);
}

/* --- requests ---------------------------------------------------------------------- */

/* An answer of the server's own; the connection goes on only if the input is at the end
 * of a request. */
static void conn_refuse(struct http_conn *c, int status, bool in_step)
{
    c->state = CONN_EXCHANGE;
    if (!in_step)
        c->x.keep_alive = false;
    http_respond_error(&c->x, status, NULL);
}

/* For input that is no request at all. */
static void conn_refuse_head(struct http_conn *c, int status)
{
    c->x.head.minor = 1;
    c->x.head_only = false;
    c->x.framing = (struct http_body){0};
    conn_refuse(c, status, false);
}

static void move_span(struct span *s, const char *from, const char *to)
{
    if (s->ptr)
        s->ptr = to + (s->ptr - from);
}

/* The head, and a body that stands in the input, get a copy of their own. */
static int exchange_own(struct http_conn *c)
{
    struct http_exchange *x = &c->x;
    struct buf *in = stream_in(c->stream);
    size_t body_bytes = x->request.body_bytes;
    const char *from = buf_data(in), *to;

    if (x->owned || x->in_bytes == 0)
        return 0;
    if (buf_append(&x->head_bytes, from, x->in_bytes) < 0)
        return -1;
    to = buf_data(&x->head_bytes);
    move_span(&x->head.method, from, to);
    move_span(&x->head.target, from, to);
    move_span(&x->request.raw_path, from, to);
    move_span(&x->request.query, from, to);
    for (size_t i = 0; i < x->head.header_count; i++) {
        move_span(&x->head.headers[i].name, from, to);
        move_span(&x->head.headers[i].value, from, to);
    }
    if (body_bytes > 0)
        x->request.body = to + (x->request.body - from);
    buf_consume(in, x->in_bytes);
    x->in_bytes = 0;
    x->owned = true;
    return 0;
}

static void exchange_dispatch(struct http_conn *c)
{
    struct http_exchange *x = &c->x;

    c->state = CONN_EXCHANGE;
    http_server_lend_body(c->server, &x->body);
    x->route->handler(x, x->route->arg);
    if (c->state != CONN_EXCHANGE)
        return; /* answered, or gone */
    if (x->body.len == 0)
        http_server_take_body(c->server, &x->body);
    if (!x->deferred && !x->streaming) {
        log_error("no answer was made for %s", x->request.path);
        http_respond_error(x, 500, NULL);
    } else if (exchange_own(c) < 0) {
        http_conn_close(c);
    } else {
        http_conn_arm(c);
    }
}

static const char *const known_methods =
    "GET HEAD POST PUT DELETE OPTIONS PATCH TRACE CONNECT";

static bool method_is_in(const char *methods, const char *method)
{
    struct span rest = span_of(methods), word;

    while (span_split(&rest, ' ', &word)) {
        if (span_eq(word, method))
            return true;
    }
    return false;
}

static bool route_fits(const struct http_route *r, const char *path)
{
    size_t n = strlen(r->path);

    if (strncmp(path, r->path, n) != 0)
        return false;
    if (path[n] == '\0')
        return true;
    return r->prefix && (path[n] == '/' || r->path[n - 1] == '/');
}

/* Sets x->route. 0, or the status to answer. */
static int exchange_route(struct http_conn *c)
{
    struct http_exchange *x = &c->x;

    for (const struct http_route *r = c->server->routes; r->path; r++) {
        if (!route_fits(r, x->request.path))
            continue;
        x->route = r;
        if (r->methods == NULL || method_is_in(r->methods, x->method))
            return 0;
        if (!method_is_in(known_methods, x->method))
            return 501;
        http_exchange_header(x, "Allow", r->methods);
        return 405;
    }
    return method_is_in(known_methods, x->method) ? 404 : 501;
}

/* Fills the request from the head. 0, or the status to answer. */
static int exchange_read_target(struct http_conn *c)
{
    struct http_exchange *x = &c->x;
    struct http_request *rq = &x->request;
    struct span target = x->head.target, rest, piece;
    const struct span *host = http_header(&x->head, "Host");
    const char *slash;

    if (span_starts(target, "http://") || span_starts(target, "https://")) {
        const char *authority = (const char *)memchr(target.ptr, '/', target.len) + 2;
        size_t left = target.len - (size_t)(authority - target.ptr);

        slash = memchr(authority, '/', left);
        target = slash ? (struct span){slash, left - (size_t)(slash - authority)}
                       : span_of("/");
    }
    if (target.len == 0 || target.ptr[0] != '/')
        return 400;
    rest = target;
    span_split(&rest, '#', &target);
    rest = target;
    span_split(&rest, '?', &piece);
    rq->raw_path = piece;
    rq->query = rest.ptr ? rest : span_of("");
    if (url_decode(&x->path, piece, false) < 0 ||
        memchr(buf_data(&x->path), '\0', x->path.len))
        return 400;
    if (host && host->len > 0)
        buf_append(&x->host, host->ptr, host->len);
    else
        buf_puts(&x->host, "localhost");
    rq->path = buf_str(&x->path);
    rq->server_name = buf_str(&x->host);
    rq->method = x->method;
    rq->head = &x->head;
    rq->peer = c->peer;
    rq->is_unix = c->listener->is_unix;
    rq->is_protected = c->listener->username != NULL;
    rq->body = "";
    rq->body_bytes = 0;
    return 0;
}

static bool auth_is_right(const struct http_conn *c)
{
    const struct http_listener *l = c->listener;
    const struct span *given = http_header(&c->x.head, "Authorization");

    bool right;

    if (l->username == NULL)
        return true;
    right =
        given && basic_auth_check(*given, l->username, l->password ? l->password : "");
    if (given) /* in the input, which is ours; nobody else looks at it */
        alloc_wipe((char *)(uintptr_t)given->ptr, given->len);
    return right;
}

/* Everything that can be said before the body. 0, or the status to answer. The password
 * comes before anything that would tell what is here. */
static int exchange_check(struct http_conn *c, bool *expects)
{
    struct http_exchange *x = &c->x;
    const struct span *expect = http_header(&x->head, "Expect");
    int framing = http_body_of_request(&x->framing, &x->head), status;

    *expects = false;
    x->failures = buf_failures;
    if (framing != 0)
        x->framing = (struct http_body){0}; /* where the request ends is not known */
    if (!auth_is_right(c))
        return 401;
    status = exchange_read_target(c);
    if (alloc_is_short() || x->failures != buf_failures)
        return 503;
    if (status == 0)
        status = exchange_route(c);
    if (status == 0)
        status = framing;
    if (status == 0 && x->framing.kind == HTTP_BODY_LENGTH &&
        x->framing.left > c->server->limits.body_bytes)
        status = 413;
    if (status == 0 && expect) {
        *expects = span_eq_nocase(*expect, "100-continue");
        if (!*expects)
            status = 417;
    }
    return status;
}

/* A head of n bytes has been parsed. */
static void exchange_begin(struct http_conn *c, size_t n)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct http_exchange *x = &c->x;
    struct buf *in = stream_in(c->stream);
    size_t behind = in->len - n;
    bool expects, complete;
    int status;

    x->keep_alive =
        !c->server->stopping &&
        (x->head.minor > 0 ? !http_header_has_token(&x->head, "Connection", "close")
                           : http_header_has_token(&x->head, "Connection", "keep-alive"));
    x->head_only = span_eq(x->head.method, "HEAD");
    x->method[0] = '\0';
    if (x->head.method.len < sizeof x->method)
        memcpy(x->method, x->head.method.ptr, x->head.method.len);
    x->method[x->head.method.len < sizeof x->method ? x->head.method.len : 0] = '\0';
    x->in_bytes = n;
    status = exchange_check(c, &expects);
    complete = x->framing.done ||
               (x->framing.kind == HTTP_BODY_LENGTH && x->framing.left <= behind);
    if (complete && !x->framing.done) {
        x->request.body = buf_data(in) + n;
        x->request.body_bytes = (size_t)x->framing.left;
        x->in_bytes += x->request.body_bytes;
        x->framing.done = true;
    }
    if (status != 0) {
        conn_refuse(c, status, complete);
    } else if (complete) {
        exchange_dispatch(c);
    } else if (exchange_own(c) < 0) {
        http_conn_close(c);
    } else {
        c->state = CONN_BODY;
        if (expects && x->head.minor > 0 && in->len == 0)
            stream_write(c->stream, go_on, sizeof go_on - 1);
    }
}

/* Takes one request from the input. False: nothing more can be done now. */
static bool conn_step_head(struct http_conn *c)
{
    static const struct {
        int parsed, status;
    } refusals[] = {{HTTP_BAD, 400},
                    {HTTP_LONG_LINE, 414},
                    {HTTP_LONG_HEAD, 431},
                    {HTTP_VERSION, 505}};
    const struct http_limits *limits = &c->server->limits;
    struct http_head_limits head_limits = {limits->line_bytes, limits->head_bytes};
    struct buf *in = stream_in(c->stream);
    int n;

    if (in->len == 0 || stream_unsent(c->stream) > UNSENT_PAUSE_BYTES)
        return false;
    n = http_parse_request(&c->x.head, buf_data(in), in->len, &head_limits);
    if (n == HTTP_MORE)
        return false;
    if (n > 0) {
        exchange_begin(c, (size_t)n);
        return true;
    }
    for (size_t i = 0; i < array_len(refusals); i++) {
        if (refusals[i].parsed == n)
            conn_refuse_head(c, refusals[i].status);
    }
    return true;
}

static bool conn_step_body(struct http_conn *c)
{
    struct http_exchange *x = &c->x;
    struct buf *in = stream_in(c->stream);
    size_t payload;
    int64_t took = http_body_feed(&x->framing, buf_data(in), in->len, &payload);

    if (took < 0) {
        conn_refuse(c, 400, false);
        return true;
    }
    if (buf_append(&x->upload, buf_data(in), payload) < 0) {
        conn_refuse(c, errno == ENOMEM ? 503 : 413, false);
        return true;
    }
    buf_consume(in, (size_t)took);
    if (!x->framing.done)
        return false;
    x->request.body = buf_data(&x->upload);
    x->request.body_bytes = x->upload.len;
    exchange_dispatch(c);
    return true;
}

/* Works off what stands in the input. */
static void conn_work(struct http_conn *c)
{
    bool more = true;

    if (c->working)
        return;
    c->working = true;
    for (int left = STEPS_AT_ONCE; more && left > 0; left--)
        more = c->state == CONN_HEAD   ? conn_step_head(c)
               : c->state == CONN_BODY ? conn_step_body(c)
                                       : false;
    c->working = false;
    if (c->state == CONN_GONE)
        return;
    http_conn_arm(c);
    if (more) { /* the others come first */
        c->waits = WAIT_TURN;
        timer_set(&c->timer, loop_now_ms(c->server->loop));
    }
}

void http_conn_answered(struct http_conn *c)
{
    struct http_exchange *x = &c->x;

    if (c->state == CONN_GONE)
        return;
    http_server_is_known(c);
    buf_consume(stream_in(c->stream), x->in_bytes);
    http_exchange_reset(x);
    if (!x->keep_alive) {
        conn_end(c);
        return;
    }
    c->state = CONN_HEAD;
    c->waits = WAIT_NOTHING; /* every deadline begins anew */
    list_del(&c->link);      /* now the one idle for the shortest time */
    list_append(&c->server->conns, &c->link);
    conn_work(c);
}

/* --- from the stream and the timer -------------------------------------------------- */

static void conn_readable(struct stream *s, void *arg)
{
    UNUSED(s);
    conn_work(arg);
}

static void conn_drained(struct stream *s, void *arg)
{
    struct http_conn *c = arg;

    if (c->state == CONN_LAST && stream_unsent(s) == 0) {
        conn_end(c);
        return;
    }
    http_conn_arm(c);
    if (c->state == CONN_EXCHANGE && c->x.more)
        c->x.more(&c->x, c->x.arg);
    else
        conn_work(c);
}

/* The peer's end of a request that is not answered yet is taken for its wish to leave, as
 * upstream does; what is answered already is still sent. */
static void conn_ended(struct stream *s, const struct err *err, void *arg)
{
    struct http_conn *c = arg;

    if (err == NULL && c->state != CONN_EXCHANGE && stream_unsent(s) > 0) {
        conn_end(c);
    } else {
        if (err && c->listener->tls && c->fresh)
            http_server_complain(c, err);
        http_conn_close(c);
    }
}

static void conn_timer(struct timer *t, int64_t now_ms)
{
    struct http_conn *c = container_of(t, struct http_conn, timer);
    enum http_wait waits = c->waits;

    UNUSED(now_ms);
    c->waits = WAIT_NOTHING;
    if (waits == WAIT_HEAD || waits == WAIT_BODY)
        conn_refuse_head(c, 408);
    else if (waits == WAIT_REQUEST ||
             (waits == WAIT_PROGRESS && stream_sent(c->stream) == c->sent_then))
        http_conn_close(c);
    else if (waits == WAIT_PROGRESS)
        http_conn_arm(c);
    else
        conn_work(c);
}

static void conn_spent(struct stream *s, struct buf *out, void *arg)
{
    const struct http_conn *c = arg;

    UNUSED(s);
    http_server_take_body(c->server, out);
}

static const struct stream_events conn_events = {conn_readable, conn_drained, conn_ended,
                                                 conn_spent};

void http_conn_open(struct http_listener *l, int fd, const char *peer,
                    struct http_peer *counted)
{
    struct http_server *s = l->server;
    struct http_conn *c = conn_new(s);
    struct transport *t;

    c->listener = l;
    c->counted = counted;
    snprintf(c->peer, sizeof c->peer, "%s", peer);
    list_append(&s->conns, &c->link);
    s->conn_count++;
    if (counted)
        counted->count++;
    t = l->tls ? tls_accept(l->tls, fd) : transport_plain(fd);
    if (t)
        c->stream = stream_open(s->loop, t, s->limits.head_bytes + INPUT_EXTRA_BYTES,
                                OUTPUT_MAX_BYTES, &conn_events, c);
    if (c->stream == NULL) {
        c->state = CONN_GONE;
        http_server_forget(c);
        http_conn_free(c);
        return;
    }
    buf_rewind(&c->input);
    buf_trade(&c->input, stream_in(c->stream));
    c->fresh = l->tls != NULL;
    if (c->fresh)
        s->handshake_count++;
    if (s->conn_count > MANY)
        stream_watch_as_many(c->stream);
    c->waits = WAIT_REQUEST; /* the first one is expected sooner than the next */
    timer_set(&c->timer, loop_now_ms(s->loop) + s->limits.head_ms);
    stream_read_now(c->stream); /* most requests are there already */
}
