/* A byte queue with a hard maximum. The one idea: the bytes lie in one piece between head
 * and head + len; appending first moves them to the front where that makes room cheaply,
 * and doubles the capacity otherwise, so that a byte is moved O(1) times on average. */
#include "core/base/buf.h"

#include "core/base/alloc.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    FIRST_CAP = 64,
    KEEP_CAP = 64 * 1024,
    SMALL_CAP = 64 * 1024,     /* for so much the reserve may be used */
    EXPECT_BYTES = 512 * 1024, /* less than that is not worth a huge page */
    HUGE_BYTES = 2 * 1024 * 1024
};

size_t buf_failures;

void buf_init(struct buf *b, size_t max_bytes)
{
    *b = (struct buf){.max = max_bytes < BUF_NO_LIMIT ? max_bytes : BUF_NO_LIMIT};
}

void buf_free(struct buf *b)
{
    free(b->data);
    buf_init(b, b->max);
}

void buf_wipe(struct buf *b)
{
    if (b->data)
        alloc_wipe(b->data, b->cap);
    buf_free(b);
}

char *buf_data(const struct buf *b)
{
    static char nothing[1];

    return b->data ? b->data + b->head : nothing;
}

/* Where `need` bytes do not fit behind head. Not inline: nearly always they do fit, and
 * then no register need be saved. */
static __attribute__((noinline)) int grow(struct buf *b, size_t need)
{
    size_t cap;
    char *data;

    if (b->data && need <= b->cap && b->head >= b->len) {
        memmove(b->data, b->data + b->head, b->len);
        b->head = 0;
        return 0;
    }
    cap = b->cap < FIRST_CAP ? FIRST_CAP : b->cap * 2;
    if (cap < need)
        cap = need;
    if (cap > b->max)
        cap = b->max;
    /* A queue that is consumed must not be copied with its dead head by realloc. */
    do {
        data = b->head ? malloc(cap + 1) : realloc(b->data, cap + 1);
    } while (!data && cap <= SMALL_CAP && alloc_use_reserve());
    if (!data) {
        buf_failures++;
        errno = ENOMEM;
        return -1;
    }
    if (b->data && b->head) {
        memcpy(data, b->data + b->head, b->len);
        free(b->data);
        b->head = 0;
    }
    b->data = data;
    b->cap = cap;
    return 0;
}

/* Room for n more bytes and the NUL. cap does not count the NUL's place. */
static int make_room(struct buf *b, size_t n)
{
    if (n > b->max || b->len > b->max - n) {
        errno = ENOBUFS;
        return -1;
    }
    size_t need = b->len + n;
    return b->data && need <= b->cap - b->head ? 0 : grow(b, need);
}

int buf_reserve(struct buf *b, size_t n, char **room)
{
    if (make_room(b, n) < 0)
        return -1;
    *room = b->data + b->head + b->len;
    **room = '\0';
    return 0;
}

void buf_expect(struct buf *b, size_t n)
{
    size_t cap;
    char *data, *room;

    if (n < EXPECT_BYTES || n > b->max || b->len > b->max - n || b->len + n <= b->cap) {
        buf_reserve(b, n, &room); /* if it cannot: the appends will tell */
        return;
    }
    cap = (b->len + n + HUGE_BYTES) & ~(size_t)(HUGE_BYTES - 1); /* the NUL included */
    data = aligned_alloc(HUGE_BYTES, cap);
    if (!data)
        return;
#ifdef MADV_HUGEPAGE
    madvise(data, cap, MADV_HUGEPAGE);
#endif
    memcpy(data, buf_data(b), b->len + 1);
    free(b->data);
    b->data = data;
    b->head = 0;
    b->cap = cap - 1;
}

void buf_commit(struct buf *b, size_t n)
{
    assert(n <= b->cap - b->head - b->len);
    b->len += n;
    if (b->data)
        b->data[b->head + b->len] = '\0';
}

int buf_append(struct buf *b, const void *data, size_t n)
{
    if (n == 0)
        return 0;
    if (make_room(b, n) < 0)
        return -1;
    memcpy(b->data + b->head + b->len, data, n);
    buf_commit(b, n);
    return 0;
}

int buf_puts(struct buf *b, const char *text)
{
    return buf_append(b, text, strlen(text));
}

int buf_putc(struct buf *b, char c)
{
    return buf_append(b, &c, 1);
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
    size_t room = b->data ? b->cap - b->head - b->len + 1 : 0;
    va_list args, again;
    int n;

    va_start(args, fmt);
    va_copy(again, args);
    n = vsnprintf(room ? b->data + b->head + b->len : NULL, room, fmt, args);
    va_end(args);
    if (n < 0) {
        errno = ENOMEM;
        goto refuse;
    }
    if ((size_t)n >= room) {
        if (make_room(b, (size_t)n) < 0)
            goto refuse;
        vsnprintf(b->data + b->head + b->len, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    buf_commit(b, (size_t)n);
    return 0;
refuse:
    va_end(again);
    if (b->data) /* the first attempt may have written there */
        b->data[b->head + b->len] = '\0';
    return -1;
}

/* Two digits a step, from the end: several times as fast as printf. */
char *buf_digits(char *end, uint64_t v)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    char *at = end;

    while (v >= 100) {
        at -= 2;
        memcpy(at, pairs + v % 100 * 2, 2);
        v /= 100;
    }
    if (v >= 10) {
        at -= 2;
        memcpy(at, pairs + v * 2, 2);
    } else {
        *--at = (char)('0' + v);
    }
    return at;
}

int buf_put_uint(struct buf *b, uint64_t v)
{
    char digits[BUF_DIGITS], *end = digits + sizeof digits, *at = buf_digits(end, v);

    return buf_append(b, at, (size_t)(end - at));
}

int buf_put_int(struct buf *b, int64_t v)
{
    size_t before = b->len;

    if (v >= 0)
        return buf_put_uint(b, (uint64_t)v);
    if (buf_putc(b, '-') < 0)
        return -1;
    if (buf_put_uint(b, 0 - (uint64_t)v) < 0) {
        buf_truncate(b, before);
        return -1;
    }
    return 0;
}

void buf_consume(struct buf *b, size_t n)
{
    assert(n <= b->len);
    b->head += n;
    b->len -= n;
    if (b->len > 0)
        return;
    if (b->cap > KEEP_CAP) {
        buf_free(b);
        return;
    }
    b->head = 0;
    if (b->data)
        b->data[0] = '\0';
}

void buf_rewind(struct buf *b)
{
    b->head = 0;
    buf_truncate(b, 0);
}

void buf_trade(struct buf *a, struct buf *b)
{
    struct buf was = *a;

    *a = (struct buf){b->data, b->head, b->len, b->cap, was.max};
    *b = (struct buf){was.data, was.head, was.len, was.cap, b->max};
}

void buf_truncate(struct buf *b, size_t n)
{
    assert(n <= b->len);
    b->len = n;
    if (b->data)
        b->data[b->head + n] = '\0';
}

char *buf_detach(struct buf *b)
{
    char *data = b->data;

    if (!data)
        return xstrdup("");
    if (b->head)
        memmove(data, data + b->head, b->len + 1);
    buf_init(b, b->max);
    return data;
}
