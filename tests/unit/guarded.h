/* Test input that ends at an unreadable page: one byte read too far crashes, also without
 * a sanitizer. */
#ifndef TESTS_UNIT_GUARDED_H
#define TESTS_UNIT_GUARDED_H

#include <assert.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guarded {
    char *map, *data; /* data: the n bytes, the last one just before the wall */
    size_t map_bytes;
};

static inline struct guarded guarded_new(const void *data, size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = (n + page - 1) / page * page;
    struct guarded g = {.map_bytes = bytes + page};

    g.map = mmap(NULL, g.map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                 -1, 0);
    assert(g.map != MAP_FAILED);
    g.data = g.map + bytes - n;
    if (n > 0)
        memcpy(g.data, data, n);
    mprotect(g.map + bytes, page, PROT_NONE);
    return g;
}

static inline void guarded_free(struct guarded *g)
{
    munmap(g->map, g->map_bytes);
}

#endif
