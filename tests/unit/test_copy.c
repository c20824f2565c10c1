/* links: core/base/copy.c */
/* The copy that the release uses for memcpy: every size, at every place, and exactly. */
#include "core/base/copy.h"

#include "tests/unit/guarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

enum { MOST = 700, EDGE = 20 };

static void fill(unsigned char *bytes, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = (unsigned char)(i * 7 + seed + i / 251);
}

/* Neither a byte more nor less is written, and none behind the end is read. */
static void every_size(void **state)
{
    (void)state;
    unsigned char out[MOST + 2 * EDGE], from[MOST];
    for (size_t n = 0; n <= MOST; n++) {
        fill(from, n, (unsigned)n);
        struct guarded g = guarded_new(from, n);
        for (size_t at = 0; at < EDGE; at++) {
            memset(out, 0xee, sizeof out);
            assert_ptr_equal(copy_bytes(out + at, g.data, n), out + at);
            assert_memory_equal(out + at, from, n);
            for (size_t i = 0; i < sizeof out; i++)
                if (i < at || i >= at + n)
                    assert_int_equal(out[i], 0xee);
        }
        guarded_free(&g);
    }
}

/* memmove relies on it where it moves bytes down. */
static void moves_down(void **state)
{
    (void)state;
    unsigned char moved[MOST + 2 * EDGE], before[MOST + 2 * EDGE];
    for (size_t n = 0; n <= MOST; n++)
        for (size_t by = 1; by < 2 * EDGE; by++) {
            fill(before, sizeof before, (unsigned)by);
            memcpy(moved, before, sizeof before);
            copy_bytes(moved, moved + by, n);
            assert_memory_equal(moved, before + by, n);
            assert_memory_equal(moved + n, before + n, sizeof before - n);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size),
        cmocka_unit_test(moves_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
