/* The byte queue: order, limits, growth, and that a refused call takes nothing. */
#include "core/base/buf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void bytes_come_out_in_order(void **state)
{
    char sent[9000], got[9000];
    size_t in = 0, out = 0;
    struct buf b;

    UNUSED(state);
    for (size_t i = 0; i < sizeof sent; i++)
        sent[i] = (char)(i * 7 % 251);
    buf_init(&b, BUF_NO_LIMIT);
    for (size_t step = 1; out < sizeof sent; step = step * 5 % 997 + 1) {
        size_t n = step < sizeof sent - in ? step : sizeof sent - in;
        assert_int_equal(buf_append(&b, sent + in, n), 0);
        in += n;
        n = step / 2 + 1 < b.len ? step / 2 + 1 : b.len;
        memcpy(got + out, buf_data(&b), n);
        buf_consume(&b, n);
        out += n;
        assert_true(b.head + b.len <= b.cap);
        assert_int_equal(buf_data(&b)[b.len], '\0');
    }
    assert_memory_equal(sent, got, sizeof sent);
    buf_free(&b);
}

static void a_full_queue_takes_nothing(void **state)
{
    char *room;
    struct buf b;

    UNUSED(state);
    buf_init(&b, 10);
    assert_int_equal(buf_puts(&b, "12345678"), 0);
    errno = 0;
    assert_int_equal(buf_puts(&b, "abc"), -1);
    assert_int_equal(errno, ENOBUFS);
    assert_int_equal(buf_printf(&b, "%s", "abc"), -1);
    assert_int_equal(buf_put_int(&b, -12), -1);
    assert_int_equal(buf_reserve(&b, SIZE_MAX, &room), -1);
    assert_string_equal(buf_str(&b), "12345678");
    assert_int_equal(buf_put_uint(&b, 90), 0);
    assert_string_equal(buf_str(&b), "1234567890");
    assert_int_equal(buf_putc(&b, 'x'), -1);
    buf_consume(&b, 1); /* room again, though at the head */
    assert_int_equal(buf_putc(&b, 'x'), 0);
    assert_string_equal(buf_str(&b), "234567890x");
    buf_free(&b);
    assert_int_equal(b.max, 10);
    assert_string_equal(buf_str(&b), "");
}

static void growth_is_by_doubling(void **state)
{
    size_t moves = 0, cap = 0;
    struct buf b;

    UNUSED(state);
    buf_init(&b, BUF_NO_LIMIT);
    for (size_t i = 0; i < 1000000; i++) {
        assert_int_equal(buf_putc(&b, 'x'), 0);
        moves += b.cap != cap;
        cap = b.cap;
    }
    assert_true(moves < 20);
    buf_consume(&b, b.len);
    assert_null(b.data); /* a large one gives its memory back when empty */
    buf_free(&b);
}

static void numbers_are_printfs(void **state)
{
    static const int64_t cases[] = {0,         9,         10,   99,    100,
                                    101,       999,       1000, 65535, INT32_MAX,
                                    INT64_MAX, INT64_MIN, -1,   -10};
    char want[32];
    struct buf b;

    UNUSED(state);
    buf_init(&b, 64);
    for (size_t i = 0; i < array_len(cases); i++) {
        snprintf(want, sizeof want, "%" PRId64, cases[i]);
        assert_int_equal(buf_put_int(&b, cases[i]), 0);
        assert_string_equal(buf_str(&b), want);
        buf_truncate(&b, 0);
    }
    assert_int_equal(buf_put_uint(&b, UINT64_MAX), 0);
    assert_string_equal(buf_str(&b), "18446744073709551615");
    buf_free(&b);
}

static void printf_grows_where_it_must(void **state)
{
    struct buf b;

    UNUSED(state);
    buf_init(&b, 1000);
    for (int i = 0; i < 90; i++)
        assert_int_equal(buf_printf(&b, "%d-%s;", i, "abcdef"), 0);
    assert_memory_equal(buf_data(&b), "0-abcdef;1-abcdef;", 18);
    assert_int_equal(b.len, 10 * 9 + 80 * 10);
    assert_int_equal(buf_printf(&b, "%200s", "x"), -1);
    assert_int_equal(strlen(buf_str(&b)), b.len);
    buf_free(&b);
}

static void detach_hands_over_a_string(void **state)
{
    struct buf b;
    char *text;

    UNUSED(state);
    buf_init(&b, 100);
    assert_int_equal(buf_puts(&b, "one two"), 0);
    buf_consume(&b, 4);
    text = buf_detach(&b);
    assert_string_equal(text, "two");
    assert_int_equal(b.len, 0);
    free(text);
    text = buf_detach(&b);
    assert_string_equal(text, "");
    free(text);
    assert_int_equal(buf_puts(&b, "again"), 0);
    assert_string_equal(buf_str(&b), "again");
    buf_free(&b);
}

static void memory_is_kept_and_traded(void **state)
{
    (void)state;
    struct buf a, b;
    buf_init(&a, 100000);
    buf_init(&b, 20);
    assert_int_equal(buf_append(&a, "abcdef", 6), 0);
    buf_consume(&a, 2);
    const char *memory = a.data;
    buf_rewind(&a);
    buf_rewind(&b); /* nothing to keep */
    assert_int_equal(a.len, 0);
    assert_string_equal(buf_str(&a), "");
    assert_int_equal(buf_append(&a, "xyz", 3), 0);
    assert_ptr_equal(a.data, memory);
    buf_trade(&a, &b);
    assert_string_equal(buf_str(&b), "xyz");
    assert_int_equal(b.max, 20);
    assert_int_equal(a.len, 0);
    assert_int_equal(a.max, 100000);
    assert_int_equal(buf_append(&b, "123456789012345678", 18), -1);
    buf_free(&a);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_out_in_order),
        cmocka_unit_test(a_full_queue_takes_nothing),
        cmocka_unit_test(growth_is_by_doubling),
        cmocka_unit_test(numbers_are_printfs),
        cmocka_unit_test(printf_grows_where_it_must),
        cmocka_unit_test(detach_hands_over_a_string),
        cmocka_unit_test(memory_is_kept_and_traded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
