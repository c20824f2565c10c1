/* Bodies: by length, chunked, or until the connection ends (RFC 9112, section 6). */
#ifndef CORE_WIRE_HTTP_BODY_H
#define CORE_WIRE_HTTP_BODY_H

#include "core/wire/http_head.h"

enum http_body_kind {
    HTTP_BODY_NONE,
    HTTP_BODY_LENGTH,
    HTTP_BODY_CHUNKED,
    HTTP_BODY_CLOSE
};

struct http_body {
    enum http_body_kind kind;
    uint64_t left; /* of the body, or of the chunk */
    int phase;     /* of the chunk decoder */
    size_t line;   /* bytes of the present chunk line, bounded */
    bool done;
};

/* Decides the framing. 0, or the status to answer: 400 (Content-Length that is no number
 * or said twice differently, both framings at once), 411 (POST or PUT without a length),
 * 501 (a transfer coding other than chunked). */
int http_body_of_request(struct http_body *body, const struct http_head *head);
/* 0 or -1; head_only is true for an answer to HEAD. */
int http_body_of_response(struct http_body *body, const struct http_head *head,
                          bool head_only);

/* Takes bytes from data and moves the payload among them to the front of data. Returns
 * how many bytes it took, *payload how many of payload now stand at data; -1 for bad
 * framing. body->done tells the end; bytes after it are not taken. Trailer fields are
 * dropped. */
int64_t http_body_feed(struct http_body *body, char *data, size_t n, size_t *payload);

#endif
