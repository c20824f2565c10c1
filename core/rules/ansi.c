#include "core/rules/ansi.h"

#include <string.h>

enum { TEXT, BEHIND_ESC, IN_SEQUENCE };

#define BIT(letter) (UINT64_C(1) << ((letter) - 'A'))
/* The letters that end a sequence, as upstream has them. */
static const uint64_t enders = BIT('A') | BIT('B') | BIT('C') | BIT('D') | BIT('H') |
                               BIT('J') | BIT('K') | BIT('R') | BIT('f') | BIT('h') |
                               BIT('l') | BIT('m') | BIT('p') | BIT('s') | BIT('u');

static bool is_ender(char c)
{
    unsigned at = (unsigned char)c - (unsigned)'A';

    return at < 64 && (enders >> at & 1) != 0;
}

/* What stands before the next escape goes over in one piece: a byte at a time would cost
 * more than reading and writing it. */
static size_t copy_text(const char *data, size_t n, char *out)
{
    const char *escape = memchr(data, '\033', n);
    size_t len = escape ? (size_t)(escape - data) : n;

    memcpy(out, data, len);
    return len;
}

size_t ansi_strip(struct ansi *a, const char *data, size_t n, char *out)
{
    size_t len = 0, i = 0;
    while (i < n) {
        if (a->phase == TEXT) {
            size_t text = copy_text(data + i, n - i, out + len);
            len += text;
            i += text + 1; /* the escape too, if one is there */
            a->phase = i <= n ? BEHIND_ESC : TEXT;
            continue;
        }
        char c = data[i];
        if (a->phase == IN_SEQUENCE) {
            i++;
            if (is_ender(c))
                a->phase = TEXT;
        } else if (c == '[') {
            i++;
            a->phase = IN_SEQUENCE;
        } else { /* an escape of another kind stays, and this may be the next one */
            out[len++] = '\033';
            a->phase = TEXT;
        }
    }
    return len;
}

bool ansi_is_text(const struct ansi *a, const char *data, size_t n)
{
    return a->phase == TEXT && memchr(data, '\033', n) == NULL;
}
