/* The HTTP server: listeners, connections, keep-alive, pipelining in order, limits,
 * authentication before routing, a table of routes. Knows nothing of supervision. */
#ifndef CORE_HTTP_HTTP_SERVER_H
#define CORE_HTTP_HTTP_SERVER_H

#include "core/http/http_exchange.h"
#include "core/io/loop.h"

struct http_server;
struct tls_context;

typedef void http_handler_fn(struct http_exchange *x, void *arg);

struct http_route { /* the first whose path fits wins */
    const char *path;
    bool prefix;         /* fits everything below path too */
    const char *methods; /* "GET HEAD POST": others get 405; NULL: all come through */
    http_handler_fn *handler;
    void *arg;
};

struct http_limits {               /* 0 in a field: the default in brackets */
    size_t line_bytes;             /* of the request line (8 KiB) */
    size_t head_bytes;             /* (64 KiB) */
    size_t body_bytes;             /* (16 MiB) */
    size_t connections;            /* in all (4096) */
    size_t connections_per_peer;   /* of TCP peers (256) */
    size_t handshakes;             /* TLS connections without a request yet (256) */
    int head_ms, body_ms, idle_ms; /* deadlines (10 s, 60 s, 120 s) */
};

struct http_listener_opts {
    int fd; /* listening; owned by the server from now on */
    bool is_unix;
    const char *username, *password; /* NULL: none asked; copied */
    const char *name;                /* for messages; copied */
    struct tls_context *tls;         /* NULL: plain; borrowed */
};

/* routes is borrowed for the server's life, ending in a row with path NULL. */
struct http_server *http_server_new(struct loop *loop, const struct http_route *routes,
                                    const struct http_limits *limits);
int http_server_listen(struct http_server *s, const struct http_listener_opts *opts,
                       struct err *err);
/* New connections of every listener with `old` are made with `next` from now on. */
void http_server_renew_tls(struct http_server *s, const struct tls_context *old,
                           struct tls_context *next);
/* No new connections; those busy with an answer may finish it. */
void http_server_stop_accepting(struct http_server *s);
size_t http_server_connections(const struct http_server *s);
/* True when no answer is under way or unsent. */
bool http_server_is_quiet(const struct http_server *s);
void http_server_free(struct http_server *s); /* closes everything, with abort notices */

#endif
