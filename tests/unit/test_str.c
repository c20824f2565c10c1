/* Spans and string vectors. */
#include "core/base/str.h"

#include "core/base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void trim_takes_white_space_off_both_ends(void **state)
{
    static const struct {
        const char *text, *trimmed;
    } cases[] = {{"", ""},
                 {" ", ""},
                 {"a", "a"},
                 {" a b ", "a b"},
                 {"\t\n\v\f\r x", "x"},
                 {"x\xa0 ", "x\xa0"}};
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++)
        assert_true(span_eq(span_trim(span_of(cases[i].text)), cases[i].trimmed));
    assert_int_equal(span_trim(span_of(NULL)).len, 0);
}

static void split_gives_every_piece(void **state)
{
    static const struct {
        const char *text, *joined;
    } cases[] = {{"a,,b", "a|"
                          "|b|"},
                 {"", "|"},
                 {",", "|"
                       "|"},
                 {"a,", "a|"
                        "|"},
                 {"abc", "abc|"}};
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        struct span rest = span_of(cases[i].text), piece;
        char joined[64] = "";
        while (span_split(&rest, ',', &piece)) {
            strncat(joined, piece.ptr, piece.len);
            strcat(joined, "|");
        }
        assert_string_equal(joined, cases[i].joined);
        assert_null(rest.ptr);
    }
}

static void comparisons_know_their_case(void **state)
{
    UNUSED(state);
    assert_true(span_eq(span_of("abc"), "abc"));
    assert_false(span_eq(span_of("abc"), "ab"));
    assert_false(span_eq(span_of("abc"), "ABC"));
    assert_true(span_eq_nocase(span_of("aBc-1"), "AbC-1"));
    assert_false(span_eq_nocase(span_of("a["), "a{")); /* 0x20 apart, no letters */
    assert_true(span_starts(span_of("abc"), ""));
    assert_true(span_starts(span_of("abc"), "ab"));
    assert_false(span_starts(span_of("a"), "ab"));
    assert_true(span_eq(span_of(NULL), ""));
    assert_true(str_eq(NULL, NULL));
    assert_false(str_eq(NULL, ""));
    assert_true(str_eq("a", "a"));
    assert_true(str_starts("abc", "ab"));
    assert_false(str_starts("a", "ab"));
    assert_true(str_ends("abc", "bc"));
    assert_true(str_ends("abc", ""));
    assert_false(str_ends("c", "bc"));
}

static void vectors_own_their_strings(void **state)
{
    struct strv v = {0}, w = {0};
    char text[8];

    UNUSED(state);
    for (int i = 0; i < 100; i++) {
        text[0] = (char)('a' + i * 7 % 26);
        text[1] = '\0';
        strv_push(&v, text);
        assert_null(v.items[v.len]);
    }
    strv_take(&v, xstrdup("zz"));
    strv_copy(&w, &v);
    strv_copy(&w, &w);
    assert_int_equal(w.len, 202);
    assert_true(v.items[0] != w.items[0]);
    strv_sort(&w);
    for (size_t i = 1; i < w.len; i++)
        assert_true(strcmp(w.items[i - 1], w.items[i]) <= 0);
    size_t cap = v.cap;
    strv_clear(&v);
    assert_int_equal(v.len, 0);
    assert_int_equal(v.cap, cap);
    assert_null(v.items[0]);
    strv_free(&v);
    strv_clear(&v);
    strv_free(&w);
    assert_null(w.items);
    assert_int_equal(w.len, 0);
    strv_sort(&w);
    strv_copy(&w, &v);
    assert_null(w.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trim_takes_white_space_off_both_ends),
        cmocka_unit_test(split_gives_every_piece),
        cmocka_unit_test(comparisons_know_their_case),
        cmocka_unit_test(vectors_own_their_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
