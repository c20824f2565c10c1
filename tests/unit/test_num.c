/* Text to numbers: each row was asked of Python's int() or of upstream's conversion. */
#include "core/base/num.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void integers_are_pythons(void **state)
{
    static const struct {
        const char *text;
        int rc;
        int64_t value;
    } cases[] = {
        {"0", 0, 0},
        {"007", 0, 7},
        {" 42\n", 0, 42},
        {"+5", 0, 5},
        {"-5", 0, -5},
        {"1_000", 0, 1000},
        {"", -1, 0},
        {" ", -1, 0},
        {"-", -1, 0},
        {"+-1", -1, 0},
        {"1__0", -1, 0},
        {"_1", -1, 0},
        {"1_", -1, 0},
        {"- 1", -1, 0},
        {"1 2", -1, 0},
        {"0x10", -1, 0},
        {"1.0", -1, 0},
        {"1e3", -1, 0},
        {"12a", -1, 0},
        {"\xd9\xa1", -1, 0},
        {"9223372036854775807", 0, INT64_MAX},
        {"9223372036854775808", -1, 0},
        {"-9223372036854775808", 0, INT64_MIN},
        {"-9223372036854775809", -1, 0},
        {"18446744073709551617", -1, 0},
        {"99999999999999999999999", -1, 0},
    };
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        int64_t v = 77;
        assert_int_equal(parse_int(cases[i].text, INT64_MIN, INT64_MAX, &v), cases[i].rc);
        assert_true(v == (cases[i].rc == 0 ? cases[i].value : 77));
    }
}

static void ranges_are_kept(void **state)
{
    int64_t v = 0;

    UNUSED(state);
    assert_int_equal(parse_int("0", 1, 65535, &v), -1);
    assert_int_equal(parse_int("65536", 1, 65535, &v), -1);
    assert_int_equal(parse_int("65535", 1, 65535, &v), 0);
    assert_int_equal(parse_int("-1", 0, 10, &v), -1);
}

static void octals_are_pythons(void **state)
{
    static const struct {
        const char *text;
        int rc;
        unsigned value;
    } cases[] = {
        {"022", 0, 022},     {"0o22", 0, 022}, {"0O700", 0, 0700}, {"700", 0, 0700},
        {" 0777 ", 0, 0777}, {"0o_7", 0, 7},   {"-0", 0, 0},       {"8", -1, 0},
        {"0o", -1, 0},       {"o7", -1, 0},    {"", -1, 0},        {"-1", -1, 0},
        {"10000", -1, 0},    {"0o0o7", -1, 0}, {"rwx", -1, 0},
    };
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        unsigned v = 9;
        assert_int_equal(parse_octal(cases[i].text, 07777, &v), cases[i].rc);
        assert_int_equal(v, cases[i].rc == 0 ? cases[i].value : 9);
    }
}

static void booleans_are_upstreams_eight_words(void **state)
{
    static const char *const yes[] = {"yes", "true", "on", "1", "YES", "True", "oN"};
    static const char *const no[] = {"no", "false", "off", "0", "NO", "False", "oFF"};
    static const char *const neither[] = {"",  "y",     "n",     "t",   "f",
                                          "2", " true", "true ", "yess"};
    bool v;

    UNUSED(state);
    for (size_t i = 0; i < array_len(yes); i++) {
        assert_int_equal(parse_bool(yes[i], &v), 0);
        assert_true(v);
        assert_int_equal(parse_bool(no[i], &v), 0);
        assert_false(v);
    }
    for (size_t i = 0; i < array_len(neither); i++)
        assert_int_equal(parse_bool(neither[i], &v), -1);
}

static void sizes_are_upstreams(void **state)
{
    static const struct {
        const char *text;
        int rc;
        int64_t value;
    } cases[] = {
        {"0", 0, 0},
        {"50MB", 0, 50 << 20},
        {"1kb", 0, 1024},
        {"1Gb", 0, 1 << 30},
        {"2 MB", 0, 2 << 20},
        {" 2MB", 0, 2 << 20},
        {"-1kb", 0, -1024},
        {"5", 0, 5},
        {"MB", -1, 0},
        {"5M", -1, 0},
        {"5MB ", -1, 0},
        {"5MBMB", -1, 0},
        {"", -1, 0},
        {"1.5MB", -1, 0},
        {"5TB", -1, 0},
        {"8589934592gb", -1, 0},
        {"8589934591gb", 0, 9223372035781033984},
    };
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        int64_t v = 77;
        assert_int_equal(parse_bytes(cases[i].text, &v), cases[i].rc);
        assert_true(v == (cases[i].rc == 0 ? cases[i].value : 77));
    }
}

static void protocol_digits_are_strict(void **state)
{
    static const struct {
        const char *text;
        unsigned base;
        uint64_t max;
        int rc;
        uint64_t value;
    } cases[] = {
        {"0", 10, 10, 0, 0},
        {"0010", 10, 10, 0, 10},
        {"11", 10, 10, -1, 0},
        {"", 10, 10, -1, 0},
        {"+1", 10, 10, -1, 0},
        {" 1", 10, 10, -1, 0},
        {"1_0", 10, 99, -1, 0},
        {"a", 10, 99, -1, 0},
        {"fF", 16, 255, 0, 255},
        {"g", 16, 255, -1, 0},
        {"100", 16, 255, -1, 0},
        {"0x1", 16, 255, -1, 0},
        {"ffffffffffffffff", 16, UINT64_MAX, 0, UINT64_MAX},
        {"10000000000000000", 16, UINT64_MAX, -1, 0},
        {"18446744073709551616", 10, UINT64_MAX, -1, 0},
    };
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        uint64_t v = 77;
        int rc = parse_digits(cases[i].text, strlen(cases[i].text), cases[i].base,
                              cases[i].max, &v);
        assert_int_equal(rc, cases[i].rc);
        assert_true(v == (rc == 0 ? cases[i].value : 77));
    }
}

static void fractions_are_finite_decimals(void **state)
{
    static const char *const bad[] = {"",      "1,5",  "0x1p3", "inf", "nan",
                                      "1e999", "1.5x", "e",     "--1", "1 2"};
    double v;

    UNUSED(state);
    assert_int_equal(parse_double(" -1.5e3\n", &v), 0);
    assert_true(v > -1500.5 && v < -1499.5);
    assert_int_equal(parse_double("7", &v), 0);
    for (size_t i = 0; i < array_len(bad); i++)
        assert_int_equal(parse_double(bad[i], &v), -1);
    static const char *const exact[] = {
        "0",     "-0.0",  ".5",       "5.",     "0.1",
        "0.001", "1e22",  "1.5e-7",   "1e15",   "123456789012345",
        "0.3e1", "7e-22", "00012.50", "0e9999", "1e-99999"};
    for (size_t i = 0; i < array_len(exact); i++) {
        double want = strtod(exact[i], NULL);
        assert_int_equal(parse_double(exact[i], &v), 0);
        assert_memory_equal(&v, &want, sizeof v);
    }
    static const char *const near[] = {
        "3.14159265358979323846264338327950288",
        "1e300",
        "1e308",
        "2.2250738585072014e-308",
        "0.00000000000000000000000000000000000000000000001e-290",
        "999999999999999999999999999999999999e-20"};
    for (size_t i = 0; i < array_len(near); i++) {
        double want = strtod(near[i], NULL), ratio;
        assert_int_equal(parse_double(near[i], &v), 0);
        ratio = want > 0 ? v / want : 1;
        assert_true(ratio > 1 - 1e-14 && ratio < 1 + 1e-14);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_pythons),
        cmocka_unit_test(ranges_are_kept),
        cmocka_unit_test(octals_are_pythons),
        cmocka_unit_test(booleans_are_upstreams_eight_words),
        cmocka_unit_test(sizes_are_upstreams),
        cmocka_unit_test(protocol_digits_are_strict),
        cmocka_unit_test(fractions_are_finite_decimals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
