/* Allocation that cannot fail, for small things whose size this program decides.
 * Whatever a peer, a child or a file sizes goes through struct buf instead, which can say
 * no. When memory is gone one line goes to stderr and the process exits with status 1;
 * alloc_set_oom_hook puts something before that. Everything returned is freed by free().
 *
 * A program that must outlive a shortage keeps a reserve: memory that is asked for at the
 * start, never touched (so it costs address space and nothing else) and given back to the
 * allocator at the first failure. What happens then: while alloc_is_short() the program
 * does without what it can do without, and asks alloc_recover() from time to time. If the
 * reserve is not enough either, the caller waits, 10 seconds in all at the most, for
 * memory to come back: a supervisor that answers late is better than none.
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

/* Keeps a reserve of so many bytes from now on; 0 gives it up. */
void alloc_keep_reserve(size_t bytes);
/* True from the first failure until the reserve could be taken again. */
bool alloc_is_short(void);
/* Tries to take the reserve again. True when it is whole. */
bool alloc_recover(void);
/* For those who allocate otherwise. After a failure: gives the reserve back; true if
 * there was one, so that it is worth trying again. Never waits. */
bool alloc_use_reserve(void);
/* The same, and waits for memory where there is no reserve: returns when it is worth
 * trying again to get so many bytes, or not at all. */
void alloc_want(size_t bytes);

/* Overwrites what must not stay in memory, in a way no compiler leaves out. */
void alloc_wipe(void *p, size_t n);
void alloc_wipe_text(char *text); /* NULL is fine */

/* Called once before the exit for lack of memory; NULL removes it. */
void alloc_set_oom_hook(void (*hook)(void));

#endif
