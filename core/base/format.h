/* printf's work for the release, in place of musl's (8 KB less: no floating point, no
 * wide characters). It knows the flags - 0 + # and blank, width and precision (also *),
 * the lengths hh h l ll j z t, and d i u x X o c s p m %; anything else is refused: -1,
 * EINVAL. */
#ifndef CORE_BASE_FORMAT_H
#define CORE_BASE_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* As vsnprintf: what the whole text takes, without the NUL, or -1 (EINVAL, EOVERFLOW). */
int format_text(char *out, size_t size, const char *fmt, va_list args);

#endif
