/* TLS 1.2 and 1.3 over a transport. tls_mbedtls.c is the only file that knows the
 * library; a build without TLS links tls_none.c, where every context is refused in words.
 *
 * A context holds certificate, key and authorities; it is shared by its transports
 * through references, so a changed certificate is a new context, and the old one goes
 * with its last connection. Handshakes happen inside the first reads and writes, without
 * blocking. */
#ifndef CORE_IO_TLS_H
#define CORE_IO_TLS_H

#include "core/io/transport.h"

struct tls_context;

enum tls_role { TLS_SERVER, TLS_CLIENT };

struct tls_settings { /* all borrowed during tls_context_new only */
    const char *cert_file,
        *key_file; /* PEM; a server needs them, a client may have them */
    /* PEM. Server: whoever connects must show a certificate signed by one of these; NULL:
     * none is asked for. Client: the server's must be; NULL: the system's bundle. */
    const char *ca_file;
    bool only_tls13;
    bool unverified; /* client: takes any server. For tests and loopback */
};

bool tls_is_built_in(void);
/* A context with one reference, or NULL with err: ERR_CONFIG about a file, ERR_SYS with
 * EAGAIN while the kernel has no random numbers yet (early boot: try later), ERR_USAGE in
 * a build without TLS. */
struct tls_context *tls_context_new(enum tls_role role,
                                    const struct tls_settings *settings, struct err *err);
struct tls_context *tls_context_ref(struct tls_context *c);
void tls_context_unref(struct tls_context *c); /* NULL is fine */

/* Servers only: handshakes cost milliseconds each, so few are carried on between two
 * calls of this; the others find nothing to read until then. Called once a turn of the
 * loop. */
void tls_turn(void);

/* A transport over an accepted socket, or over a connected (or still connecting) one to
 * host, whose certificate must name it (a DNS name or an IP address). Both own fd, which
 * is non-blocking, also in failure; NULL with errno ENOMEM or ENOTSUP then.
 * Of the transport: reading gives 0 at the peer's orderly end and at a bare end of the
 * connection (HTTP's framing tells a cut answer). A failure of the protocol is errno
 * EPROTO with ->err in words; it lasts. A server that is spoken to in plain text answers
 * with an HTTP 400 that says so. */
struct transport *tls_accept(struct tls_context *c, int fd);
struct transport *tls_connect(struct tls_context *c, int fd, const char *host);

#endif
