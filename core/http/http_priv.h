/* What the parts of the server share: http_server.c (listeners, limits, who may connect),
 * http_conn.c (one connection: requests in, routing), http_exchange.c (answers out).
 * A connection holds its one exchange, so nothing is allocated for a request. */
#ifndef CORE_HTTP_HTTP_PRIV_H
#define CORE_HTTP_HTTP_PRIV_H

#include "core/base/list.h"
#include "core/base/map.h"
#include "core/http/http_server.h"
#include "core/io/stream.h"
#include "core/wire/http_body.h"

struct http_listener {
    struct list link;
    struct http_server *server;
    struct watch watch;
    int fd;
    bool is_unix;
    char *username, *password, *name;
    struct tls_context *tls;
    int batch; /* connections to take at the next report */
};

struct http_peer { /* an address with connections */
    size_t count;
    char host[64];
};

struct http_server {
    struct loop *loop;
    const struct http_route *routes;
    struct http_limits limits;
    struct list listeners;
    struct list conns; /* the one idle for longest first */
    size_t conn_count;
    size_t handshake_count; /* of those, TLS ones without a request yet */
    struct list spares;     /* a few connections without a peer, with their memory */
    size_t spare_count;
    struct map peers;
    struct timer retry;                      /* accepting again after it failed */
    bool accept_failing, refusing, stopping; /* the first two are said already */
    struct loop_hook at_end;                 /* once there is a TLS listener */
    bool has_tls;
    int64_t complain_ms; /* the next word about a failed TLS connection, not before */
    size_t complaints_left_out;
    struct buf scratch;      /* a head being written */
    struct buf body;         /* memory for the next answer, of a large one lately */
    struct timer body_timer; /* then it is given back */
    int64_t date_secs;       /* of the Server and Date lines kept here */
    struct buf date;
};

enum http_conn_state {
    CONN_HEAD,     /* between requests, or within a head */
    CONN_BODY,     /* within a body */
    CONN_EXCHANGE, /* the handler has the request */
    CONN_LAST,     /* the last answer is on its way out */
    CONN_GONE
};

enum http_wait { /* what the timer of a connection is set for */
                 WAIT_NOTHING,
                 WAIT_REQUEST,  /* none has begun: closes in silence */
                 WAIT_HEAD,     /* from its first byte: 408 */
                 WAIT_BODY,     /* 408 */
                 WAIT_PROGRESS, /* the peer takes what we send */
                 WAIT_TURN /* nothing: pipelined requests go on after the others' turn */
};

struct http_exchange {
    bool deferred, streaming, chunked, head_only, keep_alive, owned;
    struct http_request request;
    const struct http_route *route;
    struct http_head head;
    struct http_body framing;
    char method[16];
    size_t failures; /* buf_failures when it began: more mean an incomplete answer */
    struct buf path, host;
    size_t in_bytes;       /* of the request, still standing in the stream's input */
    struct buf head_bytes; /* the head's own copy, once owned */
    struct buf upload;     /* the body, unless it stands in the input */
    struct buf headers;    /* added by the handler */
    struct buf body;       /* of the answer */
    http_more_fn *more;
    http_abort_fn *gone;
    void *arg;
};

struct http_conn {
    struct list link;
    struct http_server *server;
    struct http_listener *listener;
    struct stream *stream;
    struct timer timer;
    enum http_conn_state state;
    bool working; /* conn_work is on the stack */
    bool fresh;   /* over TLS, and nothing was asked yet */
    enum http_wait waits;
    uint64_t sent_then;
    struct http_peer *counted; /* NULL for unix */
    char peer[64];
    struct buf input; /* memory for the next stream's, while there is none */
    struct http_exchange x;
};

/* http_conn.c */
void http_conn_open(struct http_listener *l, int fd, const char *peer,
                    struct http_peer *counted);
void http_conn_free(void *conn);
/* At once, with the abort notice; the memory goes at the end of the turn. */
void http_conn_close(struct http_conn *c);
/* The exchange is over: on to the next request, or to the end of the connection. */
void http_conn_answered(struct http_conn *c);
/* Sets the deadline that fits the state; one that is running for the same thing stays. */
void http_conn_arm(struct http_conn *c);

/* http_server.c */
void http_server_forget(struct http_conn *c); /* it is closed */
/* The connection has made a request, or ended. */
void http_server_is_known(struct http_conn *c);
/* A TLS connection failed: logged, but for a flood of them. */
void http_server_complain(struct http_conn *c, const struct err *err);
/* Lends a handler's buffer what memory there is, and takes it back, or other that is
 * larger, leaving *body empty: fresh pages cost more than what is written there. */
void http_server_lend_body(struct http_server *s, struct buf *body);
void http_server_take_body(struct http_server *s, struct buf *body);
const struct buf *http_server_date(struct http_server *s);

/* http_exchange.c */
void http_exchange_init(struct http_exchange *x, const struct http_server *s);
void http_exchange_reset(struct http_exchange *x); /* ready for the next request */
void http_exchange_free(struct http_exchange *x);

#endif
