/* The build without TLS (make TLS=0): no context is ever made, so no transport either. */
#include "core/io/tls.h"

#include <errno.h>
#include <unistd.h>

bool tls_is_built_in(void)
{
    return false;
}

struct tls_context *tls_context_new(enum tls_role role,
                                    const struct tls_settings *settings, struct err *err)
{
    UNUSED(role);
    UNUSED(settings);
    err_set(err, ERR_USAGE, "TLS is not part of this build (it was made with TLS=0)");
    return NULL;
}

struct tls_context *tls_context_ref(struct tls_context *c)
{
    return c;
}

void tls_context_unref(struct tls_context *c)
{
    UNUSED(c);
}

void tls_turn(void)
{
}

static struct transport *refuse(int fd)
{
    close(fd);
    errno = ENOTSUP;
    return NULL;
}

struct transport *tls_accept(struct tls_context *c, int fd)
{
    UNUSED(c);
    return refuse(fd);
}

struct transport *tls_connect(struct tls_context *c, int fd, const char *host)
{
    UNUSED(c);
    UNUSED(host);
    return refuse(fd);
}
