/* Numbers and texts into a buffer of fixed size. The one idea: every conversion becomes a
 * prefix, a count of zeros and a body, and one function pads them. */
#include "core/base/format.h"

#include "core/base/alloc.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sink {
    char *out;
    size_t size, len; /* len goes on counting when the buffer is full */
};

struct spec {
    bool left, zero, plus, blank, alternate;
    int width, precision; /* precision -1: none */
    char length;          /* H: hh, L: ll */
};

static void put(struct sink *s, const char *text, size_t n)
{
    if (s->len < s->size)
        memcpy(s->out + s->len, text, n < s->size - s->len ? n : s->size - s->len);
    s->len += n;
}

static void fill(struct sink *s, char c, size_t n)
{
    if (s->len < s->size)
        memset(s->out + s->len, c, n < s->size - s->len ? n : s->size - s->len);
    s->len += n;
}

static void put_padded(struct sink *s, const struct spec *sp, const char *prefix,
                       size_t zeros, const char *body, size_t n)
{
    size_t before = strlen(prefix), all = before + zeros + n;
    size_t pad = sp->width > 0 && (size_t)sp->width > all ? (size_t)sp->width - all : 0;

    if (!sp->left)
        fill(s, ' ', pad);
    put(s, prefix, before);
    fill(s, '0', zeros);
    put(s, body, n);
    if (sp->left)
        fill(s, ' ', pad);
}

static void put_number(struct sink *s, const struct spec *sp, uintmax_t v, char type,
                       const char *prefix)
{
    unsigned base = type == 'o' ? 8 : type == 'x' || type == 'X' ? 16 : 10;
    const char *letters = type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    char digits[sizeof v * CHAR_BIT / 3 + 1], *p = digits + sizeof digits;
    size_t n, zeros = 0;

    if (sp->alternate && base == 16 && v > 0)
        prefix = type == 'x' ? "0x" : "0X";
    for (; v > 0; v /= base)
        *--p = letters[v % base];
    n = (size_t)(digits + sizeof digits - p);
    if (sp->precision < 0 && sp->zero && !sp->left && sp->width > 0 &&
        (size_t)sp->width > n + strlen(prefix))
        zeros = (size_t)sp->width - n - strlen(prefix);
    else if (sp->precision >= 0 && (size_t)sp->precision > n)
        zeros = (size_t)sp->precision - n;
    if (zeros == 0 && ((n == 0 && sp->precision < 0) || (sp->alternate && base == 8)))
        zeros = 1;
    put_padded(s, sp, prefix, zeros, p, n);
}

static intmax_t take_signed(char length, va_list *args)
{
    switch (length) {
    case 'H':
        return (signed char)va_arg(*args, int);
    case 'h':
        return (short)va_arg(*args, int);
    case 'l':
        return va_arg(*args, long);
    case 'L':
        return va_arg(*args, long long);
    case 'j':
        return va_arg(*args, intmax_t);
    case 'z':
    case 't':
        return va_arg(*args, ptrdiff_t);
    default:
        return va_arg(*args, int);
    }
}

static uintmax_t take_unsigned(char length, va_list *args)
{
    uintmax_t v = (uintmax_t)take_signed(length, args);
    size_t bytes = length == 'H'                    ? sizeof(char)
                   : length == 'h'                  ? sizeof(short)
                   : length == 0                    ? sizeof(int)
                   : length == 'l'                  ? sizeof(long)
                   : length == 'z' || length == 't' ? sizeof(size_t)
                                                    : sizeof v;

    return bytes == sizeof v ? v : v & (((uintmax_t)1 << bytes * CHAR_BIT) - 1);
}

/* Digits or a star: a number, or `none` if there is neither. */
static int take_count(const char **fmt, va_list *args, int none)
{
    int n = none;

    if (**fmt == '*') {
        ++*fmt;
        return va_arg(*args, int);
    }
    for (; **fmt >= '0' && **fmt <= '9'; ++*fmt)
        n = n < 0 ? **fmt - '0' : n > INT_MAX / 10 - 1 ? n : n * 10 + (**fmt - '0');
    return n;
}

static struct spec take_spec(const char **fmt, va_list *args)
{
    struct spec sp = {.precision = -1};

    for (;; ++*fmt)
        if (**fmt == '-')
            sp.left = true;
        else if (**fmt == '0')
            sp.zero = true;
        else if (**fmt == '+')
            sp.plus = true;
        else if (**fmt == ' ')
            sp.blank = true;
        else if (**fmt == '#')
            sp.alternate = true;
        else
            break;
    sp.width = take_count(fmt, args, 0);
    if (sp.width < 0) {
        sp.left = true;
        sp.width = sp.width == INT_MIN ? INT_MAX : -sp.width;
    }
    if (**fmt == '.') {
        ++*fmt;
        sp.precision = take_count(fmt, args, -1);
        if (sp.precision < 0 && (*fmt)[-1] == '.')
            sp.precision = 0;
    }
    if (**fmt != '\0' && strchr("hljzt", **fmt)) {
        sp.length = *(*fmt)++;
        if ((sp.length == 'h' || sp.length == 'l') && **fmt == sp.length) {
            sp.length = sp.length == 'h' ? 'H' : 'L';
            ++*fmt;
        }
    }
    return sp;
}

static int put_one(struct sink *s, struct spec *sp, char type, va_list *args)
{
    const char *text;
    intmax_t v;
    char c;

    switch (type) {
    case 'd':
    case 'i':
        v = take_signed(sp->length, args);
        put_number(s, sp, v < 0 ? 0 - (uintmax_t)v : (uintmax_t)v, 'd',
                   v < 0       ? "-"
                   : sp->plus  ? "+"
                   : sp->blank ? " "
                               : "");
        return 0;
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        put_number(s, sp, take_unsigned(sp->length, args), type, "");
        return 0;
    case 'p':
        sp->alternate = true;
        put_number(s, sp, (uintptr_t)va_arg(*args, void *), 'x', "");
        return 0;
    case 'c':
        c = (char)va_arg(*args, int);
        put_padded(s, sp, "", 0, &c, 1);
        return 0;
    case 's':
    case 'm':
        text = type == 'm' ? strerror(errno) : va_arg(*args, const char *);
        if (!text)
            text = "(null)";
        put_padded(s, sp, "", 0, text,
                   sp->precision < 0 ? strlen(text)
                                     : strnlen(text, (size_t)sp->precision));
        return 0;
    case '%':
        put(s, "%", 1);
        return 0;
    default:
        errno = EINVAL;
        return -1;
    }
}

int format_text(char *out, size_t size, const char *fmt, va_list args)
{
    struct sink s = {out, size, 0};
    va_list rest; /* a parameter of this type cannot be passed on by its address */
    int status = 0;

    va_copy(rest, args);
    while (*fmt != '\0' && status == 0) {
        size_t plain = strcspn(fmt, "%");
        put(&s, fmt, plain);
        fmt += plain;
        if (*fmt == '%') {
            fmt++;
            struct spec sp = take_spec(&fmt, &rest);
            char type = *fmt;
            fmt += type != '\0';
            status = put_one(&s, &sp, type, &rest);
        }
    }
    va_end(rest);
    if (size > 0)
        out[s.len < size ? s.len : size - 1] = '\0';
    if (status == 0 && s.len > INT_MAX) {
        errno = EOVERFLOW;
        status = -1;
    }
    return status < 0 ? -1 : (int)s.len;
}

#ifdef FORMAT_FOR_LIBC
/* Under the names by which everybody finds it, musl's own functions included: what a
 * program defines is not taken from the library. */
int vsnprintf(char *restrict out, size_t size, const char *restrict fmt, va_list args)
{
    return format_text(out, size, fmt, args);
}

int vfprintf(FILE *restrict file, const char *restrict fmt, va_list args)
{
    char text[1024], *all = text;
    va_list again;
    int n;

    va_copy(again, args);
    n = format_text(text, sizeof text, fmt, args);
    if (n >= (int)sizeof text) {
        all = xmalloc((size_t)n + 1);
        n = format_text(all, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    if (n > 0 && fwrite(all, 1, (size_t)n, file) != (size_t)n)
        n = -1;
    if (all != text)
        free(all);
    return n;
}
#endif
