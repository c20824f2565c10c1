/* Text to numbers. The one idea: every step is checked, and what a configuration holds
 * follows the grammar of Python's int(), since that is what upstream passes it to. */
#include "core/base/num.h"

#include "core/base/str.h"

#include <math.h>
#include <string.h>

/* int(text, base): sign, digits, single underscores between digits; for base 8 an
 * optional 0o, which one underscore may follow. The magnitude comes back apart from the
 * sign. */
static int parse_signed(struct span s, unsigned base, uint64_t *magnitude, bool *negative)
{
    uint64_t v = 0;
    bool digit_before = false;
    size_t i = 0;

    s = span_trim(s);
    *negative = s.len > 0 && s.ptr[0] == '-';
    if (s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+'))
        i = 1;
    if (base == 8 && s.len - i > 2 && s.ptr[i] == '0' &&
        char_lower(s.ptr[i + 1]) == 'o') {
        i += 2;
        digit_before = true; /* so that 0o_7 passes, as in Python */
    }
    if (i == s.len)
        return -1;
    for (; i < s.len; i++) {
        unsigned digit = (unsigned)(unsigned char)s.ptr[i] - '0';
        if (s.ptr[i] == '_' && digit_before && i + 1 < s.len) {
            digit_before = false;
            continue;
        }
        if (digit >= base || __builtin_mul_overflow(v, base, &v) ||
            __builtin_add_overflow(v, digit, &v))
            return -1;
        digit_before = true;
    }
    *magnitude = v;
    return 0;
}

static int parse_span(struct span s, int64_t min, int64_t max, int64_t *out)
{
    uint64_t magnitude;
    bool negative;
    int64_t v;

    if (parse_signed(s, 10, &magnitude, &negative) < 0)
        return -1;
    if (magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return -1;
    if (!negative)
        v = (int64_t)magnitude;
    else
        v = magnitude > INT64_MAX ? INT64_MIN : -(int64_t)magnitude;
    if (v < min || v > max)
        return -1;
    *out = v;
    return 0;
}

int parse_int(const char *text, int64_t min, int64_t max, int64_t *out)
{
    return parse_span(span_of(text), min, max, out);
}

int parse_octal(const char *text, unsigned max, unsigned *out)
{
    uint64_t v;
    bool negative;

    if (parse_signed(span_of(text), 8, &v, &negative) < 0)
        return -1;
    if (v > max || (negative && v != 0))
        return -1;
    *out = (unsigned)v;
    return 0;
}

int parse_bool(const char *text, bool *out)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {
        {"yes", true}, {"true", true},   {"on", true},   {"1", true},
        {"no", false}, {"false", false}, {"off", false}, {"0", false},
    };

    for (size_t i = 0; i < array_len(words); i++)
        if (span_eq_nocase(span_of(text), words[i].word)) {
            *out = words[i].value;
            return 0;
        }
    return -1;
}

int parse_bytes(const char *text, int64_t *out)
{
    static const struct {
        const char *suffix;
        int64_t factor;
    } units[] = {{"kb", 1 << 10}, {"mb", 1 << 20}, {"gb", 1 << 30}};
    struct span s = span_of(text);
    int64_t v, factor = 1;

    for (size_t i = 0; s.len >= 2 && i < array_len(units); i++)
        if (span_eq_nocase((struct span){s.ptr + s.len - 2, 2}, units[i].suffix)) {
            factor = units[i].factor;
            s.len -= 2;
            break;
        }
    if (parse_span(s, INT64_MIN, INT64_MAX, &v) < 0)
        return -1;
    if (__builtin_mul_overflow(v, factor, &v))
        return -1;
    *out = v;
    return 0;
}

int parse_digits(const char *text, size_t n, unsigned base, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;

    if (n == 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        char c = char_lower(text[i]);
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                                                : 16;
        if (digit >= base || __builtin_mul_overflow(v, base, &v) ||
            __builtin_add_overflow(v, digit, &v) || v > max)
            return -1;
    }
    *out = v;
    return 0;
}

/* Of the number ten to the power of n at once: exact up to 10^22. */
static double scaled(double v, int exponent)
{
    double power = 1, base = 10;

    for (int n = exponent < 0 ? -exponent : exponent; n > 0; n >>= 1) {
        if (n & 1)
            power *= base;
        base *= base;
    }
    return exponent < 0 ? v / power : v * power;
}

int parse_double(const char *text, double *out)
{
    struct span s = span_trim(span_of(text));
    const char *p = s.ptr, *end = s.ptr + s.len;
    bool negative = false, point = false;
    int64_t exponent = 0;
    uint64_t digits = 0;
    int skipped = 0, seen = 0;
    double v;

    if (s.len == 0 || s.len >= 64)
        return -1;
    if (*p == '+' || *p == '-')
        negative = *p++ == '-';
    for (; p < end && ((*p >= '0' && *p <= '9') || (*p == '.' && !point)); p++)
        if (*p == '.') {
            point = true;
        } else {
            seen++;
            if (digits < UINT64_MAX / 10 - 1) {
                digits = digits * 10 + (unsigned)(*p - '0');
                skipped -= point;
            } else {
                skipped += !point;
            }
        }
    if (seen == 0)
        return -1;
    if (p < end && (*p == 'e' || *p == 'E')) {
        char copy[64] = {0};
        memcpy(copy, p + 1, (size_t)(end - p) - 1);
        if (strspn(copy, "+-0123456789") != strlen(copy) ||
            parse_int(copy, INT32_MIN, INT32_MAX, &exponent) < 0)
            return -1;
        p = end;
    }
    exponent = exponent < -999 ? -999 : exponent > 999 ? 999 : exponent;
    exponent += skipped;
    /* in two steps where one power would be more than a number can be */
    v = scaled((double)digits, exponent < -300 ? -300 : (int)exponent);
    if (exponent < -300)
        v = scaled(v, (int)exponent + 300);
    if (digits == 0)
        v = 0;
    if (p != end || !isfinite(v))
        return -1;
    *out = negative ? -v : v;
    return 0;
}
