/* UTF-8: the borders of validity, and the same replacements as Python's errors='replace'.
 */
#include "core/base/utf8.h"

#include "tests/unit/guarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void borders_are_rfc_3629(void **state)
{
    static const struct {
        const char *bytes;
        size_t len; /* 0: invalid */
        uint32_t rune;
    } cases[] = {
        {"a", 1, 'a'},
        {"\x7f", 1, 0x7f},
        {"\xc2\x80", 2, 0x80},
        {"\xdf\xbf", 2, 0x7ff},
        {"\xe0\xa0\x80", 3, 0x800},
        {"\xed\x9f\xbf", 3, 0xd7ff},
        {"\xee\x80\x80", 3, 0xe000},
        {"\xef\xbf\xbf", 3, 0xffff},
        {"\xf0\x90\x80\x80", 4, 0x10000},
        {"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
        {"\x80", 0, 0},
        {"\xbf", 0, 0},
        {"\xc0\x80", 0, 0}, /* overlong */
        {"\xc1\xbf", 0, 0},
        {"\xe0\x9f\xbf", 0, 0},
        {"\xf0\x8f\xbf\xbf", 0, 0},
        {"\xed\xa0\x80", 0, 0},     /* surrogate */
        {"\xf4\x90\x80\x80", 0, 0}, /* above U+10FFFF */
        {"\xf5\x80\x80\x80", 0, 0},
        {"\xff", 0, 0},
        {"\xc3", 0, 0}, /* cut */
        {"\xe2\x82", 0, 0},
        {"\xf0\x9f\x98", 0, 0},
        {"\xc3(", 0, 0},
    };
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        size_t n = strlen(cases[i].bytes);
        struct guarded g = guarded_new(cases[i].bytes, n);
        uint32_t rune = 0;
        char coded[4];
        assert_int_equal(utf8_decode(g.data, n, &rune), cases[i].len);
        assert_int_equal(utf8_valid(g.data, n), cases[i].len > 0);
        assert_int_equal(utf8_count(g.data, n) == 1,
                         utf8_step(g.data, n) == n); /* each piece counts */
        if (cases[i].len > 0) {
            assert_int_equal(rune, cases[i].rune);
            assert_int_equal(utf8_encode(rune, coded), n);
            assert_memory_equal(coded, cases[i].bytes, n);
        }
        guarded_free(&g);
    }
}

#define R "\xef\xbf\xbd"

static void replacements_are_pythons(void **state)
{
    static const struct {
        const char *bytes, *clean;
    } cases[] = {
        {"", ""},
        {"plain ascii, longer than eight", "plain ascii, longer than eight"},
        {"caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80",
         "caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80"},
        {"12345678\xff", "12345678" R},
        {"a\x80z", "a" R "z"},
        {"\xc3", R},
        {"\xc3\xc3\xa9", R "\xc3\xa9"},
        {"\xe2\x82z", R "z"}, /* a cut sequence is one piece */
        {"\xf0\x9f\x98", R},
        {"\xe0\x80\x80", R R R}, /* overlong: no byte belongs to the next */
        {"\xed\xa0\x80", R R R},
        {"\xf4\x90\x80\x80", R R R R},
        {"\xf0\x9f\xc3\xa9", R "\xc3\xa9"},
    };
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        size_t n = strlen(cases[i].bytes);
        struct guarded g = guarded_new(cases[i].bytes, n);
        struct buf out;
        buf_init(&out, 100);
        assert_int_equal(utf8_clean(&out, g.data, n), 0);
        assert_string_equal(buf_str(&out), cases[i].clean);
        buf_free(&out);
        guarded_free(&g);
    }
}

static void a_full_buffer_keeps_what_it_had(void **state)
{
    struct buf out;

    UNUSED(state);
    buf_init(&out, 6);
    assert_int_equal(buf_puts(&out, "abc"), 0);
    assert_int_equal(utf8_clean(&out, "d\xff", 2), -1);
    assert_string_equal(buf_str(&out), "abc");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(borders_are_rfc_3629),
        cmocka_unit_test(replacements_are_pythons),
        cmocka_unit_test(a_full_buffer_keeps_what_it_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
