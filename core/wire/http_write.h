/* Writing heads and chunks into a buffer. All return 0, or -1 as struct buf does. */
#ifndef CORE_WIRE_HTTP_WRITE_H
#define CORE_WIRE_HTTP_WRITE_H

#include "core/base/buf.h"
#include <time.h>

const char *http_reason(int status); /* "Not Found"; "Unknown" for others */
/* "HTTP/1.1 200 OK\r\n" */
int http_write_status(struct buf *out, int status);
int http_write_request(struct buf *out, const char *method, const char *target);
/* Name: value CRLF. Bytes of value that could end the line are left out. */
int http_write_header(struct buf *out, const char *name, const char *value);
int http_write_header_uint(struct buf *out, const char *name, uint64_t value);
/* IMF-fixdate, made without a locale; at most 64 bytes. -1: a year beyond int. */
int http_date(char *out, size_t size, time_t when);
/* Date: with it, nothing for such a year. */
int http_write_date(struct buf *out, time_t when);
int http_write_end(struct buf *out);                               /* the empty line */
int http_write_chunk(struct buf *out, const void *data, size_t n); /* n > 0 */
int http_write_last_chunk(struct buf *out);

#endif
