/* Our printf against the C library's: every conversion with every flag, width and
 * precision that the header promises. */
/* links: core/base/format.c */
#include "core/base/format.h"

#include "core/base/util.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#pragma clang diagnostic ignored "-Wformat-nonliteral"

static int ours(char *out, size_t size, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int n = format_text(out, size, fmt, args);
    va_end(args);
    return n;
}

/* The same arguments to both; sizes from none to enough. */
#define SAME(fmt, ...)                                                                   \
    do {                                                                                 \
        static const size_t sizes[] = {0, 1, 2, 7, 100};                                 \
        for (size_t s_ = 0; s_ < array_len(sizes); s_++) {                               \
            char want_[100], have_[100];                                                 \
            memset(want_, 'x', sizeof want_);                                            \
            memset(have_, 'x', sizeof have_);                                            \
            int n_ = snprintf(want_, sizes[s_], fmt, __VA_ARGS__);                       \
            assert_int_equal(ours(have_, sizes[s_], fmt, __VA_ARGS__), n_);              \
            assert_memory_equal(have_, want_, sizeof want_);                             \
        }                                                                                \
    } while (0)

static void integers_as_the_library(void **state)
{
    static const char *const flags[] = {"",   "-",  "0",  "+",  " ",  "#",
                                        "-0", "+0", "#0", "-+", " 0", "-#"};
    static const char *const counts[] = {"",   "1", "7",   "25",  ".0",
                                         ".1", ".", "3.2", "9.12"};
    static const char types[] = "diuxXo";
    static const int64_t values[] = {0,
                                     1,
                                     -1,
                                     9,
                                     10,
                                     127,
                                     128,
                                     -129,
                                     65535,
                                     70000,
                                     INT_MAX,
                                     INT_MIN,
                                     1 + (int64_t)UINT_MAX,
                                     INT64_MAX,
                                     INT64_MIN};
    char fmt[32];

    UNUSED(state);
    for (size_t f = 0; f < array_len(flags); f++)
        for (size_t c = 0; c < array_len(counts); c++)
            for (const char *t = types; *t; t++)
                for (size_t v = 0; v < array_len(values); v++) {
#define LENGTH(length, type)                                                             \
    do {                                                                                 \
        snprintf(fmt, sizeof fmt, "<%%%s%s%s%c>", flags[f], counts[c], length, *t);      \
        SAME(fmt, (type)values[v]);                                                      \
    } while (0)
                    LENGTH("", int);
                    LENGTH("hh", int);
                    LENGTH("h", int);
                    LENGTH("l", long);
                    LENGTH("ll", long long);
                    LENGTH("j", intmax_t);
                    LENGTH("z", size_t);
                    LENGTH("t", ptrdiff_t);
                }
}

static void texts_as_the_library(void **state)
{
    static const char *const fmts[] = {"%s",   "%-9s|", "%9s|",   "%.3s|",   "%.0s|",
                                       "%.s|", "%9.2s", "%-9.2s", "a%%b%s%%"};
    static const char *const texts[] = {"", "a", "abc", "abcdefghij", "\xc3\xa4"};

    UNUSED(state);
    for (size_t f = 0; f < array_len(fmts); f++)
        for (size_t t = 0; t < array_len(texts); t++)
            SAME(fmts[f], texts[t]);
    SAME("%*s|%-*s|%.*s|%*d", 7, "ab", 7, "ab", 1, "ab", -7, 5);
    SAME("%.*s|%.*d", -1, "whole", -3, 7);
    SAME("%c%c|%3c|%-3c|", 'a', 0, 'b', 'c');
    SAME("%p %p", (void *)0x1234, (void *)-1);
    SAME("%d %s %zu %04x %lld.%03d%c", 1, "two", (size_t)3, 4u, 5ll, 6, '7');
    SAME("no %s", "conversion");
    errno = ENOENT;
    char text[64];
    assert_int_equal(ours(text, sizeof text, "%m"), strlen(strerror(ENOENT)));
    assert_string_equal(text, strerror(ENOENT));
    char four[3] = {'a', 'b', 'c'}; /* %.*s may end where there is no NUL */
    SAME("%.*s", 3, four);
}

static void the_rest_is_refused(void **state)
{
    static const char *const bad[] = {"%f", "%e", "%g", "%a", "%n", "%", "%5", "a%k"};
    char text[32];

    UNUSED(state);
    for (size_t i = 0; i < array_len(bad); i++) {
        errno = 0;
        assert_int_equal(ours(text, sizeof text, bad[i], "x"), -1);
        assert_int_equal(errno, EINVAL);
    }
    assert_int_equal(ours(text, sizeof text, "%*d%*d", INT_MAX, 1, INT_MAX, 1), -1);
    assert_int_equal(errno, EOVERFLOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_as_the_library),
        cmocka_unit_test(texts_as_the_library),
        cmocka_unit_test(the_rest_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
