/* The hash table against a plain array, through thousands of insertions and deletions. */
#include "core/base/map.h"

#include <stdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { KEYS = 700 };

static char names[KEYS][16];
static int values[KEYS][2];
static void *expected[KEYS];

static void check_all(const struct map *m)
{
    size_t count = 0;

    for (size_t i = 0; i < KEYS; i++) {
        assert_ptr_equal(map_get(m, names[i], strlen(names[i])), expected[i]);
        count += expected[i] != NULL;
    }
    assert_int_equal(m->len, count);
}

static void it_is_like_an_array(void **state)
{
    struct map m = {0};
    uint32_t random = 1;

    UNUSED(state);
    for (size_t i = 0; i < KEYS; i++)
        snprintf(names[i], sizeof names[i], "program_%zu", i);
    check_all(&m);
    for (int step = 0; step < 20000; step++) {
        random = random * 1664525 + 1013904223;
        size_t i = (random >> 8) % KEYS, n = strlen(names[i]);
        /* first mostly filling, later mostly emptying */
        if ((random >> 4) % 16 < (step < 10000 ? 11u : 5u)) {
            expected[i] = &values[i][step & 1];
            map_put(&m, names[i], n, expected[i]);
        } else {
            assert_ptr_equal(map_del(&m, names[i], n), expected[i]);
            expected[i] = NULL;
        }
        if (step % 500 == 0)
            check_all(&m);
    }
    check_all(&m);
    map_free(&m);
    assert_null(m.slots);
    assert_null(map_get(&m, "a", 1));
}

static void keys_are_bytes(void **state)
{
    struct map m = {0};
    int a, b, c;
    int pids[2] = {7, 1 << 24};

    UNUSED(state);
    map_put(&m, "a\0b", 3, &a);
    map_put(&m, "a\0c", 3, &b);
    map_put(&m, "", 0, &c);
    map_put(&m, &pids[0], sizeof pids[0], &a);
    map_put(&m, &pids[1], sizeof pids[1], &b);
    assert_int_equal(m.len, 5);
    assert_ptr_equal(map_get(&m, "a\0b", 3), &a);
    assert_ptr_equal(map_get(&m, "a\0c", 3), &b);
    assert_ptr_equal(map_get(&m, "", 0), &c);
    assert_ptr_equal(map_get(&m, &pids[1], sizeof pids[1]), &b);
    assert_null(map_get(&m, "a", 1));
    assert_null(map_del(&m, "a", 1));
    map_put(&m, "", 0, &a); /* replaced, not added */
    assert_int_equal(m.len, 5);
    assert_ptr_equal(map_del(&m, "", 0), &a);
    assert_null(map_get(&m, "", 0));
    map_free(&m);
    assert_null(map_del(&m, "", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_like_an_array),
        cmocka_unit_test(keys_are_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
