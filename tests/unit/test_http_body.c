/* Bodies: the framing decided from heads, and decoding, cut at every place. */
#include "core/wire/http_body.h"

#include "core/base/buf.h"

#include <stdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct http_head_limits limits = {1000, 4000};

static void requests_are_framed(void **state)
{
    static const struct {
        const char *text;
        int status;
        enum http_body_kind kind;
        uint64_t left;
        bool done;
    } cases[] = {
        {"GET / HTTP/1.1\n\n", 0, HTTP_BODY_NONE, 0, true},
        {"DELETE / HTTP/1.1\n\n", 0, HTTP_BODY_NONE, 0, true},
        {"POST / HTTP/1.1\n\n", 411, HTTP_BODY_NONE, 0, true},
        {"PUT / HTTP/1.0\n\n", 411, HTTP_BODY_NONE, 0, true},
        {"POST / HTTP/1.1\nContent-Length: 12\n\n", 0, HTTP_BODY_LENGTH, 12, false},
        {"POST / HTTP/1.1\nContent-Length: 0\n\n", 0, HTTP_BODY_LENGTH, 0, true},
        {"GET / HTTP/1.1\nContent-Length: 5\n\n", 0, HTTP_BODY_LENGTH, 5, false},
        {"POST / HTTP/1.1\nContent-Length: 5, 5\ncontent-length: 5\n\n", 0,
         HTTP_BODY_LENGTH, 5, false},
        {"POST / HTTP/1.1\nContent-Length: 5\nContent-Length: 6\n\n", 400, 0, 0, false},
        {"POST / HTTP/1.1\nContent-Length: 5, 6\n\n", 400, 0, 0, false},
        {"POST / HTTP/1.1\nContent-Length: +5\n\n", 400, 0, 0, false},
        {"POST / HTTP/1.1\nContent-Length: -5\n\n", 400, 0, 0, false},
        {"POST / HTTP/1.1\nContent-Length: 5x\n\n", 400, 0, 0, false},
        {"POST / HTTP/1.1\nContent-Length: 1_0\n\n", 400, 0, 0, false},
        {"POST / HTTP/1.1\nContent-Length: 0x10\n\n", 400, 0, 0, false},
        {"POST / HTTP/1.1\nContent-Length:\n\n", 400, 0, 0, false},
        {"POST / HTTP/1.1\nContent-Length: 9223372036854775808\n\n", 400, 0, 0, false},
        {"POST / HTTP/1.1\nContent-Length: 9223372036854775807\n\n", 0, HTTP_BODY_LENGTH,
         INT64_MAX, false},
        {"POST / HTTP/1.1\nTransfer-Encoding: Chunked\n\n", 0, HTTP_BODY_CHUNKED, 0,
         false},
        {"POST / HTTP/1.0\nTransfer-Encoding: chunked\n\n", 400, 0, 0, false},
        {"POST / HTTP/1.1\nTransfer-Encoding: gzip, chunked\n\n", 501, 0, 0, false},
        {"POST / HTTP/1.1\nTransfer-Encoding: identity\n\n", 501, 0, 0, false},
        {"POST / HTTP/1.1\nTransfer-Encoding: chunked, chunked\n\n", 400, 0, 0, false},
        {"POST / HTTP/1.1\nTransfer-Encoding:\n\n", 400, 0, 0, false},
        {"POST / HTTP/1.1\nTransfer-Encoding: chunked\nContent-Length: 5\n\n", 400, 0, 0,
         false},
    };
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        struct http_head head;
        struct http_body body;
        assert_true(
            http_parse_request(&head, cases[i].text, strlen(cases[i].text), &limits) > 0);
        int status = http_body_of_request(&body, &head);
        assert_int_equal(status, cases[i].status);
        if (status == 400 || status == 501)
            continue;
        assert_int_equal(body.kind, cases[i].kind);
        assert_true(body.left == cases[i].left);
        assert_int_equal(body.done, cases[i].done);
    }
}

static void responses_are_framed(void **state)
{
    static const struct {
        const char *text;
        bool head_only;
        int rc;
        enum http_body_kind kind;
        bool done;
    } cases[] = {
        {"HTTP/1.1 200 OK\n\n", false, 0, HTTP_BODY_CLOSE, false},
        {"HTTP/1.1 200 OK\n\n", true, 0, HTTP_BODY_NONE, true},
        {"HTTP/1.1 204 x\nContent-Length: 5\n\n", false, 0, HTTP_BODY_NONE, true},
        {"HTTP/1.1 304 x\nContent-Length: 5\n\n", false, 0, HTTP_BODY_NONE, true},
        {"HTTP/1.1 100 x\n\n", false, 0, HTTP_BODY_NONE, true},
        {"HTTP/1.1 200 x\nContent-Length: 5\n\n", false, 0, HTTP_BODY_LENGTH, false},
        {"HTTP/1.1 401 x\nContent-Length: 0\n\n", false, 0, HTTP_BODY_LENGTH, true},
        {"HTTP/1.1 200 x\nTransfer-Encoding: chunked\n\n", false, 0, HTTP_BODY_CHUNKED,
         false},
        {"HTTP/1.1 200 x\nTransfer-Encoding: gzip\n\n", false, -1, 0, false},
        {"HTTP/1.1 200 x\nContent-Length: x\n\n", false, -1, 0, false},
    };
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        struct http_head head;
        struct http_body body;
        assert_true(http_parse_response(&head, cases[i].text, strlen(cases[i].text),
                                        &limits) > 0);
        assert_int_equal(http_body_of_response(&body, &head, cases[i].head_only),
                         cases[i].rc);
        if (cases[i].rc < 0)
            continue;
        assert_int_equal(body.kind, cases[i].kind);
        assert_int_equal(body.done, cases[i].done);
    }
}

/* Feeds text in two pieces, the first up to cut. Returns bytes taken, or -1. */
static int64_t feed(struct http_body *body, const char *text, size_t n, size_t cut,
                    struct buf *out)
{
    int64_t taken = 0;

    for (size_t from = 0, to = cut; from < n && !body->done; from = to, to = n) {
        char piece[2048];
        size_t payload;
        memcpy(piece, text + from, to - from);
        int64_t rc = http_body_feed(body, piece, to - from, &payload);
        if (rc < 0)
            return -1;
        assert_int_equal(buf_append(out, piece, payload), 0);
        taken += rc;
        if (cut == n)
            break;
    }
    return taken;
}

static void bodies_are_decoded_however_cut(void **state)
{
    static const struct {
        enum http_body_kind kind;
        uint64_t left;
        const char *text;
        int64_t taken;
        const char *payload;
        bool done;
    } cases[] = {
        {HTTP_BODY_LENGTH, 5, "helloGET", 5, "hello", true},
        {HTTP_BODY_LENGTH, 5, "hel", 3, "hel", false},
        {HTTP_BODY_CLOSE, 0, "all of it", 9, "all of it", false},
        {HTTP_BODY_CHUNKED, 0, "5\r\nhello\r\n0\r\n\r\nGET", 15, "hello", true},
        {HTTP_BODY_CHUNKED, 0, "1\r\na\r\n02\r\nbc\r\n0\r\n\r\n", 19, "abc", true},
        {HTTP_BODY_CHUNKED, 0, "A;name=\"v\"\r\n0123456789\r\n000\r\n\r\n", 31,
         "0123456789", true},
        {HTTP_BODY_CHUNKED, 0, "1  \r\n\n\r\n0\r\nA: b\r\nC: d\r\n\r\n", 25, "\n", true},
        {HTTP_BODY_CHUNKED, 0, "3\r\nab", 5, "ab", false},
        {HTTP_BODY_CHUNKED, 0, "5\nhello\r\n", -1, NULL, false},
        {HTTP_BODY_CHUNKED, 0, "5\r\nhello\n", -1, NULL, false},
        {HTTP_BODY_CHUNKED, 0, "5\r\nhelloX\r\n", -1, NULL, false},
        {HTTP_BODY_CHUNKED, 0, "\r\n", -1, NULL, false},
        {HTTP_BODY_CHUNKED, 0, ";x\r\n", -1, NULL, false},
        {HTTP_BODY_CHUNKED, 0, "-1\r\n", -1, NULL, false},
        {HTTP_BODY_CHUNKED, 0, "0x5\r\n", -1, NULL, false},
        {HTTP_BODY_CHUNKED, 0, "5 5\r\nx", 6, "x",
         false}, /* what follows a blank is dropped */
        {HTTP_BODY_CHUNKED, 0, "10000000000000000\r\n", -1, NULL, false},
        {HTTP_BODY_CHUNKED, 0, "ffffffffffffffff\r\n", -1, NULL, false},
        {HTTP_BODY_CHUNKED, 0, "5;\x01\r\n", -1, NULL, false},
        {HTTP_BODY_CHUNKED, 0, "0\r\nA: b\n\r\n", -1, NULL, false},
        {HTTP_BODY_CHUNKED, 0, "0\r\n\rX", -1, NULL, false},
    };
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        size_t n = strlen(cases[i].text);
        for (size_t cut = 0; cut <= n; cut++) {
            struct http_body body = {.kind = cases[i].kind, .left = cases[i].left};
            struct buf out;
            buf_init(&out, 1000);
            assert_true(feed(&body, cases[i].text, n, cut, &out) == cases[i].taken);
            if (cases[i].taken >= 0) {
                assert_string_equal(buf_str(&out), cases[i].payload);
                assert_int_equal(body.done, cases[i].done);
            }
            buf_free(&out);
        }
    }
}

static void chunk_lines_and_trailers_are_bounded(void **state)
{
    struct http_body body = {.kind = HTTP_BODY_CHUNKED};
    char data[9000];
    size_t payload;

    UNUSED(state);
    memset(data, 'x', sizeof data);
    memcpy(data, "5;", 2);
    assert_int_equal(http_body_feed(&body, data, 300, &payload), -1);
    assert_int_equal(http_body_feed(&body, data, 1, &payload), -1); /* and stays so */
    body = (struct http_body){.kind = HTTP_BODY_CHUNKED};
    memcpy(data, "0\r\n", 3);
    assert_int_equal(http_body_feed(&body, data, 8000, &payload), 8000);
    assert_int_equal(http_body_feed(&body, data + 8000, 1000, &payload), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_framed),
        cmocka_unit_test(responses_are_framed),
        cmocka_unit_test(bodies_are_decoded_however_cut),
        cmocka_unit_test(chunk_lines_and_trailers_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
