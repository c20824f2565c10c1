/* The test of forgetting: it is gone, and it is back when it is used. */
/* links: core/io/image.c */
#include "core/io/image.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROOM = 3 * 64 * 1024, MIDDLE = ROOM / 2 };

/* Larger than what one fault maps, so that nothing else brings its middle back. */
static const volatile char constants[ROOM] = {[0] = 1, [MIDDLE] = 42};

static bool is_mapped(const volatile char *at)
{
    uint64_t entry = 0;
    off_t place =
        (off_t)((uintptr_t)at / (uintptr_t)sysconf(_SC_PAGESIZE) * sizeof entry);
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &entry, sizeof entry, place), sizeof entry);
    close(fd);
    return entry >> 63 != 0; /* "page present": proc_pid_pagemap(5) */
}

static void test_drop(void **state)
{
    (void)state;
    assert_int_equal(constants[MIDDLE], 42);
    assert_true(is_mapped(&constants[MIDDLE]));
    image_drop();
    assert_false(is_mapped(&constants[MIDDLE]));
    assert_int_equal(constants[MIDDLE], 42);
    assert_int_equal(constants[0], 1);
    assert_true(is_mapped(&constants[MIDDLE]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_drop)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
