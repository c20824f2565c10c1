/* Listeners and limits. The one idea: no peer can take from another: each has a share of
 * the connections, an idle one gives way to a new one, and every wait has a deadline. */
#include "core/http/http_server.h"

#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/http/http_priv.h"
#include "core/io/fd.h"
#include "core/io/sock.h"
#include "core/io/tls.h"
#include "core/wire/http_write.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ACCEPT_BATCH = 64,
    ACCEPT_RETRY_MS = 500,
    COMPLAIN_MS = 1000,
    BODY_MIN_BYTES = 64 * 1024, /* less than that a connection may keep */
    BODY_MAX_BYTES = 8 * 1024 * 1024,
    BODY_KEEP_MS = 1000
};

static void server_retry(struct timer *t, int64_t now_ms);
static void server_drop_body(struct timer *t, int64_t now_ms);

struct http_server *http_server_new(struct loop *loop, const struct http_route *routes,
                                    const struct http_limits *limits)
{
    struct http_server *s = xcalloc(1, sizeof *s);
    struct http_limits l = limits ? *limits : (struct http_limits){0};

    s->loop = loop;
    s->routes = routes;
    s->limits = (struct http_limits){
        .line_bytes = l.line_bytes ? l.line_bytes : 8 * 1024,
        .head_bytes = l.head_bytes ? l.head_bytes : 64 * 1024,
        .body_bytes = l.body_bytes ? l.body_bytes : 16 * 1024 * 1024,
        .connections = l.connections ? l.connections : 4096,
        .connections_per_peer = l.connections_per_peer ? l.connections_per_peer : 256,
        .handshakes = l.handshakes ? l.handshakes : 256,
        .head_ms = l.head_ms ? l.head_ms : 10 * 1000,
        .body_ms = l.body_ms ? l.body_ms : 60 * 1000,
        .idle_ms = l.idle_ms ? l.idle_ms : 120 * 1000,
    };
    list_init(&s->listeners);
    list_init(&s->conns);
    list_init(&s->spares);
    timer_init(&s->retry, loop_timers(loop), server_retry);
    timer_init(&s->body_timer, loop_timers(loop), server_drop_body);
    buf_init(&s->body, BUF_NO_LIMIT);
    buf_init(&s->scratch, BUF_NO_LIMIT);
    buf_init(&s->date, BUF_NO_LIMIT);
    return s;
}

/* The lines that are the same in every answer, made once a second. */
const struct buf *http_server_date(struct http_server *s)
{
    int64_t now_secs = wall_secs();

    if (s->date.len == 0 || now_secs != s->date_secs) {
        s->date_secs = now_secs;
        buf_consume(&s->date, s->date.len);
        buf_puts(&s->date, "Server: supervisord\r\n");
        http_write_date(&s->date, (time_t)now_secs);
    }
    return &s->date;
}

static void server_drop_body(struct timer *t, int64_t now_ms)
{
    UNUSED(now_ms);
    buf_free(&container_of(t, struct http_server, body_timer)->body);
}

void http_server_lend_body(struct http_server *s, struct buf *body)
{
    if (s->body.cap > body->cap)
        buf_trade(&s->body, body);
}

void http_server_take_body(struct http_server *s, struct buf *body)
{
    buf_rewind(body);
    if (body->cap > s->body.cap && body->cap <= BODY_MAX_BYTES && !s->stopping)
        buf_trade(&s->body, body);
    buf_consume(body, 0); /* what is large is given back */
    if (!s->stopping && s->body.cap > BODY_MIN_BYTES && !timer_is_set(&s->body_timer))
        timer_set(&s->body_timer, loop_now_ms(s->loop) + BODY_KEEP_MS);
}

/* --- connections come and go ------------------------------------------------------- */

/* The host of "1.2.3.4:5" or "[::1]:5". */
static size_t host_bytes(const char *peer)
{
    const char *colon = strrchr(peer, ':');

    return colon ? (size_t)(colon - peer) : strlen(peer);
}

static struct http_peer *peer_get(struct http_server *s, const char *peer)
{
    size_t n = host_bytes(peer);
    struct http_peer *p = map_get(&s->peers, peer, n);

    if (p == NULL) {
        p = xcalloc(1, sizeof *p);
        memcpy(p->host, peer, n);
        map_put(&s->peers, p->host, n, p);
    }
    return p;
}

static void peer_put(struct http_server *s, struct http_peer *p)
{
    if (p == NULL || p->count > 0)
        return;
    map_del(&s->peers, p->host, strlen(p->host));
    free(p);
}

void http_server_forget(struct http_conn *c)
{
    http_server_is_known(c);
    list_del(&c->link);
    c->server->conn_count--;
    if (c->counted) {
        c->counted->count--;
        peer_put(c->server, c->counted);
        c->counted = NULL;
    }
}

void http_server_is_known(struct http_conn *c)
{
    if (c->fresh)
        c->server->handshake_count--;
    c->fresh = false;
}

void http_server_complain(struct http_conn *c, const struct err *err)
{
    struct http_server *s = c->server;
    int64_t now_ms = loop_now_ms(s->loop);

    if (now_ms < s->complain_ms) {
        s->complaints_left_out++;
        return;
    }
    if (s->complaints_left_out > 0)
        log_warn("%zu further TLS connections failed", s->complaints_left_out);
    log_warn("%s: connection from %s: %s", c->listener->name, c->peer, err->text);
    s->complaints_left_out = 0;
    s->complain_ms = now_ms + COMPLAIN_MS;
}

/* Closes the connection that has been idle for longest. False if all are busy. `fresh`:
 * only one that has not asked for anything yet. */
static bool server_evict(struct http_server *s, bool fresh)
{
    list_each(it, &s->conns)
    {
        struct http_conn *c = list_item(it, struct http_conn, link);

        if (c->state == CONN_HEAD && stream_unsent(c->stream) == 0 &&
            (c->fresh || !fresh)) {
            http_conn_close(c);
            return true;
        }
    }
    return false;
}

/* Too many: a word in passing, without any state for it. */
static void refuse_fd(int fd)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\n"
                                 "Server: supervisord\r\nContent-Length: 0\r\n"
                                 "Retry-After: 1\r\nConnection: close\r\n\r\n";
    ssize_t ignored = send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT);

    UNUSED(ignored);
    fd_close(&fd);
}

/* No memory: it is kept for the programs. What connections hold without need is given
 * back, and nothing new is begun until there is enough again. */
static void server_give_memory(struct http_server *s)
{
    list_each(it, &s->spares)
    {
        list_del(it);
        http_conn_free(list_item(it, struct http_conn, link));
    }
    s->spare_count = 0;
    buf_free(&s->body);
    while (server_evict(s, false))
        ;
}

static void server_take(struct http_listener *l, int fd, const char *address)
{
    struct http_server *s = l->server;
    struct http_peer *p;

    if (alloc_is_short()) {
        server_give_memory(s);
        refuse_fd(fd);
        return;
    }
    p = address[0] ? peer_get(s, address) : NULL;
    if ((p && p->count >= s->limits.connections_per_peer) ||
        (s->conn_count >= s->limits.connections && !server_evict(s, false)) ||
        (l->tls && s->handshake_count >= s->limits.handshakes &&
         !server_evict(s, true))) {
        refuse_fd(fd);
        peer_put(s, p);
        return;
    }
    http_conn_open(l, fd, address, p);
}

/* --- accepting --------------------------------------------------------------------- */

static void server_watch_all(struct http_server *s, unsigned want)
{
    list_each(it, &s->listeners)
    {
        loop_want(&list_item(it, struct http_listener, link)->watch, want);
    }
}

/* Out of descriptors or memory: no accept can succeed, and the listener would stay
 * readable. All wait a moment. */
static void server_accept_failed(struct http_listener *l, int sys)
{
    struct http_server *s = l->server;

    if (!s->accept_failing)
        log_warn("%s cannot accept connections: %s; trying again", l->name,
                 strerror(sys));
    s->accept_failing = true;
    server_watch_all(s, 0);
    timer_set(&s->retry, loop_now_ms(s->loop) + ACCEPT_RETRY_MS);
}

/* accept() found no number for the connection. Who comes while programs can still be
 * started is served all the same, since it may be who mends it; then a word, and the
 * queue is empty again. False: not even that. */
static bool server_accept_spare(struct http_listener *l)
{
    struct http_server *s = l->server;
    char peer[64];
    int fd, sys = errno;

    if (!fd_spare_helps())
        return false;
    if (!s->refusing)
        log_warn("%s: %s; using the spare ones", l->name, strerror(sys));
    s->refusing = true;
    fd = sock_accept(l->fd, peer);
    if (fd >= 0 && fd_spares_left() >= FD_SPARES_OF_A_START)
        server_take(l, fd, l->is_unix ? "" : peer);
    else if (fd >= 0)
        refuse_fd(fd);
    fd_spares_fill();
    return fd >= 0;
}

static void server_retry(struct timer *t, int64_t now_ms)
{
    UNUSED(now_ms);
    server_watch_all(container_of(t, struct http_server, retry), WATCH_READ);
}

/* Takes as many as the last report suggests: usually one, so that no call is spent on
 * hearing that there is no other; more while they come in numbers. */
static void listener_ready(struct watch *w, unsigned ready)
{
    struct http_listener *l = container_of(w, struct http_listener, watch);
    char peer[64];

    UNUSED(ready);
    for (int i = 0; i < l->batch; i++) {
        int fd = sock_accept(l->fd, peer), sys = errno;

        if (fd >= 0) {
            l->server->accept_failing = l->server->refusing = false;
            server_take(l, fd, l->is_unix ? "" : peer);
            if (l->watch.loop == NULL)
                return; /* the request stopped the server */
            continue;
        }
        if (sys == EAGAIN || sys == EWOULDBLOCK) {
            l->batch = 1;
            return;
        }
        if (server_accept_spare(l)) {
            if (l->watch.loop == NULL)
                return;
            continue;
        }
        if (sys == EMFILE || sys == ENFILE || sys == ENOMEM || sys == ENOBUFS) {
            server_accept_failed(l, sys);
            return;
        }
        loop_stumble(l->server->loop); /* should it be the same once more */
        /* else the peer has gone already: on to the next */
    }
    l->batch = l->batch < ACCEPT_BATCH ? 2 * l->batch : ACCEPT_BATCH;
}

static void listener_free(struct http_listener *l)
{
    loop_del(&l->watch);
    fd_close(&l->fd);
    free(l->username);
    alloc_wipe_text(l->password);
    free(l->password);
    free(l->name);
    free(l);
}

static void server_at_end(void *arg)
{
    UNUSED(arg);
    tls_turn();
}

int http_server_listen(struct http_server *s, const struct http_listener_opts *opts,
                       struct err *err)
{
    struct http_listener *l = xcalloc(1, sizeof *l);

    l->server = s;
    l->fd = opts->fd;
    l->is_unix = opts->is_unix;
    l->username = xstrdup(opts->username);
    l->password = xstrdup(opts->password);
    l->name = xstrdup(opts->name ? opts->name : "the HTTP server");
    l->tls = opts->tls;
    l->batch = 1;
    if (loop_add(s->loop, &l->watch, l->fd, WATCH_READ | WATCH_MANY, listener_ready) <
        0) {
        err_sys(err, "cannot watch %s", l->name);
        listener_free(l);
        return -1;
    }
    list_append(&s->listeners, &l->link);
    if (l->tls && !s->has_tls)
        loop_add_hook(s->loop, HOOK_END, &s->at_end, server_at_end, s);
    s->has_tls = s->has_tls || l->tls;
    return 0;
}

void http_server_renew_tls(struct http_server *s, const struct tls_context *old,
                           struct tls_context *next)
{
    list_each(it, &s->listeners)
    {
        struct http_listener *l = list_item(it, struct http_listener, link);

        if (l->tls == old)
            l->tls = next;
    }
}

/* --- the end ----------------------------------------------------------------------- */

void http_server_stop_accepting(struct http_server *s)
{
    s->stopping = true;
    timer_cancel(&s->retry);
    list_each(it, &s->listeners)
    {
        struct http_listener *l = list_item(it, struct http_listener, link);

        loop_del(&l->watch);
        fd_close(&l->fd);
    }
    list_each(it, &s->conns)
    {
        struct http_conn *c = list_item(it, struct http_conn, link);

        c->x.keep_alive = false;
        if (c->state == CONN_HEAD && stream_unsent(c->stream) == 0)
            http_conn_close(c);
    }
}

size_t http_server_connections(const struct http_server *s)
{
    return s->conn_count;
}

bool http_server_is_quiet(const struct http_server *s)
{
    list_each(it, &s->conns)
    {
        const struct http_conn *c = list_item(it, struct http_conn, link);

        if (c->state == CONN_EXCHANGE || stream_unsent(c->stream) > 0)
            return false;
    }
    return true;
}

static void server_free(void *ptr)
{
    struct http_server *s = ptr;

    list_each(it, &s->listeners)
    {
        listener_free(list_item(it, struct http_listener, link));
    }
    list_each(it, &s->spares)
    {
        http_conn_free(list_item(it, struct http_conn, link));
    }
    map_free(&s->peers);
    buf_free(&s->body);
    buf_free(&s->scratch);
    buf_free(&s->date);
    free(s);
}

void http_server_free(struct http_server *s)
{
    if (s == NULL)
        return;
    s->stopping = true;
    timer_cancel(&s->retry);
    timer_cancel(&s->body_timer);
    if (s->has_tls)
        loop_del_hook(&s->at_end);
    list_each(it, &s->listeners)
    {
        struct http_listener *l = list_item(it, struct http_listener, link);

        loop_del(&l->watch);
        fd_close(&l->fd);
    }
    while (!list_empty(&s->conns))
        http_conn_close(list_item(s->conns.next, struct http_conn, link));
    loop_bury(s->loop, s, server_free); /* one of its callbacks may be on the stack */
}
