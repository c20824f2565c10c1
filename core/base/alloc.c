/* Allocation that cannot fail. The one idea: a supervisor that cannot get a few bytes for
 * something small cannot go on, so every such failure leaves through oom() below. */
#include "core/base/alloc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void (*oom_hook)(void);

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

void *xmalloc(size_t size)
{
    void *p = malloc(size ? size : 1);

    if (!p)
        oom();
    return p;
}

void *xcalloc(size_t count, size_t size)
{
    void *p = count && size ? calloc(count, size) : calloc(1, 1);

    if (!p)
        oom();
    return p;
}

void *xreallocarray(void *old, size_t count, size_t size)
{
    size_t total;
    void *p;

    if (!size_mul(count, size, &total))
        oom();
    p = realloc(old, total ? total : 1);
    if (!p)
        oom();
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
