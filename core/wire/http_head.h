/* HTTP/1.x heads: request or status line and header fields, from a span (RFC 9112).
 * No I/O, no allocation: every span points into the caller's bytes. */
#ifndef CORE_WIRE_HTTP_HEAD_H
#define CORE_WIRE_HTTP_HEAD_H

#include "core/base/str.h"

#define HTTP_MAX_HEADERS 64

/* What the parsers return besides a positive number of bytes consumed. */
enum http_parse {
    HTTP_MORE = 0,       /* no end of head yet: call again with more bytes */
    HTTP_BAD = -1,       /* not HTTP/1.x; obsolete line folding and bare CR included */
    HTTP_LONG_LINE = -2, /* first line over the limit: 414 */
    HTTP_LONG_HEAD = -3, /* head over the limit, or too many fields: 431 */
    HTTP_VERSION = -4    /* HTTP, but not 1.x: 505 */
};

struct http_header {
    struct span name, value; /* value trimmed */
};

struct http_head {
    struct span method, target; /* of a request */
    int status;                 /* of a response */
    struct span reason;
    int minor; /* 0 or 1 */
    struct http_header headers[HTTP_MAX_HEADERS];
    size_t header_count;
};

struct http_head_limits {
    size_t line_bytes, head_bytes;
};

/* The whole head must lie in data: the caller keeps bytes until enough are there, and the
 * answer does not depend on how they arrived. Leading empty lines are skipped. A lone LF
 * ends a line as CRLF does. Returns the length of the head, or an enum http_parse. */
int http_parse_request(struct http_head *head, const char *data, size_t n,
                       const struct http_head_limits *limits);
int http_parse_response(struct http_head *head, const char *data, size_t n,
                        const struct http_head_limits *limits);

/* The first field of that name (any case), or NULL. */
const struct span *http_header(const struct http_head *head, const char *name);
/* How many fields have that name. */
size_t http_header_count(const struct http_head *head, const char *name);
/* True if a comma-separated field such as Connection contains token (any case). */
bool http_header_has_token(const struct http_head *head, const char *name,
                           const char *token);

#endif
