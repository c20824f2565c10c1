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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bytes),
        cmocka_unit_test(full_buffers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
