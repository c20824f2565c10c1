/* Text to numbers. The one idea: every step is checked, and what a configuration holds
 * follows the grammar of Python's int(), since that is what upstream passes it to. */
#include "core/base/num.h"

#include "core/base/str.h"

#include <math.h>
#include <stdlib.h>
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

int parse_double(const char *text, double *out)
{
    struct span s = span_trim(span_of(text));
    char copy[64], *end;
    double v;

    if (s.len == 0 || s.len >= sizeof copy)
        return -1;
    memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    if (strspn(copy, "0123456789+-.eE") != s.len)
        return -1; /* strtod would take hexadecimal, inf and nan */
    v = strtod(copy, &end);
    if (*end != '\0' || !isfinite(v))
        return -1;
    *out = v;
    return 0;
}
