/* Allocation that cannot fail. The one idea: a supervisor that cannot get a few bytes for
 * something small cannot go on, so every such failure ends in alloc_want() below, which
 * finds memory or does not return. */
#include "core/base/alloc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    WAIT_STEP_MS = 10,
    WAIT_STEPS = 1000,     /* 10 s of waiting in one shortage */
    SMALL_BYTES = 16 << 20 /* more is a mistake, for which there is no point in waiting */
};

static void (*oom_hook)(void);
static void *reserve;
static size_t reserve_bytes; /* 0: none is kept */
static bool is_short;
static int waited_steps; /* in this shortage */

void alloc_set_oom_hook(void (*hook)(void))
{
    oom_hook = hook;
}

static NORETURN void oom(void)
{
    static const char line[] = "out of memory\n";
    void (*hook)(void) = oom_hook;

    oom_hook = NULL; /* a hook that allocates must not come back here */
    if (hook)
        hook();
    if (write(STDERR_FILENO, line, sizeof line - 1) < 0)
        _exit(1);
    _exit(1); /* not exit(): its handlers may allocate */
}

void alloc_keep_reserve(size_t bytes)
{
    free(reserve);
    reserve_bytes = bytes;
    reserve = bytes ? malloc(bytes) : NULL;
    is_short = bytes && !reserve;
}

bool alloc_is_short(void)
{
    return is_short;
}

bool alloc_recover(void)
{
    if (is_short && !reserve)
        reserve = malloc(reserve_bytes);
    if (reserve) {
        is_short = false;
        waited_steps = 0;
    }
    return !is_short;
}

bool alloc_use_reserve(void)
{
    is_short = is_short || reserve_bytes;
    if (!reserve)
        return false;
    free(reserve);
    reserve = NULL;
    return true;
}

void alloc_want(size_t bytes)
{
    const struct timespec step = {.tv_nsec = WAIT_STEP_MS * 1000000L};

    if (!reserve_bytes || bytes > SMALL_BYTES)
        oom();
    if (alloc_use_reserve())
        return;
    if (waited_steps++ >= WAIT_STEPS)
        oom();
    nanosleep(&step, NULL);
}

void alloc_wipe(void *p, size_t n)
{
    memset(p, 0, n);
    __asm__ volatile("" : : "r"(p) : "memory"); /* as if somebody read it: it is done */
}

void alloc_wipe_text(char *text)
{
    if (text)
        alloc_wipe(text, strlen(text));
}

void *xmalloc(size_t size)
{
    void *p;

    while (!(p = malloc(size ? size : 1)))
        alloc_want(size);
    return p;
}

void *xcalloc(size_t count, size_t size)
{
    size_t total;
    void *p;

    if (!size_mul(count, size, &total))
        oom();
    while (!(p = total ? calloc(count, size) : calloc(1, 1)))
        alloc_want(total);
    return p;
}

void *xreallocarray(void *old, size_t count, size_t size)
{
    size_t total;
    void *p;

    if (!size_mul(count, size, &total))
        oom();
    while (!(p = realloc(old, total ? total : 1)))
        alloc_want(total);
    return p;
}

char *xstrdup(const char *text)
{
    return text ? xstrndup(text, strlen(text)) : NULL;
}

char *xstrndup(const char *text, size_t n)
{
    size_t total;
    char *copy;

    if (!size_add(n, 1, &total))
        oom();
    copy = xmalloc(total);
    if (n > 0)
        memcpy(copy, text, n);
    copy[n] = '\0';
    return copy;
}

char *xasprintf(const char *fmt, ...)
{
    va_list args, again;
    char *text;
    int n;

    va_start(args, fmt);
    va_copy(again, args);
    n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0)
        oom(); /* longer than INT_MAX: no small thing */
    text = xmalloc((size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}
