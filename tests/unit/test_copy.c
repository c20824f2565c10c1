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

static int sign(int v)
{
    return (v > 0) - (v < 0);
}

/* The first byte that differs decides, as a number without a sign. */
static void compares(void **state)
{
    (void)state;
    unsigned char a[EDGE], b[EDGE];
    static const unsigned char pairs[][2] = {{0, 1}, {0x7f, 0x80}, {0xff, 0}, {3, 3}};
    for (size_t n = 0; n < EDGE; n++)
        for (size_t at = 0; at < n; at++)
            for (size_t k = 0; k < sizeof pairs / sizeof pairs[0]; k++) {
                memset(a, 'x', sizeof a);
                memset(b, 'x', sizeof b);
                memset(a + at + 1, 1, sizeof a - at - 1);
                memset(b + at + 1, 2, sizeof b - at - 1);
                a[at] = pairs[k][0];
                b[at] = pairs[k][1];
                struct guarded x = guarded_new(a, n), y = guarded_new(b, n);
                int expected = sign(a[at] - b[at]);
                if (expected == 0 && at + 1 < n)
                    expected = -1;
                assert_int_equal(sign(compare_bytes(x.data, y.data, n)), expected);
                assert_int_equal(sign(compare_bytes(y.data, x.data, n)), -expected);
                guarded_free(&x);
                guarded_free(&y);
            }
    assert_int_equal(compare_bytes("a", "b", 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size),
        cmocka_unit_test(moves_down),
        cmocka_unit_test(compares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
