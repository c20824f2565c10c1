/* Percent coding, query strings and the server addresses of supervisorctl. */
#ifndef CORE_WIRE_URL_H
#define CORE_WIRE_URL_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"

enum url_scheme { URL_UNIX, URL_HTTP, URL_HTTPS };

struct url {
    enum url_scheme scheme;
    char *host;            /* without brackets; NULL for unix */
    int port;              /* 80 and 443 by default */
    char *path;            /* of the request, begins with /; for unix the socket's file */
    char *user, *password; /* from user:password@, or NULL */
};

/* http://host:port/path, https://..., unix:///path/to.sock. 0, or -1 with upstream's kind
 * of message. What url holds is freed by url_clear. */
int url_parse(struct url *url, const char *text, struct err *err);
void url_clear(struct url *url);

/* Appends text with %XX (and, if plus, +) undone; a malformed %-sequence stays as it is.
 * Never reads past text. 0 or -1 as buf. */
int url_decode(struct buf *out, struct span text, bool plus);
/* Escapes everything but unreserved characters and those in keep. */
int url_encode(struct buf *out, struct span text, const char *keep);

/* The decoded value of the first `name` in a query string ("a=1&b=2", no '?'), a C string
 * that is yours, or NULL. */
char *query_get(struct span query, const char *name);

#endif
