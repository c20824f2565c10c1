/* Unpacking: every kind of block as zlib makes it, and data that is cut or damaged. */
#include "core/base/inflate.h"

#include "tests/unit/guarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* clang-format off */
#define PACKED(text) text, sizeof text - 1
static const struct {
    const char *packed; size_t packed_len;
    const char *text; size_t len;
} known[] = {
    {PACKED("\x01\x0e\x00\xf1\xff\x70\x6c\x61\x69\x6e\x20\x62\x79\x74\x65\x73\x20\x00"
     "\xff"), PACKED("plain bytes \0\xff")}, /* stored */
    {PACKED("\x4b\x4c\xc4\x0d\x00"), PACKED("aaaaaaaaaaaaaaaaaaaaaaaaaaaa")}, /* known codes */
    {PACKED("\x03\x00"), PACKED("")}, /* nothing */
};

/* a code of its own: 40 lines "line N of the sample: ..." */
static const char dynamic[] =
     "\x85\x94\x6b\x0e\x82\x30\x10\x84\xff\x7b\x8a\x1e\xa1\x0f\xc0\xe2\x6d\x8a"
     "\x16\xc1\xe0\x23\xd1\xfb\xc7\x98\x1d\x24\xd2\x1d\x4c\xa0\x6d\x76\xa6\x94"
     "\x7c\x99\xed\x34\xde\xb2\xb1\xe6\xde\x9b\xd7\x90\xcd\x33\x5d\x1f\x53\x3e"
     "\x98\xdd\xf4\x29\xbb\x75\x39\x49\xdd\x17\xf5\x2e\x75\x22\x85\x52\x3a\xca"
     "\x23\x7a\xa5\x9f\x54\x2b\xdb\x4e\x59\xb4\x46\xd5\x7a\x19\xc5\xb2\xd7\x2d"
     "\xe7\xdf\x49\xbc\x51\xff\x83\x96\x7c\x62\x18\xc1\xc2\x52\xc3\x65\x59\xc1"
     "\xeb\x08\x4f\x4f\xea\x0a\x35\x28\x95\xce\x13\xaa\x8a\x6d\x7e\xe1\x69\xc8"
     "\x99\x84\x19\xd4\xb8\x4d\x14\x2e\x0a\x6d\x3d\x23\x37\x24\x67\xde\x71\xb6"
     "\x70\x10\x72\xbe\x24\x97\xe6\x90\x92\xa8\x79\x0d\x1a\xa4\x86\xf1\x84\xae"
     "\x33\x5b\x06\xd8\x48\xc4\x3c\xc3\x85\xd6\xb1\xff\x68\xc2\xc7\x69\x95\x0b"
     "\x6c\x21\xf8\x42\x20\xf5\x32\x76\xa0\x1a\x6a\xad\xf7\xbf\xdd\x4f\xc2\x16"
     "\x54\x70\xd0\x22\x87\x0a\x47\xbb\x75\x03\x20\xb6\x6f";
/* clang-format on */

static void dynamic_text(struct buf *out)
{
    for (int i = 0; i < 40; i++) {
        buf_printf(out, "line %d of the sample: ", i);
        for (int times = 0; times < i % 4; times++)
            buf_append(out, "abcdefghij", (size_t)(i % 11 < 10 ? i % 11 : 10));
        buf_putc(out, '\n');
    }
}

/* At the end of a page, so that a byte too many read is a fault. */
static int unpack(struct buf *out, const char *packed, size_t n)
{
    struct guarded g = guarded_new(packed, n);
    int rc = inflate(out, g.data, n);
    guarded_free(&g);
    return rc;
}

static void every_kind_of_block(void **state)
{
    struct buf out, text;
    (void)state;
    buf_init(&out, BUF_NO_LIMIT);
    buf_init(&text, BUF_NO_LIMIT);
    for (size_t i = 0; i < array_len(known); i++) {
        buf_puts(&out, "before ");
        assert_int_equal(unpack(&out, known[i].packed, known[i].packed_len), 0);
        assert_int_equal(out.len, 7 + known[i].len);
        assert_memory_equal(buf_data(&out) + 7, known[i].text, known[i].len);
        buf_truncate(&out, 0);
    }
    dynamic_text(&text);
    assert_int_equal(unpack(&out, dynamic, sizeof dynamic - 1), 0);
    assert_int_equal(out.len, text.len);
    assert_memory_equal(buf_data(&out), buf_data(&text), text.len);
    buf_free(&out);
    buf_free(&text);
}

static void cut_data_is_refused(void **state)
{
    struct buf out;
    (void)state;
    buf_init(&out, BUF_NO_LIMIT);
    for (size_t n = 0; n < sizeof dynamic - 1; n++)
        assert_int_equal(unpack(&out, dynamic, n), -1);
    for (size_t i = 0; i < array_len(known); i++)
        for (size_t n = 0; n + 1 < known[i].packed_len; n++)
            assert_int_equal(unpack(&out, known[i].packed, n), -1);
    buf_free(&out);
}

/* Each bit turned around: another text or a refusal, never more than the limit. */
static void damaged_data_does_no_harm(void **state)
{
    char packed[sizeof dynamic - 1];
    (void)state;
    for (size_t bit = 0; bit < 8 * sizeof packed; bit++) {
        struct buf out;
        buf_init(&out, 5000);
        memcpy(packed, dynamic, sizeof packed);
        packed[bit / 8] = (char)(packed[bit / 8] ^ 1 << bit % 8);
        (void)unpack(&out, packed, sizeof packed);
        assert_true(out.len <= 5000);
        buf_free(&out);
    }
}

static void refusals(void **state)
{
    static const struct {
        const char *packed;
        size_t n;
    } cases[] = {
        {PACKED("\x07")},                 /* a kind of block that is none */
        {PACKED("\x01\x02\x00\x00\x00")}, /* length and check differ */
        {PACKED("\x03\x02\x00")},         /* goes back before the first byte */
        {PACKED("\xfd\xff\xff\xff\xff")}, /* more codes than there may be */
    };
    struct buf out;
    (void)state;
    buf_init(&out, BUF_NO_LIMIT);
    buf_puts(&out, "the caller's own");
    for (size_t i = 0; i < array_len(cases); i++)
        assert_int_equal(unpack(&out, cases[i].packed, cases[i].n), -1);
    assert_string_equal(buf_str(&out), "the caller's own");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_block),
        cmocka_unit_test(cut_data_is_refused),
        cmocka_unit_test(damaged_data_does_no_harm),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
