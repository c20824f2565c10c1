/* A bump allocator with a table of the values it holds. */
#include "config/pool.h"

#include "core/base/alloc.h"
#include "core/base/map.h"

#include <stdlib.h>
#include <string.h>

/* With its head a chunk fills one of malloc's sizes (musl: 8172) and wastes none of it.
 */
enum { CHUNK_BYTES = 8128, ALIGN = 16 };

struct chunk {
    struct chunk *next;
    size_t used, size;
    /* aligned data follows */
};

struct pool {
    struct chunk *chunks;
    struct map values; /* bytes -> the shared copy */
    struct map topics; /* see pool_remember */
    size_t bytes;
};

static size_t align_up(size_t n)
{
    return (n + ALIGN - 1) / ALIGN * ALIGN;
}

static char *chunk_data(struct chunk *c)
{
    return (char *)c + align_up(sizeof *c);
}

struct pool *pool_new(void)
{
    return xcalloc(1, sizeof(struct pool));
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    pool_seal(p);
    for (struct chunk *c = p->chunks, *next; c; c = next) {
        next = c->next;
        alloc_wipe(chunk_data(c), c->used); /* passwords, environments */
        free(c);
    }
    free(p);
}

static struct chunk *chunk_add(struct pool *p, size_t size)
{
    size_t total;
    if (!size_add(align_up(sizeof(struct chunk)), size, &total))
        total = SIZE_MAX; /* leaves through the one exit for lack of memory */
    struct chunk *c = xcalloc(1, total);
    c->size = size;
    c->next = p->chunks;
    p->chunks = c;
    p->bytes += total;
    return c;
}

/* align is 1 for text, which then lies without gaps. */
static void *take(struct pool *p, size_t n, size_t align)
{
    struct chunk *c = p->chunks;
    size_t at = c ? (c->used + align - 1) / align * align : 0;

    if (!c || at > c->size || c->size - at < n) {
        c = chunk_add(p, n > CHUNK_BYTES / 4 ? n : CHUNK_BYTES);
        at = 0;
        /* A large value gets a chunk of its own; the one in use stays in front. */
        if (n > CHUNK_BYTES / 4 && c->next) {
            p->chunks = c->next;
            c->next = p->chunks->next;
            p->chunks->next = c;
        }
    }
    c->used = at + n;
    return chunk_data(c) + at;
}

void *pool_alloc(struct pool *p, size_t n)
{
    return take(p, n, ALIGN);
}

char *pool_str(struct pool *p, const char *text)
{
    if (!text)
        return NULL;
    size_t n = strlen(text) + 1;
    char *known = map_get(&p->values, text, n);
    if (known)
        return known;
    char *copy = take(p, n, 1);
    memcpy(copy, text, n);
    map_put(&p->values, copy, n, copy);
    return copy;
}

void *pool_blob(struct pool *p, const void *data, size_t n)
{
    void *known = n > 0 ? map_get(&p->values, data, n) : NULL;
    if (known && (uintptr_t)known % ALIGN == 0)
        return known;
    void *copy = take(p, n, ALIGN);
    if (n > 0) {
        memcpy(copy, data, n);
        map_put(&p->values, copy, n, copy);
    }
    return copy;
}

void *pool_recall(const struct pool *p, const char *topic)
{
    return map_get(&p->topics, topic, strlen(topic));
}

void pool_remember(struct pool *p, const char *topic, void *value)
{
    const char *key = pool_str(p, topic);
    map_put(&p->topics, key, strlen(key), value);
}

void pool_seal(struct pool *p)
{
    map_free(&p->values);
    map_free(&p->topics);
}

size_t pool_bytes(const struct pool *p)
{
    return p->bytes;
}
