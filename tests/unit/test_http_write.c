/* Heads and chunks as they go out. */
#include "core/wire/http_write.h"

#include "core/wire/http_body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void a_response_is_written(void **state)
{
    struct buf out;

    UNUSED(state);
    buf_init(&out, 1000);
    assert_int_equal(http_write_status(&out, 200), 0);
    assert_int_equal(http_write_header(&out, "Server", "x"), 0);
    assert_int_equal(http_write_header_uint(&out, "Content-Length", UINT64_MAX), 0);
    assert_int_equal(http_write_date(&out, 784111777), 0); /* RFC 9110's example */
    assert_int_equal(http_write_end(&out), 0);
    assert_string_equal(buf_str(&out), "HTTP/1.1 200 OK\r\nServer: x\r\n"
                                       "Content-Length: 18446744073709551615\r\n"
                                       "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n");
    buf_free(&out);
}

static void foreign_values_add_no_lines(void **state)
{
    struct buf out;

    UNUSED(state);
    buf_init(&out, 1000);
    assert_int_equal(http_write_header(&out, "A", "b\r\nC: d\n\r\ne f"), 0);
    assert_int_equal(http_write_request(&out, "GET", "/a b\r\nX"), 0);
    assert_string_equal(buf_str(&out), "A: bC: de f\r\nGET /abX HTTP/1.1\r\n");
    buf_free(&out);
}

static void a_full_buffer_holds_no_half_line(void **state)
{
    struct buf out;

    UNUSED(state);
    for (size_t max = 0; max < 12; max++) {
        buf_init(&out, max);
        assert_int_equal(http_write_header(&out, "Name", "value"), -1);
        assert_int_equal(http_write_chunk(&out, "abcdefghij", 10), -1);
        assert_int_equal(http_write_status(&out, 404), -1);
        assert_int_equal(http_write_request(&out, "GET", "/"), -1);
        assert_int_equal(out.len, 0);
        assert_string_equal(buf_str(&out), "");
        buf_free(&out);
    }
}

static void chunks_read_back(void **state)
{
    struct http_body body = {.kind = HTTP_BODY_CHUNKED};
    static char data[5000];
    size_t payload;
    struct buf out;

    UNUSED(state);
    memset(data, 'x', sizeof data);
    buf_init(&out, 10000);
    assert_int_equal(http_write_chunk(&out, "abc", 3), 0);
    assert_string_equal(buf_str(&out), "3\r\nabc\r\n");
    assert_int_equal(http_write_chunk(&out, data, sizeof data), 0);
    assert_int_equal(http_write_last_chunk(&out), 0);
    assert_int_equal(http_body_feed(&body, buf_data(&out), out.len, &payload), out.len);
    assert_true(body.done);
    assert_int_equal(payload, 3 + sizeof data);
    assert_memory_equal(buf_data(&out), "abcxxx", 6);
    buf_free(&out);
}

static void reasons_are_known(void **state)
{
    static const struct {
        int status;
        const char *reason;
    } cases[] = {
        {200, "OK"},        {400, "Bad Request"},     {401, "Unauthorized"},
        {404, "Not Found"}, {411, "Length Required"}, {500, "Internal Server Error"},
        {299, "Unknown"}};
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++)
        assert_string_equal(http_reason(cases[i].status), cases[i].reason);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_response_is_written),
        cmocka_unit_test(foreign_values_add_no_lines),
        cmocka_unit_test(a_full_buffer_holds_no_half_line),
        cmocka_unit_test(chunks_read_back),
        cmocka_unit_test(reasons_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
