/* White space and repr() as Python has them. */
#include "core/base/pytext.h"

#include "core/base/alloc.h"
#include "core/base/buf.h"
#include "core/base/utf8.h"

#include <stdlib.h>
#include <string.h>

static bool is_space(uint32_t c)
{
    return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xa0 ||
           c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
           c == 0x202f || c == 0x205f || c == 0x3000;
}

size_t py_space_at(const char *p, size_t n)
{
    if ((unsigned char)*p < 0x80)
        return is_space((unsigned char)*p) ? 1 : 0;
    uint32_t c;
    size_t len = utf8_decode(p, n, &c);
    return len > 0 && is_space(c) ? len : 0;
}

/* Bytes of the white space character that ends s, or 0. */
static size_t space_before_end(struct span s)
{
    for (size_t back = 1; back <= 3 && back <= s.len; back++) {
        const char *p = s.ptr + s.len - back;
        if (((unsigned char)*p & 0xc0) == 0x80)
            continue; /* inside a character: go on to its first byte */
        return py_space_at(p, back) == back ? back : 0;
    }
    return 0;
}

bool py_space_ends(struct span s)
{
    return space_before_end(s) > 0;
}

struct span py_rstrip(struct span s)
{
    size_t n;
    while ((n = space_before_end(s)) > 0)
        s.len -= n;
    return s;
}

struct span py_strip(struct span s)
{
    size_t n;
    while (s.len > 0 && (n = py_space_at(s.ptr, s.len)) > 0) {
        s.ptr += n;
        s.len -= n;
    }
    return py_rstrip(s);
}

bool py_word(struct span *rest, struct span *word)
{
    *rest = py_strip(*rest);
    if (rest->len == 0)
        return false;
    size_t i = 0;
    while (i < rest->len && py_space_at(rest->ptr + i, rest->len - i) == 0)
        i++;
    *word = (struct span){rest->ptr, i};
    rest->ptr += i;
    rest->len -= i;
    return true;
}

/* Whether repr() writes the character itself. Python asks the Unicode tables; the ranges
 * here cover controls, separators and what is not assigned to text. */
static bool is_printable(uint32_t c)
{
    if (c == ' ')
        return true;
    return c > 32 && c != 0x7f && !(c >= 0x80 && c < 0xa0) && c != 0xad && !is_space(c) &&
           !(c >= 0x200b && c <= 0x200f) && !(c >= 0x202a && c <= 0x202e) &&
           !(c >= 0x2060 && c <= 0x206f) && !(c >= 0xe000 && c <= 0xf8ff) &&
           c != 0xfeff && c < 0xf0000;
}

static void put_char(struct buf *out, uint32_t c, const char *bytes, size_t n, char quote)
{
    if (c == (unsigned char)quote || c == '\\')
        buf_printf(out, "\\%c", (int)c);
    else if (c == '\n')
        buf_puts(out, "\\n");
    else if (c == '\r')
        buf_puts(out, "\\r");
    else if (c == '\t')
        buf_puts(out, "\\t");
    else if (is_printable(c))
        buf_append(out, bytes, n);
    else if (c < 0x100)
        buf_printf(out, "\\x%02x", (unsigned)c);
    else
        buf_printf(out, c < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned)c);
}

static char quote_for(struct span s)
{
    bool has_single = s.len > 0 && memchr(s.ptr, '\'', s.len);
    bool has_double = s.len > 0 && memchr(s.ptr, '"', s.len);
    return has_single && !has_double ? '"' : '\'';
}

char *py_repr_bytes(struct span s)
{
    char quote = quote_for(s);
    struct buf out;

    buf_init(&out, BUF_NO_LIMIT);
    buf_printf(&out, "b%c", quote);
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c < 0x80)
            put_char(&out, c, s.ptr + i, 1, quote);
        else
            buf_printf(&out, "\\x%02x", c);
    }
    buf_putc(&out, quote);
    return buf_detach(&out);
}

char *py_repr(struct span s)
{
    char quote = quote_for(s);
    struct buf out;

    buf_init(&out, BUF_NO_LIMIT);
    buf_putc(&out, quote);
    for (size_t i = 0; i < s.len;) {
        uint32_t c;
        size_t n = utf8_decode(s.ptr + i, s.len - i, &c);
        if (n == 0)
            buf_printf(&out, "\\x%02x", (unsigned)(unsigned char)s.ptr[i++]);
        else {
            put_char(&out, c, s.ptr + i, n, quote);
            i += n;
        }
    }
    buf_putc(&out, quote);
    return buf_detach(&out);
}
