/* HTTP/1.x heads. The one idea: lines are judged in order, each as soon as it is whole or
 * too long, and nothing after it is looked at; so the answer for a head is the same
 * whether its bytes came at once or one by one. */
#include "core/wire/http_head.h"

#include "core/base/num.h"

#include <limits.h>
#include <string.h>

/* RFC 9110, section 5.6.2. */
static bool is_token_char(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return true;
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool is_token(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_token_char(s.ptr[i]))
            return false;
    return s.len > 0;
}

/* What a field value or a reason may hold: no control characters but the tab. */
static bool is_text(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static bool is_target(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c <= 0x20 || c == 0x7f)
            return false;
    }
    return s.len > 0;
}

/* "HTTP/1.1": 0, HTTP_BAD or HTTP_VERSION. A later 1.x is read as 1.1. */
static int take_version(struct http_head *head, struct span s)
{
    uint64_t major, minor;

    if (s.len != 8 || !span_starts(s, "HTTP/") || s.ptr[6] != '.' ||
        parse_digits(s.ptr + 5, 1, 10, 9, &major) < 0 ||
        parse_digits(s.ptr + 7, 1, 10, 9, &minor) < 0)
        return HTTP_BAD;
    if (major != 1)
        return HTTP_VERSION;
    head->minor = minor > 0;
    return 0;
}

static int take_request_line(struct http_head *head, struct span line)
{
    struct span rest = line, version;

    if (!span_split(&rest, ' ', &head->method) ||
        !span_split(&rest, ' ', &head->target) || !span_split(&rest, ' ', &version) ||
        rest.ptr)
        return HTTP_BAD;
    if (!is_token(head->method) || !is_target(head->target))
        return HTTP_BAD;
    return take_version(head, version);
}

static int take_status_line(struct http_head *head, struct span line)
{
    struct span rest = line, version, status;
    uint64_t number;
    int rc;

    if (!span_split(&rest, ' ', &version))
        return HTTP_BAD;
    rc = take_version(head, version);
    if (rc < 0)
        return rc;
    if (!span_split(&rest, ' ', &status) || status.len != 3 ||
        parse_digits(status.ptr, 3, 10, 999, &number) < 0 || number < 100)
        return HTTP_BAD;
    head->status = (int)number;
    head->reason = rest;
    return is_text(rest) ? 0 : HTTP_BAD;
}

static int take_field(struct http_head *head, struct span line)
{
    struct http_header field;
    struct span rest = line;

    if (head->header_count == HTTP_MAX_HEADERS)
        return HTTP_LONG_HEAD;
    if (!span_split(&rest, ':', &field.name) || !rest.ptr)
        return HTTP_BAD;
    /* a name is no token if blanks stand before it (folding) or before its colon */
    if (!is_token(field.name) || !is_text(rest))
        return HTTP_BAD;
    field.value = span_trim(rest);
    head->headers[head->header_count++] = field;
    return 0;
}

/* The line at data + *at without its end; *at then stands behind it. Returns 1, or an
 * enum http_parse. */
static int take_line(const char *data, size_t n, size_t *at, size_t line_bytes,
                     size_t head_bytes, struct span *line)
{
    size_t line_room = SIZE_MAX - *at < line_bytes ? SIZE_MAX : *at + line_bytes;
    size_t room = line_room < head_bytes ? line_room : head_bytes;
    size_t stop = n < room ? n : room;
    const char *end = stop > *at ? memchr(data + *at, '\n', stop - *at) : NULL;

    if (!end) {
        if (n < room)
            return HTTP_MORE;
        return line_room <= head_bytes ? HTTP_LONG_LINE : HTTP_LONG_HEAD;
    }
    *line = (struct span){data + *at, (size_t)(end - data) - *at};
    *at += line->len + 1;
    if (line->len > 0 && line->ptr[line->len - 1] == '\r')
        line->len--;
    return 1;
}

static int parse_head(struct http_head *head, const char *data, size_t n,
                      const struct http_head_limits *limits,
                      int take_first(struct http_head *, struct span))
{
    size_t head_bytes = limits->head_bytes < INT_MAX ? limits->head_bytes : INT_MAX;
    size_t at = 0;
    struct span line;
    int rc;

    head->method = head->target = head->reason = (struct span){NULL, 0};
    head->status = head->minor = 0;
    head->header_count = 0;
    do {
        rc = take_line(data, n, &at, limits->line_bytes, head_bytes, &line);
        if (rc <= 0)
            return rc;
    } while (line.len == 0);
    rc = take_first(head, line);
    while (rc == 0) {
        rc = take_line(data, n, &at, SIZE_MAX, head_bytes, &line);
        if (rc <= 0)
            return rc;
        if (line.len == 0)
            return (int)at;
        rc = take_field(head, line);
    }
    return rc;
}

int http_parse_request(struct http_head *head, const char *data, size_t n,
                       const struct http_head_limits *limits)
{
    return parse_head(head, data, n, limits, take_request_line);
}

int http_parse_response(struct http_head *head, const char *data, size_t n,
                        const struct http_head_limits *limits)
{
    return parse_head(head, data, n, limits, take_status_line);
}

/* The next field of that name from the n-th on, or header_count. A request is asked for a
 * dozen names and has a few, so the first letters are compared before anything else. */
static size_t find_field(const struct http_head *head, size_t n, const char *name)
{
    for (; n < head->header_count; n++) {
        struct span given = head->headers[n].name;
        if (((given.ptr[0] ^ name[0]) & ~0x20) == 0 && span_eq_nocase(given, name))
            break;
    }
    return n;
}

const struct span *http_header(const struct http_head *head, const char *name)
{
    size_t n = find_field(head, 0, name);

    return n < head->header_count ? &head->headers[n].value : NULL;
}

size_t http_header_count(const struct http_head *head, const char *name)
{
    size_t count = 0, n = 0;

    while ((n = find_field(head, n, name)) < head->header_count) {
        count++;
        n++;
    }
    return count;
}

bool http_header_has_token(const struct http_head *head, const char *name,
                           const char *token)
{
    size_t n = 0;

    while ((n = find_field(head, n, name)) < head->header_count) {
        struct span rest = head->headers[n++].value, piece;
        while (span_split(&rest, ',', &piece))
            if (span_eq_nocase(span_trim(piece), token))
                return true;
    }
    return false;
}
