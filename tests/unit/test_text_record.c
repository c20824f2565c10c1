/* Records: what is written is read; what is cut or altered is refused. */
#include "core/base/text_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void write_sample(struct buf *out)
{
    struct record_writer w = {.out = out};
    record_begin(&w, "state");
    record_put_int(&w, "version", 1);
    record_end(&w);
    record_begin(&w, "process");
    record_put_str(&w, "name", "a b=3:x y\nprocess pid=1:9");
    record_put_int(&w, "pid", -42);
    record_put(&w, "bytes", "\0\n\0", 3);
    record_put_str(&w, "absent", NULL);
    record_put_str(&w, "empty", "");
    record_end(&w);
    assert_false(w.failed);
}

static void what_is_written_is_read(void **state)
{
    UNUSED(state);
    struct buf out;
    struct record_reader r;
    struct span value;
    buf_init(&out, 1000);
    write_sample(&out);
    record_open(&r, buf_data(&out), out.len);
    assert_int_equal(record_next(&r), 1);
    assert_true(record_is(&r, "state"));
    assert_int_equal(record_get_int(&r, "version", 0, 9, -1), 1);
    assert_int_equal(record_next(&r), 1);
    assert_true(record_is(&r, "process"));
    char *name = record_get_str(&r, "name");
    assert_string_equal(name, "a b=3:x y\nprocess pid=1:9");
    free(name);
    assert_int_equal(record_get_int(&r, "pid", -100, 100, 0), -42);
    assert_int_equal(record_get_int(&r, "pid", 0, 100, 7), 7);
    assert_int_equal(record_get_int(&r, "name", 0, 100, 7), 7);
    assert_true(record_get(&r, "bytes", &value));
    assert_int_equal(value.len, 3);
    assert_memory_equal(value.ptr, "\0\n\0", 3);
    assert_null(record_get_str(&r, "absent"));
    assert_true(record_get(&r, "empty", &value) && value.len == 0);
    assert_int_equal(record_next(&r), 0);
    buf_free(&out);
}

static void extreme_numbers_survive(void **state)
{
    UNUSED(state);
    static const int64_t numbers[] = {0, -1, 1, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < array_len(numbers); i++) {
        struct buf out;
        struct record_reader r;
        buf_init(&out, 100);
        struct record_writer w = {.out = &out};
        record_begin(&w, "n");
        record_put_int(&w, "v", numbers[i]);
        record_end(&w);
        record_open(&r, buf_data(&out), out.len);
        assert_int_equal(record_next(&r), 1);
        assert_true(record_get_int(&r, "v", INT64_MIN, INT64_MAX, 5) == numbers[i]);
        buf_free(&out);
    }
}

static void cuts_are_refused(void **state)
{
    UNUSED(state);
    struct buf out;
    buf_init(&out, 1000);
    write_sample(&out);
    size_t first_line =
        (size_t)((char *)memchr(buf_data(&out), '\n', out.len) - buf_data(&out)) + 1;
    for (size_t n = first_line + 1; n < out.len; n++) {
        struct record_reader r;
        record_open(&r, buf_data(&out), n);
        assert_int_equal(record_next(&r), 1);
        assert_int_equal(record_next(&r), -1);
        assert_int_equal(record_next(&r), -1);
    }
    buf_free(&out);
}

static void nonsense_is_refused(void **state)
{
    UNUSED(state);
    static const char *const cases[] = {
        "\n",         " a=1:x\n",   "x a\n",
        "x a=\n",     "x a=1\n",    "x a=1:\n",
        "x a=2:x\n",  "x =1:x\n",   "x a=1:xy\n",
        "x  a=1:x\n", "x a=-1:x\n", "x a=99999999999999999999:x\n",
        "x a=1:x",    "x",          "x a=18446744073709551615:x\n",
    };
    for (size_t i = 0; i < array_len(cases); i++) {
        struct record_reader r;
        record_open(&r, cases[i], strlen(cases[i]));
        assert_int_equal(record_next(&r), -1);
    }
}

static void too_many_fields_are_refused(void **state)
{
    UNUSED(state);
    struct buf out;
    struct record_reader r;
    buf_init(&out, 10000);
    struct record_writer w = {.out = &out};
    record_begin(&w, "x");
    for (int i = 0; i <= RECORD_MAX_FIELDS; i++)
        record_put_int(&w, "k", i);
    record_end(&w);
    record_open(&r, buf_data(&out), out.len);
    assert_int_equal(record_next(&r), -1);
    buf_free(&out);
}

static void a_full_buffer_is_told(void **state)
{
    UNUSED(state);
    struct buf out;
    buf_init(&out, 20);
    struct record_writer w = {.out = &out};
    record_begin(&w, "x");
    record_put_str(&w, "key", "0123456789012345");
    record_end(&w);
    assert_true(w.failed);
    buf_free(&out);
}

static void checksums_tell_damage(void **state)
{
    UNUSED(state);
    char text[] = "process name=1:a\n";
    uint64_t before = record_checksum(text, sizeof text - 1);
    assert_true(record_checksum("", 0) == UINT64_C(0xcbf29ce484222325));
    for (size_t i = 0; i < sizeof text - 1; i++) {
        text[i] ^= 1;
        assert_true(record_checksum(text, sizeof text - 1) != before);
        text[i] ^= 1;
    }
    /* the highest bit of two words that follow each other */
    text[7] = (char)(text[7] ^ 0x80);
    text[15] = (char)(text[15] ^ 0x80);
    assert_true(record_checksum(text, sizeof text - 1) != before);
}

static void objects_of_a_type(void **state)
{
    UNUSED(state);
    static const char text[] = "a x=1:1\nb y=3:\n= \nc\na\nb z=0:\n";
    struct record_reader r;
    struct span value;
    record_open(&r, text, sizeof text - 1);
    assert_int_equal(record_next_of(&r, "b"), 1);
    assert_ptr_equal(r.type.ptr, text + 8);
    assert_true(record_get(&r, "y", &value));
    assert_int_equal(value.len, 3);
    assert_int_equal(record_next_of(&r, "b"), 1);
    assert_true(record_get(&r, "z", &value));
    assert_int_equal(record_next_of(&r, "b"), 0);
    record_open(&r, text, sizeof text - 1);
    assert_int_equal(record_next_of(&r, "none"), 0);
    /* cut anywhere but between objects: refused where the cut is */
    for (size_t n = 1; n < 8; n++) {
        record_open(&r, text, n);
        assert_int_equal(record_next_of(&r, "b"), -1);
        assert_ptr_equal(r.at, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(extreme_numbers_survive),
        cmocka_unit_test(cuts_are_refused),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(too_many_fields_are_refused),
        cmocka_unit_test(a_full_buffer_is_told),
        cmocka_unit_test(checksums_tell_damage),
        cmocka_unit_test(objects_of_a_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
