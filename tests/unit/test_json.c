/* The JSON writer: commas, escapes, any bytes, the end of memory. */
/* links: core/base/json.c core/base/utf8.c core/base/buf.c core/base/alloc.c */
#include "core/base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void containers_nest(void **state)
{
    (void)state;
    struct buf out;
    struct json j;
    buf_init(&out, 1000);
    json_init(&j, &out);
    json_object_begin(&j);
    json_put_int(&j, "a", -7);
    json_key(&j, "list");
    json_array_begin(&j);
    json_array_begin(&j);
    json_array_end(&j);
    json_object_begin(&j);
    json_object_end(&j);
    json_null(&j);
    json_bool(&j, true);
    json_array_end(&j);
    json_put_bool(&j, "no", false);
    json_put_str(&j, "none", NULL);
    json_object_end(&j);
    assert_string_equal(
        buf_str(&out),
        "{\"a\":-7,\"list\":[[],{},null,true],\"no\":false,\"none\":null}");
    assert_false(j.failed);
    buf_free(&out);
}

static void text_is_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        size_t n;
        const char *out;
    } cases[] = {
        {"", 0, "\"\""},
        {"plain", 5, "\"plain\""},
        {"a\"b\\c", 5, "\"a\\\"b\\\\c\""},
        {"\n\t\r\x01\x7f", 5, "\"\\n\\t\\r\\u0001\\u007f\""},
        {"a\0b", 3, "\"a\\u0000b\""},
        {"</script>&", 10, "\"\\u003c/script\\u003e\\u0026\""},
        {"\xc3\xa4\xe2\x82\xac", 5, "\"\xc3\xa4\xe2\x82\xac\""},
        {"\xe2\x80\xa8", 3, "\"\\u2028\""},
        {"\xff\xc3", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < array_len(cases); i++) {
        struct buf out;
        struct json j;
        buf_init(&out, 1000);
        json_init(&j, &out);
        json_text(&j, cases[i].in, cases[i].n);
        assert_string_equal(buf_str(&out), cases[i].out);
        buf_free(&out);
    }
}

static void thousandths(void **state)
{
    (void)state;
    static const struct {
        int64_t in;
        const char *out;
    } cases[] = {{0, "0"},       {1500, "1.5"}, {1, "0.001"},    {-20, "-0.02"},
                 {-1, "-0.001"}, {10, "0.01"},  {-2500, "-2.5"}, {7000, "7"}};
    for (size_t i = 0; i < array_len(cases); i++) {
        struct buf out;
        struct json j;
        buf_init(&out, 100);
        json_init(&j, &out);
        json_milli(&j, cases[i].in);
        assert_string_equal(buf_str(&out), cases[i].out);
        buf_free(&out);
    }
}

static void full_buffer_is_told(void **state)
{
    (void)state;
    struct buf out;
    struct json j;
    buf_init(&out, 4);
    json_init(&j, &out);
    json_str(&j, "too long");
    json_int(&j, 1);
    assert_true(j.failed);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(containers_nest),
        cmocka_unit_test(text_is_escaped),
        cmocka_unit_test(thousandths),
        cmocka_unit_test(full_buffer_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
