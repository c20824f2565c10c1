/* The one idea: Shell's sort. Items move by long steps first, so that the last passes
 * find nearly all in order; what is sorted already, as mostly here, costs comparisons
 * alone. The steps are Ciura's, who found them by trying, and grow by 2.25 above. */
#include "core/base/sort.h"

#include <stdlib.h>

static void swap(char *a, char *b, size_t size)
{
    while (size-- > 0) {
        char was = a[size];
        a[size] = b[size];
        b[size] = was;
    }
}

static size_t step_below(size_t step)
{
    static const unsigned short steps[] = {701, 301, 132, 57, 23, 10, 4, 1};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (steps[i] < step)
            return step / 9 * 4 > steps[i] ? step / 9 * 4 : steps[i];
    return 0;
}

void sort_items(void *items, size_t count, size_t size,
                int (*compare)(const void *, const void *))
{
    char *first = items;
    size_t sorted = 1;

    while (sorted < count &&
           compare(first + (sorted - 1) * size, first + sorted * size) <= 0)
        sorted++;
    if (sorted >= count)
        return;
    for (size_t step = step_below(count); step > 0; step = step_below(step))
        for (size_t i = step; i < count; i++)
            for (size_t j = i; j >= step; j -= step) {
                char *upper = first + j * size, *lower = upper - step * size;
                if (compare(lower, upper) <= 0)
                    break;
                swap(lower, upper, size);
            }
}

#ifdef FORMAT_FOR_LIBC
void qsort(void *items, size_t count, size_t size,
           int (*compare)(const void *, const void *))
{
    sort_items(items, count, size, compare);
}
#endif
