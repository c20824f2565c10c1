/* Macros and checked arithmetic that every file may use. */
#ifndef CORE_BASE_UTIL_H
#define CORE_BASE_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define array_len(a) (sizeof(a) / sizeof((a)[0]))

/* The structure of this type whose member lies at ptr. */
#define container_of(ptr, type, member)                                                  \
    ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define UNUSED(x) ((void)(x))
#define PRINTF_LIKE(fmt_index, first_arg)                                                \
    __attribute__((format(printf, fmt_index, first_arg)))
#define NORETURN __attribute__((noreturn))

/* False when the sum or the product does not fit; *out is then undefined. */
static inline bool size_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

static inline bool size_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

#endif
