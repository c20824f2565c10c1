/* The one idea: both ends are read before anything is written, as far as they may overlap
 * each other, so that there is no loop below 16 bytes and none for the rest above. */
#include "core/base/copy.h"

#include <stdint.h>

/* From here on the processor's own copy is the faster one. */
#define LONG_BYTES 512

typedef unsigned char word128 __attribute__((vector_size(16)));

/* Copies of a constant size are single moves. */
#define COPY_ENDS(type)                                                                  \
    do {                                                                                 \
        type first, last;                                                                \
        __builtin_memcpy(&first, from, sizeof first);                                    \
        __builtin_memcpy(&last, from + n - sizeof last, sizeof last);                    \
        __builtin_memcpy(to, &first, sizeof first);                                      \
        __builtin_memcpy(to + n - sizeof last, &last, sizeof last);                      \
    } while (0)

static inline void copy_words(char *to, const char *from, size_t n)
{
    word128 last, next;

    __builtin_memcpy(&last, from + n - sizeof last, sizeof last);
    for (size_t i = 0; i < n - sizeof next; i += sizeof next) {
        __builtin_memcpy(&next, from + i, sizeof next);
        __builtin_memcpy(to + i, &next, sizeof next);
    }
    __builtin_memcpy(to + n - sizeof last, &last, sizeof last);
}

static inline void copy(char *to, const char *from, size_t n)
{
#ifdef __x86_64__
    if (n > LONG_BYTES) {
        __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
        return;
    }
#endif
    if (n >= sizeof(word128))
        copy_words(to, from, n);
    else if (n >= 8)
        COPY_ENDS(uint64_t);
    else if (n >= 4)
        COPY_ENDS(uint32_t);
    else if (n >= 2)
        COPY_ENDS(uint16_t);
    else if (n == 1)
        *to = *from;
}

void *copy_bytes(void *to, const void *from, size_t n)
{
    copy(to, from, n);
    return to;
}

static inline int compare(const unsigned char *a, const unsigned char *b, size_t n)
{
    uint64_t x, y;

    for (; n >= sizeof x; a += sizeof x, b += sizeof x, n -= sizeof x) {
        __builtin_memcpy(&x, a, sizeof x);
        __builtin_memcpy(&y, b, sizeof y);
        if (x != y)
            break; /* the bytes tell which is less */
    }
    for (; n > 0; a++, b++, n--)
        if (*a != *b)
            return *a - *b;
    return 0;
}

int compare_bytes(const void *a, const void *b, size_t n)
{
    return compare(a, b, n);
}

#if defined(FORMAT_FOR_LIBC) && defined(__x86_64__)
void *memcpy(void *to, const void *from, size_t n)
{
    copy(to, from, n);
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    return compare(a, b, n);
}

/* musl's memmove goes on here where it may copy upwards. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl*): the name is musl's */
void *__memcpy_fwd(void *to, const void *from, size_t n)
    __attribute__((alias("memcpy"), visibility("hidden")));
#endif
