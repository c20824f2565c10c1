/* The plain transport: a socket as it is. */
#include "core/io/transport.h"

#include "core/base/alloc.h"
#include "core/io/fd.h"
#include "core/io/loop.h"
#include <stdlib.h>
#include <sys/socket.h>

static ssize_t plain_read(struct transport *t, void *data, size_t n)
{
    return recv(t->fd, data, n, 0);
}

static ssize_t plain_write(struct transport *t, const void *data, size_t n)
{
    return send(t->fd, data, n, MSG_NOSIGNAL);
}

/* sendmsg is writev that can leave SIGPIPE out. */
static ssize_t plain_writev(struct transport *t, const struct iovec *pieces, int count)
{
    struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)pieces};

    m.msg_iovlen = (__typeof__(m.msg_iovlen))count; /* int in musl, size_t in glibc */
    return sendmsg(t->fd, &m, MSG_NOSIGNAL);
}

static bool plain_pending(const struct transport *t)
{
    UNUSED(t);
    return false;
}

static int plain_shutdown(struct transport *t)
{
    return shutdown(t->fd, SHUT_WR);
}

static void plain_free(struct transport *t)
{
    fd_close(&t->fd);
    free(t);
}

static const struct transport_ops plain_ops = {.read = plain_read,
                                               .write = plain_write,
                                               .writev = plain_writev,
                                               .pending = plain_pending,
                                               .shutdown = plain_shutdown,
                                               .free = plain_free};

struct transport *transport_plain(int fd)
{
    struct transport *t = xcalloc(1, sizeof *t);

    t->ops = &plain_ops;
    t->fd = fd;
    t->read_wants = WATCH_READ;
    t->write_wants = WATCH_WRITE;
    return t;
}
