/* Frames in the memory file: written, read again, cut and altered. */
/* links: applets/supervisord/state_store.c core/base/text_record.c core/base/buf.c
 * core/base/alloc.c core/base/err.c core/base/str.c core/base/num.c */
#include "applets/supervisord/state_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

enum { HEAD_BYTES = 64 };
static const off_t slot_at[2] = {JOURNAL_BYTES, JOURNAL_BYTES + (256 << 20)};

static int new_file(void)
{
    int fd = memfd_create("test_state_store", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, JOURNAL_BYTES), 0);
    return fd;
}

static void put(struct state_store *s, bool base, const char *text, uint64_t position)
{
    struct err err;
    struct journal_mark mark = {.position = position, .chunk = position * 2};
    assert_int_equal(state_store_write(s, base, text, strlen(text), &mark, &err), 0);
}

/* What a fresh image finds, or "-": nothing. */
static const char *found(int fd, bool older, struct journal_mark *mark)
{
    static char text[1000];
    struct state_store s;
    struct buf out;
    struct err err;
    buf_init(&out, BUF_NO_LIMIT);
    state_store_init(&s, fd);
    int rc = state_store_load(&s, older, &out, mark, &err);
    snprintf(text, sizeof text, "%s", rc == 0 ? buf_str(&out) : "-");
    assert_true(state_store_wants_base(&s));
    buf_free(&out);
    return text;
}

static void test_base_and_deltas(void **state)
{
    struct state_store s;
    struct journal_mark mark = {0};
    int fd = new_file();
    (void)state;
    state_store_init(&s, fd);
    assert_true(state_store_wants_base(&s));
    assert_string_equal(found(fd, false, &mark), "-");
    put(&s, true, "a", 1);
    assert_false(state_store_wants_base(&s));
    assert_string_equal(found(fd, false, &mark), "a");
    put(&s, false, "b", 2);
    put(&s, false, "", 3);
    put(&s, false, "c", 4);
    assert_string_equal(found(fd, false, &mark), "abc");
    assert_int_equal(mark.position, 4);
    assert_int_equal(mark.chunk, 8);
    put(&s, true, "A", 5);
    assert_string_equal(found(fd, false, &mark), "A");
    assert_int_equal(mark.position, 5);
    assert_string_equal(found(fd, true, &mark), "abc");
    put(&s, false, "B", 6);
    put(&s, true, "x", 7);
    /* behind it lie the frames of before, which are no part of it */
    assert_string_equal(found(fd, false, &mark), "x");
    assert_string_equal(found(fd, true, &mark), "AB");
    close(fd);
}

/* The one who reads goes on writing, and what it read stays until it has a base. */
static void test_next_image_goes_on(void **state)
{
    struct state_store s;
    struct journal_mark mark = {0};
    struct buf out;
    struct err err;
    int fd = new_file();
    (void)state;
    state_store_init(&s, fd);
    put(&s, true, "a", 1);
    put(&s, false, "b", 2);
    for (int i = 0; i < 5; i++) {
        buf_init(&out, BUF_NO_LIMIT);
        state_store_init(&s, fd);
        assert_int_equal(state_store_load(&s, false, &out, &mark, &err), 0);
        assert_string_equal(found(fd, false, &mark), buf_str(&out));
        buf_puts(&out, "+");
        put(&s, true, buf_str(&out), 3);
        put(&s, false, "d", 4);
        assert_string_equal(found(fd, true, &mark),
                            i == 0 ? "ab"
                                   : (buf_truncate(&out, out.len - 1), buf_str(&out)));
        buf_free(&out);
    }
    assert_string_equal(found(fd, false, &mark), "ab+d+d+d+d+d");
    close(fd);
}

static void flip(int fd, off_t at)
{
    char c;
    assert_int_equal(pread(fd, &c, 1, at), 1);
    c = (char)(c ^ 0x10);
    assert_int_equal(pwrite(fd, &c, 1, at), 1);
}

/* Every byte of the newest frame, altered: the frame is refused whole. */
static void test_altered(void **state)
{
    struct state_store s;
    struct journal_mark mark = {0};
    int fd = new_file();
    (void)state;
    state_store_init(&s, fd);
    put(&s, true, "old", 1);
    put(&s, true, "base", 2);
    put(&s, false, "delta", 3);
    off_t base = slot_at[1], delta = base + HEAD_BYTES + 4;
    assert_string_equal(found(fd, false, &mark), "basedelta");
    for (off_t at = delta; at < delta + HEAD_BYTES + 5; at++) {
        flip(fd, at);
        assert_string_equal(found(fd, false, &mark), "base");
        assert_int_equal(mark.position, 2);
        flip(fd, at);
    }
    for (off_t at = base; at < delta; at++) {
        flip(fd, at);
        assert_string_equal(found(fd, false, &mark), "old");
        assert_string_equal(found(fd, true, &mark), "-");
        flip(fd, at);
    }
    assert_string_equal(found(fd, false, &mark), "basedelta");
    close(fd);
}

/* Killed while it wrote: each length that the file may have then. */
static void test_cut(void **state)
{
    (void)state;
    for (off_t cut = 0; cut < HEAD_BYTES + 5; cut++) {
        struct state_store s;
        struct journal_mark mark = {0};
        int fd = new_file();
        state_store_init(&s, fd);
        put(&s, true, "base", 1);
        put(&s, false, "delta", 2);
        assert_int_equal(ftruncate(fd, slot_at[0] + HEAD_BYTES + 4 + cut), 0);
        assert_string_equal(found(fd, false, &mark), "base");
        close(fd);
    }
}

static void test_many_deltas_want_a_base(void **state)
{
    struct state_store s;
    struct err err;
    struct journal_mark mark = {0};
    static char text[10000];
    int fd = new_file(), writes = 0;
    (void)state;
    state_store_init(&s, fd);
    assert_int_equal(state_store_write(&s, true, text, sizeof text, &mark, &err), 0);
    for (; !state_store_wants_base(&s) && writes < 100; writes++)
        assert_int_equal(state_store_write(&s, false, text, sizeof text, &mark, &err), 0);
    assert_in_range(writes, 5, 10);
    close(fd);
}

/* A full disk, or no memory: what was written last stays readable. */
static void test_failing_write(void **state)
{
    struct state_store s;
    struct err err;
    struct journal_mark mark = {0};
    int fd = new_file();
    (void)state;
    state_store_init(&s, fd);
    put(&s, true, "a", 1);
    put(&s, false, "b", 2);
    s.fd = -1;
    assert_int_equal(state_store_write(&s, false, "c", 1, &mark, &err), -1);
    assert_true(state_store_wants_base(&s));
    assert_int_equal(state_store_write(&s, true, "c", 1, &mark, &err), -1);
    s.fd = fd;
    assert_string_equal(found(fd, false, &mark), "ab");
    put(&s, true, "d", 3);
    assert_string_equal(found(fd, false, &mark), "d");
    assert_string_equal(found(fd, true, &mark), "ab");
    close(fd);
}

/* No memory to read it says nothing of the record: it is there the next time. */
static void test_no_memory_is_no_damage(void **state)
{
    struct state_store s;
    struct err err = {0};
    struct journal_mark mark = {0};
    struct buf small;
    int fd = new_file();
    (void)state;
    state_store_init(&s, fd);
    put(&s, true, "old", 1);
    put(&s, true, "a longer base", 2);
    put(&s, false, "and what changed", 3);
    for (size_t room = 3; room < 29; room++) {
        buf_init(&small, room);
        assert_int_equal(state_store_load(&s, false, &small, &mark, &err), -1);
        assert_int_equal(err.code, ERR_SYS);
        buf_free(&small);
    }
    assert_string_equal(found(fd, false, &mark), "a longer baseand what changed");
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_and_deltas),
        cmocka_unit_test(test_next_image_goes_on),
        cmocka_unit_test(test_altered),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_many_deltas_want_a_base),
        cmocka_unit_test(test_failing_write),
        cmocka_unit_test(test_no_memory_is_no_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
