/* Bodies. The payload and the end must be the same for one feed and for any two. */
#include "core/wire/http_body.h"

#include <stdlib.h>
#include <string.h>

struct result {
    char *payload;
    size_t len;
    int64_t taken; /* or -1 */
    bool done;
};

static void feed(struct http_body *body, const char *data, size_t n, struct result *r)
{
    char *copy = malloc(n ? n : 1);
    size_t payload;

    memcpy(copy, data, n);
    int64_t rc = http_body_feed(body, copy, n, &payload);
    if (rc > (int64_t)n || payload > n || (rc >= 0 && (int64_t)payload > rc))
        abort();
    if (rc >= 0 && (size_t)rc < n && !body->done && body->kind != HTTP_BODY_NONE)
        abort();
    if (rc < 0 || r->taken < 0) {
        r->taken = -1;
    } else {
        memcpy(r->payload + r->len, copy, payload);
        r->len += payload;
        r->taken += rc;
    }
    r->done = body->done;
    free(copy);
}

static struct result decode(struct http_body body, const char *data, size_t n, size_t cut)
{
    struct result r = {.payload = malloc(n + 1)};

    feed(&body, data, cut, &r);
    if (!r.done && r.taken >= 0)
        feed(&body, data + cut, n - cut, &r);
    return r;
}

static void check(const struct http_body *body, const char *data, size_t n)
{
    struct result whole = decode(*body, data, n, n);

    for (size_t cut = 0; cut < n && cut < 200; cut++) {
        struct result two = decode(*body, data, n, cut);
        if (two.taken != whole.taken)
            abort();
        if (whole.taken >= 0 && (two.len != whole.len || two.done != whole.done ||
                                 memcmp(two.payload, whole.payload, two.len) != 0))
            abort();
        free(two.payload);
    }
    free(whole.payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct http_head_limits limits = {4096, 8192};
    const char *text = (const char *)data;
    struct http_body body;
    struct http_head head;
    int n = http_parse_request(&head, text, size, &limits);

    if (n > 0 && http_body_of_request(&body, &head) == 0)
        check(&body, text + n, size - (size_t)n);
    n = http_parse_response(&head, text, size, &limits);
    if (n > 0 && http_body_of_response(&body, &head, false) == 0)
        check(&body, text + n, size - (size_t)n);
    body = (struct http_body){.kind = HTTP_BODY_CHUNKED};
    check(&body, text, size);
    return 0;
}
