/* Hash table from bytes to pointers. The one idea: open addressing in a table of a power
 * of two, at most three quarters full; deletion moves later members of the same run back,
 * so that a search may always stop at the first free slot. Names come from whoever writes
 * the configuration or calls, so the hash is SipHash-1-3 with a key drawn once per
 * process: nobody can prepare names that meet in one slot. */
#include "core/base/map.h"

#include "core/base/alloc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

struct map_slot {
    const void *key;
    void *value; /* NULL: free */
    uint32_t n;  /* names and numbers are never that long */
    uint32_t hash;
};

static uint64_t seed[2];

static void draw_seed(void)
{
    static bool drawn;

    if (drawn)
        return;
    drawn = true;
    if (getrandom(seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed) {
        struct timespec now; /* early at boot: better than constants */
        clock_gettime(CLOCK_MONOTONIC, &now);
        seed[0] = (uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15u;
        seed[1] = (uint64_t)(uintptr_t)&now ^ (uint64_t)now.tv_sec << 32;
    }
}

static uint64_t rol(uint64_t v, unsigned by)
{
    return v << by | v >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rol(v[1], 13) ^ v[0];
    v[0] = rol(v[0], 32);
    v[2] += v[3];
    v[3] = rol(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rol(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rol(v[1], 17) ^ v[2];
    v[2] = rol(v[2], 32);
}

static uint32_t hash_bytes(const void *key, size_t n)
{
    const unsigned char *p = key;
    uint64_t v[4] = {seed[0] ^ 0x736f6d6570736575u, seed[1] ^ 0x646f72616e646f6du,
                     seed[0] ^ 0x6c7967656e657261u, seed[1] ^ 0x7465646279746573u};
    uint64_t last = (uint64_t)n << 56;
    size_t whole = n - n % 8;

    for (size_t i = 0; i < whole; i += 8) {
        uint64_t word;
        memcpy(&word, p + i, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    for (size_t i = whole; i < n; i++)
        last |= (uint64_t)p[i] << (8 * (i - whole));
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return (uint32_t)(v[0] ^ v[1] ^ v[2] ^ v[3]);
}

/* The slot that holds the key, or the free one where it would go. Needs a free slot. */
static struct map_slot *find(const struct map *m, const void *key, size_t n,
                             uint32_t hash)
{
    size_t mask = m->cap - 1;

    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct map_slot *s = &m->slots[i];
        if (!s->value)
            return s;
        if (s->hash == hash && s->n == n && (n == 0 || memcmp(s->key, key, n) == 0))
            return s;
    }
}

static void grow(struct map *m)
{
    struct map bigger = {.cap = m->cap ? m->cap * 2 : 16, .len = m->len};

    bigger.slots = xcalloc(bigger.cap, sizeof *bigger.slots);
    for (size_t i = 0; i < m->cap; i++) {
        const struct map_slot *s = &m->slots[i];
        if (s->value)
            *find(&bigger, s->key, s->n, s->hash) = *s;
    }
    free(m->slots);
    *m = bigger;
}

void *map_get(const struct map *m, const void *key, size_t n)
{
    return m->len ? find(m, key, n, hash_bytes(key, n))->value : NULL;
}

void map_put(struct map *m, const void *key, size_t n, void *value)
{
    struct map_slot *s;
    uint32_t hash;

    draw_seed();
    if (m->len + 1 > m->cap / 4 * 3)
        grow(m);
    hash = hash_bytes(key, n);
    s = find(m, key, n, hash);
    if (!s->value)
        m->len++;
    *s = (struct map_slot){key, value, (uint32_t)n, hash};
}

void *map_del(struct map *m, const void *key, size_t n)
{
    size_t mask = m->cap - 1, hole, i;
    struct map_slot *s;
    void *value;

    if (m->len == 0)
        return NULL;
    s = find(m, key, n, hash_bytes(key, n));
    value = s->value;
    if (!value)
        return NULL;
    hole = (size_t)(s - m->slots);
    for (i = (hole + 1) & mask; m->slots[i].value; i = (i + 1) & mask) {
        size_t home = m->slots[i].hash & mask;
        /* it may move back unless its own home lies between the hole and itself */
        if (((i - home) & mask) < ((i - hole) & mask))
            continue;
        m->slots[hole] = m->slots[i];
        hole = i;
    }
    m->slots[hole] = (struct map_slot){0};
    m->len--;
    return value;
}

void map_free(struct map *m)
{
    free(m->slots);
    *m = (struct map){0};
}
