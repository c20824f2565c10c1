/* UTF-8. The one idea: a table of lead bytes says the length and the range the second
 * byte must lie in, which excludes overlong forms, surrogates and values too large
 * (Unicode standard, table 3-7). */
#include "core/base/utf8.h"

#include <string.h>

static const struct lead {
    unsigned char first, last; /* lead bytes of this row */
    unsigned char len, second_min, second_max;
} leads[] = {
    {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf}, {0xe1, 0xec, 3, 0x80, 0xbf},
    {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf}, {0xf0, 0xf0, 4, 0x90, 0xbf},
    {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

/* Bytes at p that begin a sequence correctly, at least 1; *whole: they are all of it. */
static size_t measure(const unsigned char *p, size_t n, bool *whole)
{
    const struct lead *row = NULL;
    size_t i;

    *whole = p[0] < 0x80;
    if (*whole)
        return 1;
    for (i = 0; i < array_len(leads) && !row; i++)
        if (p[0] >= leads[i].first && p[0] <= leads[i].last)
            row = &leads[i];
    if (!row || n < 2 || p[1] < row->second_min || p[1] > row->second_max)
        return 1;
    for (i = 2; i < row->len && i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return i;
    *whole = i == row->len;
    return i;
}

size_t utf8_decode(const char *p, size_t n, uint32_t *rune)
{
    const unsigned char *u = (const unsigned char *)p;
    bool whole;
    size_t len;

    if (n == 0)
        return 0;
    len = measure(u, n, &whole);
    if (!whole)
        return 0;
    *rune = len == 1 ? u[0] : u[0] & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++)
        *rune = *rune << 6 | (u[i] & 0x3f);
    return len;
}

size_t utf8_step(const char *p, size_t n)
{
    bool whole;

    return measure((const unsigned char *)p, n, &whole);
}

/* Bytes of plain ASCII at p, eight at a time. */
static size_t ascii_run(const char *p, size_t n)
{
    size_t i = 0;

    for (; n - i >= 8; i += 8) {
        uint64_t word;
        memcpy(&word, p + i, 8);
        if (word & 0x8080808080808080u)
            break;
    }
    while (i < n && !((unsigned char)p[i] & 0x80))
        i++;
    return i;
}

/* Bytes of valid UTF-8 at p. */
static size_t valid_run(const char *p, size_t n)
{
    size_t i = 0;
    bool whole;

    for (;;) {
        i += ascii_run(p + i, n - i);
        if (i == n)
            return i;
        size_t len = measure((const unsigned char *)p + i, n - i, &whole);
        if (!whole)
            return i;
        i += len;
    }
}

bool utf8_valid(const char *p, size_t n)
{
    return valid_run(p, n) == n;
}

size_t utf8_count(const char *p, size_t n)
{
    size_t count = 0;

    for (size_t i = 0; i < n;) {
        size_t run = ascii_run(p + i, n - i);
        i += run;
        count += run;
        if (i == n)
            break;
        i += utf8_step(p + i, n - i);
        count++;
    }
    return count;
}

int utf8_clean(struct buf *out, const char *p, size_t n)
{
    size_t before = out->len;

    for (size_t i = 0; i < n;) {
        size_t run = valid_run(p + i, n - i);
        if (buf_append(out, p + i, run) < 0)
            goto refuse;
        i += run;
        if (i == n)
            break;
        if (buf_append(out, "\xef\xbf\xbd", 3) < 0)
            goto refuse;
        i += utf8_step(p + i, n - i);
    }
    return 0;
refuse:
    buf_truncate(out, before);
    return -1;
}

size_t utf8_encode(uint32_t rune, char out[4])
{
    if (rune < 0x80) {
        out[0] = (char)rune;
        return 1;
    }
    size_t len = rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (rune & 0x3f));
        rune >>= 6;
    }
    out[0] = (char)((0xf00u >> len & 0xff) | rune);
    return len;
}
