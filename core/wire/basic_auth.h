/* HTTP Basic authentication (RFC 7617) and the password forms of supervisord.conf. */
#ifndef CORE_WIRE_BASIC_AUTH_H
#define CORE_WIRE_BASIC_AUTH_H

#include "core/base/buf.h"
#include "core/base/str.h"

/* header is the value of Authorization. password is plain, {SHA}HEX (SHA-1, as upstream)
 * or {SHA256}HEX. True only for both right; the time tells nothing about how wrong. */
bool basic_auth_check(struct span header, const char *user, const char *password);
/* Appends "Basic <base64>". 0 or -1 as buf. */
int basic_auth_write(struct buf *out, const char *user, const char *password);

#endif
