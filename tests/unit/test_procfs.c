/* /proc/PID/stat: names that try to confuse, cut lines, and this very process. */
#include "core/io/procfs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>
#include <cmocka.h>

#define REST                                                                             \
    " S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 1 0 33 4096000 12 "                 \
    "18446744073709551615"

static void lines(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int rc;
    } cases[] = {
        {"7 (cat)" REST, 0},
        {"7 (a) S 1 (b)" REST, 0},
        {"7 ()" REST, 0},
        {"7 (cat) S 1 7", -1},
        {"7 (cat)", -1},
        {"7 cat S 1", -1},
        {"", -1},
        {"7 (cat) S 1 7 7 0 -1 4194560 100 0 0 0 x 50 0 0 20 0 1 0 33 4096000 12 1", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct procfs_usage u = {0};
        assert_int_equal(procfs_parse_stat(cases[i].line, 100, 4096, &u), cases[i].rc);
        if (cases[i].rc == 0) {
            assert_int_equal(u.cpu_ms, 3000);
            assert_int_equal(u.rss_bytes, 12 * 4096);
        }
    }
}

static void ourselves(void **state)
{
    (void)state;
    struct procfs_usage u = {0};
    assert_int_equal(procfs_read(getpid(), &u), 0);
    assert_true(u.rss_bytes > 4096);
    assert_true(u.cpu_ms >= 0);
    assert_int_equal(procfs_read(-1, &u), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(ourselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
