/* memcpy and memcmp for the release on x86_64, in place of musl's: most copies here are
 * of a few bytes, and the start of musl's "rep movsq" costs more than they do; its memcmp
 * goes byte by byte. */
#ifndef CORE_BASE_COPY_H
#define CORE_BASE_COPY_H

#include <stddef.h>

/* As memcpy, but the pieces may overlap where `to` is below `from`. */
void *copy_bytes(void *to, const void *from, size_t n);
int compare_bytes(const void *a, const void *b, size_t n); /* as memcmp */

#endif
