/* Unpacks DEFLATE data (RFC 1951): what the build packed into the binary. Pure. */
#ifndef CORE_BASE_INFLATE_H
#define CORE_BASE_INFLATE_H

#include "core/base/buf.h"

/* Appends the n packed bytes, unpacked, to out. 0, or -1: the data is cut or damaged, or
 * out's limit is reached (out keeps what was good). */
int inflate(struct buf *out, const void *data, size_t n);

#endif
