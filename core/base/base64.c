/* Base64. The one idea: four letters are 24 bits; a table turns letters to values, and
 * the decoder keeps the bits it has in one word. */
#include "core/base/base64.h"

#include "core/base/str.h"

#include <errno.h>

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_encode(struct buf *out, const void *data, size_t n)
{
    const unsigned char *in = data;
    size_t total;
    char *to;

    if (!size_mul(n / 3 + (n % 3 != 0), 4, &total)) {
        errno = ENOBUFS;
        return -1;
    }
    if (buf_reserve(out, total, &to) < 0)
        return -1;
    for (size_t i = 0; i < n; i += 3) {
        size_t have = n - i < 3 ? n - i : 3;
        unsigned v = (unsigned)in[i] << 16;
        if (have > 1)
            v |= (unsigned)in[i + 1] << 8;
        if (have > 2)
            v |= in[i + 2];
        *to++ = letters[v >> 18];
        *to++ = letters[v >> 12 & 63];
        *to++ = have > 1 ? letters[v >> 6 & 63] : '=';
        *to++ = have > 2 ? letters[v & 63] : '=';
    }
    buf_commit(out, total);
    return 0;
}

static int letter_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int base64_decode(struct buf *out, const char *text, size_t n)
{
    size_t count = 0, pads = 0, made = 0; /* letters and = of the present four */
    size_t room = out->max - out->len;
    unsigned bits = 0;
    int wrong = EINVAL;
    char *to;

    if (room > n / 4 * 3 + 3)
        room = n / 4 * 3 + 3;
    if (buf_reserve(out, room, &to) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        int v = letter_value(text[i]);
        if (char_is_space(text[i]))
            continue;
        if (text[i] == '=' && count >= 2 && count + pads < 4) {
            pads++;
        } else if (v >= 0 && pads == 0) {
            bits = bits << 6 | (unsigned)v;
            count++;
        } else {
            goto refuse;
        }
        if (count + pads < 4)
            continue;
        bits <<= 6 * pads;
        if (room - made < 3 - pads) {
            wrong = ENOBUFS;
            goto refuse;
        }
        for (size_t k = 0; k < 3 - pads; k++)
            to[made++] = (char)(bits >> (16 - 8 * k) & 0xff);
        bits = 0;
        if (pads == 0)
            count = 0;
    }
    if (count != 0 && count + pads != 4)
        goto refuse;
    buf_commit(out, made);
    return 0;
refuse:
    buf_commit(out, 0); /* puts the NUL back */
    errno = wrong;
    return -1;
}
