/* HTTP heads. Fed byte by byte, the first answer other than "more" must be the answer for
 * the whole, and every span must point into the input. */
#include "core/wire/http_head.h"

#include <stdlib.h>
#include <string.h>

typedef int parse_fn(struct http_head *, const char *, size_t,
                     const struct http_head_limits *);

static void check_span(struct span s, const char *data, int n)
{
    if (s.len > 0 && (s.ptr < data || s.ptr + s.len > data + n))
        abort();
}

static void check_head(const struct http_head *head, const char *data, int n)
{
    check_span(head->method, data, n);
    check_span(head->target, data, n);
    check_span(head->reason, data, n);
    for (size_t i = 0; i < head->header_count; i++) {
        check_span(head->headers[i].name, data, n);
        check_span(head->headers[i].value, data, n);
        if (head->headers[i].name.len == 0)
            abort();
    }
    http_header_has_token(head, "Connection", "close");
}

static void check(parse_fn *parse, const char *data, size_t size,
                  const struct http_head_limits *limits)
{
    struct http_head head;
    int whole = parse(&head, data, size, limits);

    if (whole > 0)
        check_head(&head, data, whole);
    for (size_t n = 0; n <= size; n++) {
        char *piece = malloc(n ? n : 1); /* ends where the sanitizer watches */
        memcpy(piece, data, n);
        int rc = parse(&head, piece, n, limits);
        free(piece);
        if (rc == HTTP_MORE)
            continue;
        if (rc != whole)
            abort();
        return;
    }
    if (whole != HTTP_MORE)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct http_head_limits all[] = {{64, 512}, {4096, 8192}, {100, 50}};

    if (size > 1024)
        return 0;
    for (size_t i = 0; i < array_len(all); i++) {
        check(http_parse_request, (const char *)data, size, &all[i]);
        check(http_parse_response, (const char *)data, size, &all[i]);
    }
    return 0;
}
