/* Sorting: qsort of the release, where musl's is 1.3 KB larger. Pure. */
#ifndef CORE_BASE_SORT_H
#define CORE_BASE_SORT_H

#include <stddef.h>

/* Sorts count items of size bytes each; compare as for qsort. Not stable. */
void sort_items(void *items, size_t count, size_t size,
                int (*compare)(const void *, const void *));

#endif
