/* Text to numbers. The one idea: one digit loop (parse_digits) that checks every step,
 * with the grammar of Python's int(), since that is what upstream's configuration passes
 * to. */
#include "core/base/num.h"

#include "core/base/str.h"

/* int(text, base): sign, digits, single underscores between digits; for base 8 an
 * optional 0o, which one underscore may follow. The magnitude comes back apart from the
 * sign. */
static int parse_digits(struct span s, unsigned base, uint64_t *magnitude, bool *negative)
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

    if (parse_digits(s, 10, &magnitude, &negative) < 0)
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

    if (parse_digits(span_of(text), 8, &v, &negative) < 0)
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
