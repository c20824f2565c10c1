/* Heads and chunks. The one idea: each piece is reserved whole before it is written, so
 * that a full buffer never holds half a line. */
#include "core/wire/http_write.h"

#include "core/base/calendar.h"

#include <stdio.h>
#include <string.h>

// clang-format off
static const struct {
    int status;
    const char *reason;
} reasons[] = { /* RFC 9110, section 15, and RFC 6585 */
    { 100, "Continue" }, { 101, "Switching Protocols" },
    { 200, "OK" }, { 201, "Created" }, { 202, "Accepted" }, { 204, "No Content" },
    { 206, "Partial Content" },
    { 301, "Moved Permanently" }, { 302, "Moved Temporarily" }, { 303, "See Other" },
    { 304, "Not Modified" }, { 307, "Temporary Redirect" }, { 308, "Permanent Redirect" },
    { 400, "Bad Request" }, { 401, "Unauthorized" }, { 403, "Forbidden" },
    { 404, "Not Found" }, { 405, "Method Not Allowed" }, { 406, "Not Acceptable" },
    { 408, "Request Timeout" }, { 409, "Conflict" }, { 410, "Gone" },
    { 411, "Length Required" }, { 412, "Precondition Failed" },
    { 413, "Content Too Large" }, { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" }, { 416, "Range Not Satisfiable" },
    { 417, "Expectation Failed" }, { 421, "Misdirected Request" },
    { 426, "Upgrade Required" }, { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" }, { 501, "Not Implemented" }, { 502, "Bad Gateway" },
    { 503, "Service Unavailable" }, { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
};
// clang-format on

const char *http_reason(int status)
{
    for (size_t i = 0; i < array_len(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

int http_write_status(struct buf *out, int status)
{
    return buf_printf(out, "HTTP/1.1 %03d %s\r\n", status, http_reason(status));
}

/* Copies without the bytes that end a line, and without blanks where they part a request
 * line. Returns where the copy ends. */
static char *put_line_bytes(char *to, const char *text, bool blanks)
{
    for (; *text; text++)
        if (*text != '\r' && *text != '\n' && (blanks || *text != ' '))
            *to++ = *text;
    return to;
}

int http_write_request(struct buf *out, const char *method, const char *target)
{
    static const char version[] = " HTTP/1.1\r\n";
    char *room, *at;

    if (buf_reserve(out, strlen(method) + strlen(target) + sizeof version, &room) < 0)
        return -1;
    at = put_line_bytes(room, method, false);
    *at++ = ' ';
    at = put_line_bytes(at, target, false);
    memcpy(at, version, sizeof version - 1);
    buf_commit(out, (size_t)(at - room) + sizeof version - 1);
    return 0;
}

int http_write_header(struct buf *out, const char *name, const char *value)
{
    char *room, *at;

    if (buf_reserve(out, strlen(name) + strlen(value) + 4, &room) < 0)
        return -1;
    at = put_line_bytes(room, name, true);
    *at++ = ':';
    *at++ = ' ';
    at = put_line_bytes(at, value, true);
    *at++ = '\r';
    *at++ = '\n';
    buf_commit(out, (size_t)(at - room));
    return 0;
}

int http_write_header_uint(struct buf *out, const char *name, uint64_t value)
{
    char digits[24];

    snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    return http_write_header(out, name, digits);
}

int http_date(char *out, size_t size, time_t when)
{
    struct tm tm;

    if (!gmtime_r(&when, &tm))
        return -1;
    return snprintf(out, size, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", DAY_NAME(&tm),
                    tm.tm_mday, MONTH_NAME(&tm), tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
                    tm.tm_sec);
}

int http_write_date(struct buf *out, time_t when)
{
    char text[64];

    if (http_date(text, sizeof text, when) < 0)
        return 0; /* better no date than a wrong one */
    return http_write_header(out, "Date", text);
}

int http_write_end(struct buf *out)
{
    return buf_append(out, "\r\n", 2);
}

int http_write_chunk(struct buf *out, const void *data, size_t n)
{
    char line[24], *room;
    int head = snprintf(line, sizeof line, "%zx\r\n", n);
    size_t total;

    if (!size_add(n, (size_t)head + 2, &total))
        total = SIZE_MAX; /* refused by the buffer */
    if (buf_reserve(out, total, &room) < 0)
        return -1;
    memcpy(room, line, (size_t)head);
    memcpy(room + head, data, n);
    memcpy(room + (size_t)head + n, "\r\n", 2);
    buf_commit(out, total);
    return 0;
}

int http_write_last_chunk(struct buf *out)
{
    return buf_append(out, "0\r\n\r\n", 5);
}
