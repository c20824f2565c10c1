/* Exchanges without a network: implements core/http/http_exchange.h. An exchange stays
 * readable after its end, until fake_exchange_free. */
#ifndef TESTS_UNIT_FAKE_EXCHANGE_H
#define TESTS_UNIT_FAKE_EXCHANGE_H

#include "core/http/http_exchange.h"

struct http_exchange {
    struct http_request rq;
    struct buf body;    /* of the answer; a stream's bytes too */
    struct buf headers; /* "Name: value\n" each */
    int status;         /* 0: nothing was answered yet */
    char content_type[64];
    bool ended, deferred, streaming;
    http_abort_fn *gone;
    http_more_fn *more;
    void *arg;
    size_t room; /* what a stream takes before it waits */
};

struct http_exchange *fake_exchange_new(const char *method, const char *path,
                                        const char *body, size_t n);
void fake_exchange_leave(struct http_exchange *x); /* the peer goes away */
/* The peer reads: n more bytes have room. */
void fake_exchange_read(struct http_exchange *x, size_t n);
void fake_exchange_free(struct http_exchange *x);

#endif
