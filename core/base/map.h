/* Hash table from bytes to pointers. Keys are borrowed from what they lead to (a name, a
 * pid inside a structure) and must stay unchanged while they are in. O(1) on average,
 * deletion without tombstones. {0} is a valid empty map. */
#ifndef CORE_BASE_MAP_H
#define CORE_BASE_MAP_H

#include "core/base/util.h"

struct map {
    struct map_slot *slots;
    size_t len, cap;
};

void *map_get(const struct map *m, const void *key, size_t n); /* NULL: not there */
/* Adds or replaces. value is not NULL. */
void map_put(struct map *m, const void *key, size_t n, void *value);
void *map_del(struct map *m, const void *key, size_t n); /* what it led to, or NULL */
void map_free(struct map *m);                            /* leaves {0} */

#endif
