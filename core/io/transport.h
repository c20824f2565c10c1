/* A byte transport: a plain socket, or TLS over one. It owns its descriptor and its poll
 * interest: with TLS a read may have to wait for writability and the other way round. */
#ifndef CORE_IO_TRANSPORT_H
#define CORE_IO_TRANSPORT_H

#include "core/base/err.h"
#include <sys/types.h>
#include <sys/uio.h>

struct transport;

struct transport_ops {
    /* Like read and write on a non-blocking descriptor: n, 0 (read: end), or -1 with
     * errno EAGAIN (then ->want tells what to poll for), or another errno
     * (->err tells more). After EAGAIN a write is repeated with the same bytes.
     */
    ssize_t (*read)(struct transport *t, void *data, size_t n);
    ssize_t (*write)(struct transport *t, const void *data, size_t n);
    /* Two pieces in one call, else like write; NULL where that gains nothing. */
    ssize_t (*writev)(struct transport *t, const struct iovec *pieces, int count);
    /* True if bytes are readable without polling (decoded already). */
    bool (*pending)(const struct transport *t);
    /* Ends the sending side as the protocol wants it: 0 done, -1 with EAGAIN or an error.
     */
    int (*shutdown)(struct transport *t);
    void (*free)(struct transport *t); /* closes the descriptor too */
};

struct transport {
    const struct transport_ops *ops;
    int fd;
    unsigned read_wants, write_wants; /* WATCH_* to wait for after EAGAIN */
    const struct err *err; /* of the last failure, in words; NULL: errno tells all */
};

/* A transport over a plain, non-blocking socket; owns fd. Never NULL. */
struct transport *transport_plain(int fd);

#endif
