/* A byte queue with a hard maximum: append at the tail, consume at the head. Binary safe;
 * one NUL is kept past the end, so buf_str() is a C string when the bytes hold no NUL.
 * Invariant: head + len <= cap, len <= max. Full and out of memory are answers, not ends.
 */
#ifndef CORE_BASE_BUF_H
#define CORE_BASE_BUF_H

#include "core/base/util.h"

struct buf {
    char *data;
    size_t head, len, cap, max;
};

#define BUF_NO_LIMIT ((size_t)-1 / 4)

/* An empty queue that owns nothing yet. max_bytes is the most it may ever hold. */
void buf_init(struct buf *b, size_t max_bytes);
/* Gives all memory back; the maximum stays and the queue can be used again. */
void buf_free(struct buf *b);
void buf_wipe(struct buf *b); /* the same, after overwriting what was in it */

/* The bytes waiting; never NULL. Borrowed: dies with the next call that changes b. */
char *buf_data(const struct buf *b);
#define buf_str(b) ((const char *)buf_data(b))

/* How often any queue got no memory (not: was full). Who writes many pieces may look at
 * this once at the end instead of at each of them. */
extern size_t buf_failures;

/* All of these return 0, or -1 with errno ENOBUFS (would pass max) or ENOMEM; on -1
 * nothing was taken. */
int buf_append(struct buf *b, const void *data, size_t n);
int buf_puts(struct buf *b, const char *text);
int buf_putc(struct buf *b, char c);
int buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
int buf_put_uint(struct buf *b, uint64_t v); /* decimal; fast */
int buf_put_int(struct buf *b, int64_t v);
#define BUF_DIGITS 20 /* of a uint64_t, at the most */
/* Writes the decimal digits of v so that they end before `end`. Returns the first. */
char *buf_digits(char *end, uint64_t v);

/* Room for n more bytes at the tail: *room is where to write them; buf_commit then counts
 * those written. 0 or -1 as above. */
int buf_reserve(struct buf *b, size_t n, char **room);
void buf_commit(struct buf *b, size_t n);

/* A hint that n more bytes will come, for an answer made at once: a large queue then lies
 * on huge pages where the kernel has some (a fresh megabyte costs 40 us instead of 460).
 */
void buf_expect(struct buf *b, size_t n);

/* Drops n bytes (at most len) from the head. An emptied queue of more than 64 KiB gives
 * its memory back. */
void buf_consume(struct buf *b, size_t n);
/* Drops everything, and keeps the memory. */
void buf_rewind(struct buf *b);
/* The two change what they hold; each keeps its maximum, which the other must fit. */
void buf_trade(struct buf *a, struct buf *b);
/* Cuts the queue to its first n bytes. */
void buf_truncate(struct buf *b, size_t n);
/* Hands the bytes over as a malloc'ed C string and leaves the queue empty. */
char *buf_detach(struct buf *b);

#endif
