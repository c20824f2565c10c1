/* Base64 (RFC 4648, standard alphabet, padded). */
#ifndef CORE_BASE_BASE64_H
#define CORE_BASE_BASE64_H

#include "core/base/buf.h"

int base64_encode(struct buf *out, const void *data, size_t n); /* 0, -1 as buf */
/* White space between groups is skipped. 0, or -1: EINVAL (not base64) or as buf. */
int base64_decode(struct buf *out, const char *text, size_t n);

#endif
