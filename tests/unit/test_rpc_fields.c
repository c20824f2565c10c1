/* The table writer gives the same bytes as the member writer, whatever the texts hold. */
#include "core/wire/rpc_fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

struct row {
    const char *first;
    int64_t number;
    const char *second;
};

static const struct rpc_field fields[] = {
    RPC_FIELD_STR("first", struct row, first),
    RPC_FIELD_INT("number", struct row, number),
    RPC_FIELD_STR("second", struct row, second),
};

static const struct row rows[] = {
    {"", 0, ""},
    {"plain", 7, "a longer plain text, past any word of the scan"},
    {"<&>", -1, "\r\n\x01"},
    {"\xff\xfe", INT64_MAX, "gr\xc3\xbc\xc3\x9f"},
    {"&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&", INT64_MIN, "\xed\xa0\x80"},
};

static void same_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        struct buf table, single;
        struct rpc_writer w;
        buf_init(&table, BUF_NO_LIMIT);
        buf_init(&single, BUF_NO_LIMIT);
        rpc_write_init(&w, &table);
        rpc_write_fields(&w, fields, array_len(fields), &rows[i]);
        assert_false(w.failed);
        rpc_write_init(&w, &single);
        rpc_write_struct_begin(&w);
        rpc_write_member_str(&w, "first", rows[i].first);
        rpc_write_member_int(&w, "number", rows[i].number);
        rpc_write_member_str(&w, "second", rows[i].second);
        rpc_write_struct_end(&w);
        assert_string_equal(buf_str(&table), buf_str(&single));
        assert_int_equal(table.len, single.len);
        buf_free(&table);
        buf_free(&single);
    }
}

/* Too little room: failed is said, nothing breaks. */
static void full_buffers(void **state)
{
    (void)state;
    for (size_t max = 0; max < 600; max++) {
        struct buf out;
        struct rpc_writer w;
        buf_init(&out, max);
        rpc_write_init(&w, &out);
        rpc_write_fields(&w, fields, array_len(fields), &rows[4]);
        assert_true(w.failed || out.len <= max);
        assert_true(w.failed || max > 300);
        buf_free(&out);
    }
}

/* The hint changes where bytes lie, not what they are. */
static void expected_bytes(void **state)
{
    (void)state;
    static const size_t hints[] = {0, 1, 5000, 600 * 1024, 3 * 1024 * 1024, (size_t)-1};
    for (size_t i = 0; i < array_len(hints); i++) {
        struct buf b;
        buf_init(&b, (size_t)8 << 20);
        assert_int_equal(buf_puts(&b, "xxhead"), 0);
        buf_consume(&b, 2);
        buf_expect(&b, hints[i]);
        buf_expect(&b, hints[i]);
        assert_string_equal(buf_str(&b), "head");
        for (int k = 0; k < 100; k++)
            assert_int_equal(buf_puts(&b, "0123456789"), 0);
        assert_int_equal(b.len, 1004);
        assert_memory_equal(buf_data(&b), "head0123", 8);
        assert_int_equal(b.max, (size_t)8 << 20);
        buf_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bytes),
        cmocka_unit_test(full_buffers),
        cmocka_unit_test(expected_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
