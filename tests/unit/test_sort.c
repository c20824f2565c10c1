/* Sorting beside libc's: the same order for the same items. */
/* links: core/base/sort.c */
#include "core/base/sort.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct item {
    unsigned key;
    char rest[5]; /* follows from the key: torn items show */
};

static size_t comparisons;

static int compare(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    comparisons++;
    return x->key < y->key ? -1 : x->key > y->key;
}

static unsigned next_random(unsigned *state)
{
    return *state = *state * 1103515245u + 12345u;
}

enum order { RANDOM, FEW_KEYS, SORTED, REVERSED, ONE_OFF };

static struct item *make(size_t count, enum order order)
{
    struct item *items = calloc(count + 1, sizeof *items);
    unsigned state = (unsigned)count + 7;
    assert_non_null(items);
    for (size_t i = 0; i < count; i++) {
        unsigned drawn = next_random(&state) >> 8;
        items[i].key = order == RANDOM     ? drawn
                       : order == FEW_KEYS ? drawn % 3
                       : order == REVERSED ? (unsigned)(count - i)
                                           : (unsigned)i;
    }
    if (order == ONE_OFF && count > 0)
        items[0].key = (unsigned)count;
    for (size_t i = 0; i < count; i++)
        snprintf(items[i].rest, sizeof items[i].rest, "%u", items[i].key % 1000);
    return items;
}

static void as_libc(void **state)
{
    static const size_t counts[] = {0,  1,  2,   3,   4,   5,    9,
                                    10, 11, 100, 701, 702, 4000, 20000};
    (void)state;
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (enum order order = RANDOM; order <= ONE_OFF; order++) {
            size_t bytes = counts[c] * sizeof(struct item);
            struct item *ours = make(counts[c], order), *theirs = make(counts[c], order);
            sort_items(ours, counts[c], sizeof *ours, compare);
            qsort(theirs, counts[c], sizeof *theirs, compare);
            assert_memory_equal(ours, theirs, bytes + sizeof *ours); /* nothing behind */
            free(ours);
            free(theirs);
        }
}

static void sorted_is_looked_through_once(void **state)
{
    struct item *items = make(1000, SORTED);
    (void)state;
    comparisons = 0;
    sort_items(items, 1000, sizeof *items, compare);
    assert_int_equal(comparisons, 999);
    free(items);
}

/* The steps must go on growing above the table: by tables alone it were 100 million. */
static void many_cost_little(void **state)
{
    struct item *items = make(20000, RANDOM);
    (void)state;
    comparisons = 0;
    sort_items(items, 20000, sizeof *items, compare);
    assert_in_range(comparisons, 19999, 1000000);
    free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_libc),
        cmocka_unit_test(sorted_is_looked_through_once),
        cmocka_unit_test(many_cost_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
