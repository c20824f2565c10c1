/* Allocation that cannot fail, for small things whose size this program decides.
 * Whatever a peer, a child or a file sizes goes through struct buf instead, which can say
 * no. When memory is gone one line goes to stderr and the process exits with status 1;
 * alloc_set_oom_hook puts something before that. Everything returned is freed by free().
 */
#ifndef CORE_BASE_ALLOC_H
#define CORE_BASE_ALLOC_H

#include "core/base/util.h"

void *xmalloc(size_t size);               /* never NULL, also for size 0 */
void *xcalloc(size_t count, size_t size); /* zeroed; the product is checked */
void *xreallocarray(void *old, size_t count, size_t size);
char *xstrdup(const char *text);            /* NULL gives NULL */
char *xstrndup(const char *text, size_t n); /* copies n bytes exactly and adds a NUL */
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Called once before the exit for lack of memory; NULL removes it. */
void alloc_set_oom_hook(void (*hook)(void));

#endif
