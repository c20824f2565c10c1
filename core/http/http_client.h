/* An HTTP client for one request at a time over unix, TCP or TLS, with keep-alive. Runs
 * its own small turn of poll: for supervisorctl. */
#ifndef CORE_HTTP_HTTP_CLIENT_H
#define CORE_HTTP_HTTP_CLIENT_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/wire/url.h"

struct http_client;

struct http_client_opts {
    const char *serverurl;           /* unix:///..., http://..., https://... */
    const char *username, *password; /* or NULL; those in the URL are used else */
    const char *ssl_ca_certs, *ssl_certfile, *ssl_keyfile;
    int timeout_ms; /* for silence of the peer while an answer is awaited; 0: none */
};

struct http_answer {
    int status;
    char reason[64];
    struct buf body; /* whole, unless a body callback took it */
};

/* A piece of a streamed body; return false to end the transfer (the request then returns
 * 0). */
typedef bool http_piece_fn(void *arg, const char *data, size_t n);

/* Copies what it needs. NULL with err (a URL that is none). Does not connect yet. */
struct http_client *http_client_new(const struct http_client_opts *opts, struct err *err);
/* Sends and waits. body NULL: no body. piece NULL: the body is gathered in answer. A kept
 * connection that the server has closed meanwhile is opened again once. 0, or -1 with
 * err: ERR_SYS with sys = ECONNREFUSED, ENOENT, EACCES ... when there is no connection,
 * ERR_TIMEOUT, ERR_PEER. */
int http_client_request(struct http_client *c, const char *method, const char *target,
                        const char *content_type, const char *body, size_t body_bytes,
                        http_piece_fn *piece, void *arg, struct http_answer *answer,
                        struct err *err);
void http_answer_free(struct http_answer *a);
/* While a request waits, another descriptor may be watched (fg: the terminal); fn returns
 * false to end the transfer (the request then returns 0). fn is called for a signal that
 * interrupts the waiting, too. fd -1: none. */
void http_client_also_poll(struct http_client *c, int fd, bool (*fn)(void *), void *arg);
void http_client_set_auth(struct http_client *c, const char *user, const char *password);
void http_client_free(struct http_client *c); /* NULL is fine */

#endif
