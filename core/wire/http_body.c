/* Bodies. The one idea: the chunk decoder is a machine that takes one byte of framing at
 * a time and whole runs of payload, so a cut anywhere changes nothing. Chunk lines must
 * end in CRLF: leniency there is how requests are smuggled past proxies. */
#include "core/wire/http_body.h"

#include "core/base/num.h"

#include <string.h>

enum { MAX_CHUNK_LINE = 256, MAX_TRAILER = 8192, MAX_SIZE_DIGITS = 15 };

/* Sets body for the transfer codings named. 0, or 501, or 400. */
static int codings_frame(struct http_body *body, const struct http_head *head)
{
    size_t codings = 0;

    for (size_t i = 0; i < head->header_count; i++) {
        struct span rest = head->headers[i].value, piece;
        if (!span_eq_nocase(head->headers[i].name, "Transfer-Encoding"))
            continue;
        while (span_split(&rest, ',', &piece)) {
            piece = span_trim(piece);
            if (piece.len == 0)
                continue;
            if (!span_eq_nocase(piece, "chunked"))
                return 501;
            codings++;
        }
    }
    body->kind = HTTP_BODY_CHUNKED;
    return codings == 1 ? 0 : 400;
}

/* 0, or 400. One number, however often it is said. */
static int length_frame(struct http_body *body, const struct http_head *head)
{
    bool known = false;

    for (size_t i = 0; i < head->header_count; i++) {
        struct span rest = head->headers[i].value, piece;
        if (!span_eq_nocase(head->headers[i].name, "Content-Length"))
            continue;
        while (span_split(&rest, ',', &piece)) {
            uint64_t v;
            piece = span_trim(piece);
            if (parse_digits(piece.ptr, piece.len, 10, INT64_MAX, &v) < 0 ||
                (known && v != body->left))
                return 400;
            body->left = v;
            known = true;
        }
    }
    body->kind = HTTP_BODY_LENGTH;
    body->done = body->left == 0;
    return 0;
}

/* What the fields say; *told is false when they say nothing. 0, 400 or 501. */
static int frame(struct http_body *body, const struct http_head *head, bool *told)
{
    bool coded = http_header(head, "Transfer-Encoding") != NULL;
    bool sized = http_header(head, "Content-Length") != NULL;

    *body = (struct http_body){.kind = HTTP_BODY_NONE};
    *told = coded || sized;
    if (coded && (sized || head->minor == 0)) /* RFC 9112, section 6.1 */
        return 400;
    return coded ? codings_frame(body, head) : sized ? length_frame(body, head) : 0;
}

int http_body_of_request(struct http_body *body, const struct http_head *head)
{
    bool told;
    int status = frame(body, head, &told);

    if (status != 0 || told)
        return status;
    body->done = true;
    return span_eq(head->method, "POST") || span_eq(head->method, "PUT") ? 411 : 0;
}

int http_body_of_response(struct http_body *body, const struct http_head *head,
                          bool head_only)
{
    bool told;

    if (head_only || head->status < 200 || head->status == 204 || head->status == 304) {
        *body = (struct http_body){.kind = HTTP_BODY_NONE, .done = true};
        return 0;
    }
    if (frame(body, head, &told) != 0)
        return -1;
    if (!told)
        body->kind = HTTP_BODY_CLOSE;
    return 0;
}

enum phase {
    SIZE_FIRST, /* the first digit of a chunk's size */
    SIZE_MORE,
    EXTENSION, /* what follows the size: dropped */
    SIZE_LF,
    PAYLOAD,
    PAYLOAD_CR,
    PAYLOAD_LF,
    TRAILER_FIRST, /* the first byte of a trailer line */
    TRAILER_MORE,
    TRAILER_LF,
    LAST_LF
};

static int size_digit(struct http_body *body, char c)
{
    uint64_t digit;

    if (parse_digits(&c, 1, 16, 15, &digit) < 0 || body->line >= MAX_SIZE_DIGITS)
        return -1;
    body->left = body->left << 4 | digit;
    return SIZE_MORE;
}

/* The byte of an extension or a trailer that may be dropped. */
static bool is_dropped(char c)
{
    return (unsigned char)c >= 0x20 || c == '\t';
}

/* The phase after one byte of framing, or -1. */
static int step(struct http_body *body, char c)
{
    switch ((enum phase)body->phase) {
    case SIZE_FIRST:
        body->left = 0;
        body->line = 0;
        return size_digit(body, c);
    case SIZE_MORE:
        if (c == '\r')
            return SIZE_LF;
        if (c == ';' || c == ' ' || c == '\t')
            return EXTENSION;
        return size_digit(body, c);
    case EXTENSION:
        if (c == '\r')
            return SIZE_LF;
        return is_dropped(c) && body->line < MAX_CHUNK_LINE ? EXTENSION : -1;
    case SIZE_LF:
        body->line = 0;
        if (c != '\n')
            return -1;
        return body->left > 0 ? PAYLOAD : TRAILER_FIRST;
    case PAYLOAD_CR:
        return c == '\r' ? PAYLOAD_LF : -1;
    case PAYLOAD_LF:
        return c == '\n' ? SIZE_FIRST : -1;
    case TRAILER_FIRST:
        if (c == '\r')
            return LAST_LF;
        return is_dropped(c) && body->line < MAX_TRAILER ? TRAILER_MORE : -1;
    case TRAILER_MORE:
        if (c == '\r')
            return TRAILER_LF;
        return is_dropped(c) && body->line < MAX_TRAILER ? TRAILER_MORE : -1;
    case TRAILER_LF:
        return c == '\n' ? TRAILER_FIRST : -1;
    case LAST_LF:
        body->done = c == '\n';
        return c == '\n' ? LAST_LF : -1;
    case PAYLOAD:
        break; /* taken in runs */
    }
    return -1;
}

static int64_t feed_chunked(struct http_body *body, char *data, size_t n, size_t *payload)
{
    size_t i = 0, kept = 0;

    while (i < n && !body->done) {
        if (body->phase == PAYLOAD) {
            size_t run = body->left < n - i ? (size_t)body->left : n - i;
            memmove(data + kept, data + i, run);
            kept += run;
            i += run;
            body->left -= run;
            if (body->left == 0)
                body->phase = PAYLOAD_CR;
            continue;
        }
        body->phase = step(body, data[i++]);
        if (body->phase < 0)
            return -1; /* and again -1 should it be fed on */
        body->line++;
    }
    *payload = kept;
    return (int64_t)i;
}

int64_t http_body_feed(struct http_body *body, char *data, size_t n, size_t *payload)
{
    *payload = 0;
    if (body->done || n == 0)
        return 0;
    switch (body->kind) {
    case HTTP_BODY_CHUNKED:
        return feed_chunked(body, data, n, payload);
    case HTTP_BODY_LENGTH:
        *payload = body->left < n ? (size_t)body->left : n;
        body->left -= *payload;
        body->done = body->left == 0;
        return (int64_t)*payload;
    case HTTP_BODY_CLOSE:
        *payload = n;
        return (int64_t)n;
    case HTTP_BODY_NONE:
        break;
    }
    return 0;
}
