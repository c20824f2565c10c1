/* One request and its answer: whole, streamed, or deferred. Made by the server, lent to
 * the route's handler; dies with the answer's end or with the connection (abort notice).
 */
#ifndef CORE_HTTP_HTTP_EXCHANGE_H
#define CORE_HTTP_HTTP_EXCHANGE_H

#include "core/base/buf.h"
#include "core/wire/http_head.h"

struct http_exchange;

struct http_request { /* borrowed from the exchange, valid until the answer is complete */
    const char *method;
    const char *path;     /* decoded, without the query; begins with / */
    struct span raw_path; /* as it came, still escaped */
    struct span query;    /* without '?' */
    const struct http_head *head;
    const char *body;
    size_t body_bytes;
    const char *peer; /* "127.0.0.1:4711", "" for unix */
    bool is_unix;
    bool is_protected;       /* a password is asked for here (and was right) */
    const char *server_name; /* the Host field, or what stands for it */
};

const struct http_request *http_exchange_request(const struct http_exchange *x);

/* --- the whole answer at once
 * ----------------------------------------------------------- */

/* A buffer for the body: fill it, then http_respond. The exchange owns it. */
struct buf *http_exchange_body(struct http_exchange *x);
/* An additional header field, before the answer begins. */
void http_exchange_header(struct http_exchange *x, const char *name, const char *value);
/* Sends status, headers and the body buffer (head alone for HEAD). Ends the exchange: x
 * must not be used any more. */
void http_respond(struct http_exchange *x, int status, const char *content_type);
/* A short answer in plain text for an error status. Ends the exchange. */
void http_respond_error(struct http_exchange *x, int status, const char *text);

/* --- later
 * --------------------------------------------------------------------------------- */

/* Called when the peer goes away before the answer is complete; x is gone afterwards. */
typedef void http_abort_fn(void *arg);
/* The handler returns without an answer and gives it later by http_respond. */
void http_defer(struct http_exchange *x, http_abort_fn *gone, void *arg);

/* --- streaming
 * --------------------------------------------------------------------------- */

/* Called when more may be written: the unsent part fell below the low-water mark. */
typedef void http_more_fn(struct http_exchange *x, void *arg);
/* Begins a streamed answer (chunked for HTTP/1.1, until close for 1.0). */
void http_stream_begin(struct http_exchange *x, int status, const char *content_type,
                       http_more_fn *more, http_abort_fn *gone, void *arg);
/* Bytes the stream would still take; 0: wait for more_fn. */
size_t http_stream_room(const struct http_exchange *x);
int http_stream_write(struct http_exchange *x, const void *data,
                      size_t n);               /* 0, -1 ENOBUFS */
void http_stream_end(struct http_exchange *x); /* ends the exchange */

#endif
