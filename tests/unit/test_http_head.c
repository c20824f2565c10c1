/* HTTP heads. Every case is also fed byte by byte: the first answer must be the last. */
#include "core/wire/http_head.h"

#include "tests/unit/guarded.h"

#include <stdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

typedef int parse_fn(struct http_head *, const char *, size_t,
                     const struct http_head_limits *);

static const struct http_head_limits limits = {100, 300};

static int parse(parse_fn *fn, struct http_head *head, const char *data, size_t n)
{
    int whole = fn(head, data, n, &limits), first = HTTP_MORE;

    for (size_t k = 0; k <= n && first == HTTP_MORE; k++) {
        struct guarded g = guarded_new(data, k);
        struct http_head cut;
        first = fn(&cut, g.data, k, &limits);
        guarded_free(&g);
    }
    assert_int_equal(first, whole);
    return whole;
}

#define A10 "aaaaaaaaaa"
#define A80 A10 A10 A10 A10 A10 A10 A10 A10

static void request_lines_are_judged(void **state)
{
    static const struct {
        const char *text;
        int rc; /* 1: a head */
        const char *method, *target;
        int minor;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", 1, "GET", "/", 1},
        {"GET / HTTP/1.0\r\n\r\n", 1, "GET", "/", 0},
        {"GET / HTTP/1.7\r\n\r\n", 1, "GET", "/", 1},
        {"POST /RPC2 HTTP/1.1\nHost: x\n\n", 1, "POST", "/RPC2", 1},
        {"\r\n\nGET /a?b=%20 HTTP/1.1\r\n\r\n", 1, "GET", "/a?b=%20", 1},
        {"GET http://x/\xc3\xa9 HTTP/1.1\r\n\r\n", 1, "GET", "http://x/\xc3\xa9", 1},
        {"", HTTP_MORE, NULL, NULL, 0},
        {"\r\n", HTTP_MORE, NULL, NULL, 0},
        {"GET / HTTP/1.1", HTTP_MORE, NULL, NULL, 0},
        {"GET / HTTP/1.1\r\n", HTTP_MORE, NULL, NULL, 0},
        {"GET / HTTP/1.1\r\nA: b\r\n\r", HTTP_MORE, NULL, NULL, 0},
        {"GET / HTTP/2.0\r\n\r\n", HTTP_VERSION, NULL, NULL, 0},
        {"GET / HTTP/0.9\r\n\r\n", HTTP_VERSION, NULL, NULL, 0},
        {"GET /\r\n\r\n", HTTP_BAD, NULL, NULL, 0},
        {"GET\r\n", HTTP_BAD, NULL, NULL, 0},
        {"GET  / HTTP/1.1\r\n", HTTP_BAD, NULL, NULL, 0},
        {" GET / HTTP/1.1\r\n", HTTP_BAD, NULL, NULL, 0},
        {"GET / HTTP/1.1 \r\n", HTTP_BAD, NULL, NULL, 0},
        {"GET / x HTTP/1.1\r\n", HTTP_BAD, NULL, NULL, 0},
        {"GET /\t HTTP/1.1\r\n", HTTP_BAD, NULL, NULL, 0},
        {"GET /\x7f HTTP/1.1\r\n", HTTP_BAD, NULL, NULL, 0},
        {"G(T / HTTP/1.1\r\n", HTTP_BAD, NULL, NULL, 0},
        {"GET / http/1.1\r\n", HTTP_BAD, NULL, NULL, 0},
        {"GET / HTTP/1\r\n", HTTP_BAD, NULL, NULL, 0},
        {"GET / HTTP/1.10\r\n", HTTP_BAD, NULL, NULL, 0},
        {"GET / HTTP/1.1\r\r\n", HTTP_BAD, NULL, NULL, 0},
        {"\x16\x03\x01\x02\n", HTTP_BAD, NULL, NULL, 0},                  /* TLS knocks */
        {"GET /" A80 "aaaaa HTTP/1.1\n\n", 1, "GET", "/" A80 "aaaaa", 1}, /* 100 bytes */
        {"GET /" A80 "aaaaa HTTP/1.1\r\n\r\n", HTTP_LONG_LINE, NULL, NULL, 0},
        {"GET /" A80 A10 A10, HTTP_LONG_LINE, NULL, NULL, 0},
    };
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        struct http_head head;
        int n = (int)strlen(cases[i].text);
        int rc = parse(http_parse_request, &head, cases[i].text, (size_t)n);
        assert_int_equal(rc, cases[i].rc == 1 ? n : cases[i].rc);
        if (rc <= 0)
            continue;
        assert_true(span_eq(head.method, cases[i].method));
        assert_true(span_eq(head.target, cases[i].target));
        assert_int_equal(head.minor, cases[i].minor);
    }
}

static void status_lines_are_judged(void **state)
{
    static const struct {
        const char *text;
        int rc, status;
        const char *reason;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\n\r\n", 1, 200, "OK"},
        {"HTTP/1.0 404 Not Found\r\n\r\n", 1, 404, "Not Found"},
        {"HTTP/1.1 200 \r\n\r\n", 1, 200, ""},
        {"HTTP/1.1 200\r\n\r\n", 1, 200, ""},
        {"HTTP/1.1 099 x\r\n\r\n", HTTP_BAD, 0, NULL},
        {"HTTP/1.1 20 OK\r\n\r\n", HTTP_BAD, 0, NULL},
        {"HTTP/1.1 2000 OK\r\n\r\n", HTTP_BAD, 0, NULL},
        {"HTTP/1.1  200 OK\r\n\r\n", HTTP_BAD, 0, NULL},
        {"HTTP/1.1\r\n\r\n", HTTP_BAD, 0, NULL},
        {"HTTP/1.1 200 O\x01K\r\n\r\n", HTTP_BAD, 0, NULL},
        {"HTTP/3.0 200 OK\r\n\r\n", HTTP_VERSION, 0, NULL},
        {"ICY 200 OK\r\n\r\n", HTTP_BAD, 0, NULL},
        {"HTTP/1.1 200 OK\r\n", HTTP_MORE, 0, NULL},
    };
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        struct http_head head;
        int n = (int)strlen(cases[i].text);
        int rc = parse(http_parse_response, &head, cases[i].text, (size_t)n);
        assert_int_equal(rc, cases[i].rc == 1 ? n : cases[i].rc);
        if (rc <= 0)
            continue;
        assert_int_equal(head.status, cases[i].status);
        assert_true(span_eq(head.reason, cases[i].reason));
    }
}

static void fields_are_judged(void **state)
{
    static const struct {
        const char *line;
        int rc; /* 1: good */
        const char *name, *value;
    } cases[] = {
        {"Host: localhost:9001\r\n", 1, "HOST", "localhost:9001"},
        {"host:x\n", 1, "Host", "x"},
        {"A:\r\n", 1, "a", ""},
        {"A: \t \r\n", 1, "a", ""},
        {"A:  b c\t\r\n", 1, "a", "b c"},
        {"A: b\tc\xe9\r\n", 1, "a", "b\tc\xe9"},
        {"A: b: c\r\n", 1, "a", "b: c"},
        {"A : b\r\n", HTTP_BAD, NULL, NULL},
        {" A: b\r\n", HTTP_BAD, NULL, NULL},
        {"A: b\r\n folded\r\n", HTTP_BAD, NULL, NULL},
        {": b\r\n", HTTP_BAD, NULL, NULL},
        {"A\r\n", HTTP_BAD, NULL, NULL},
        {"A: b\rC: d\r\n", HTTP_BAD, NULL, NULL},
        {"A: \x01\r\n", HTTP_BAD, NULL, NULL},
        {"A: \x7f\r\n", HTTP_BAD, NULL, NULL},
        {"A(: b\r\n", HTTP_BAD, NULL, NULL},
        {"\xc3\xa9: b\r\n", HTTP_BAD, NULL, NULL},
        {"A: " A80 A80 A80 A80 "\r\n", HTTP_LONG_HEAD, NULL, NULL},
    };
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        struct http_head head;
        char text[1000];
        int n = snprintf(text, sizeof text, "GET / HTTP/1.1\r\n%s\r\n", cases[i].line);
        int rc = parse(http_parse_request, &head, text, (size_t)n);
        assert_int_equal(rc, cases[i].rc == 1 ? n : cases[i].rc);
        if (rc > 0)
            assert_true(span_eq(*http_header(&head, cases[i].name), cases[i].value));
    }
}

static void a_nul_is_no_text(void **state)
{
    static const char text[] = "GET / HTTP/1.1\r\nA: b\0c\r\n\r\n";
    static const char line[] = "GET /\0 HTTP/1.1\r\n\r\n";
    struct http_head head;

    UNUSED(state);
    assert_int_equal(parse(http_parse_request, &head, text, sizeof text - 1), HTTP_BAD);
    assert_int_equal(parse(http_parse_request, &head, line, sizeof line - 1), HTTP_BAD);
}

static void only_the_head_is_consumed(void **state)
{
    static const char text[] = "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /";
    struct http_head head;

    UNUSED(state);
    assert_int_equal(parse(http_parse_request, &head, text, sizeof text - 1),
                     sizeof text - 1 - strlen("abcGET /"));
}

static void fields_are_counted(void **state)
{
    const struct http_head_limits wide = {100, 10000};
    char text[4096] = "GET / HTTP/1.1\r\n";
    struct http_head head;

    UNUSED(state);
    for (int i = 0; i < HTTP_MAX_HEADERS; i++)
        strcat(text, "A: b\r\n");
    strcat(text, "\r\n");
    assert_int_equal(http_parse_request(&head, text, strlen(text), &wide), strlen(text));
    assert_int_equal(http_header_count(&head, "a"), HTTP_MAX_HEADERS);
    strcpy(text + strlen(text) - 2, "C: d\r\n\r\n");
    assert_int_equal(http_parse_request(&head, text, strlen(text), &wide),
                     HTTP_LONG_HEAD);
}

static void tokens_are_found_in_lists(void **state)
{
    static const char text[] = "GET / HTTP/1.1\r\nConnection: keep-alive , Upgrade\r\n"
                               "connection: x,CLOSE\r\nOther: y\r\n\r\n";
    struct http_head head;

    UNUSED(state);
    assert_true(parse(http_parse_request, &head, text, sizeof text - 1) > 0);
    assert_true(http_header_has_token(&head, "Connection", "Keep-Alive"));
    assert_true(http_header_has_token(&head, "Connection", "upgrade"));
    assert_true(http_header_has_token(&head, "Connection", "close"));
    assert_false(http_header_has_token(&head, "Connection", "keep"));
    assert_false(http_header_has_token(&head, "Connection", "y"));
    assert_false(http_header_has_token(&head, "Missing", "y"));
    assert_null(http_header(&head, "Missing"));
    assert_int_equal(http_header_count(&head, "CONNECTION"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_lines_are_judged),
        cmocka_unit_test(status_lines_are_judged),
        cmocka_unit_test(fields_are_judged),
        cmocka_unit_test(a_nul_is_no_text),
        cmocka_unit_test(only_the_head_is_consumed),
        cmocka_unit_test(fields_are_counted),
        cmocka_unit_test(tokens_are_found_in_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
