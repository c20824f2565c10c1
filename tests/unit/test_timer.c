/* Deadlines: order, moving, cancelling, and what a callback may do. */
/* links: core/io/timer.c core/base/alloc.c */
#include "core/io/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static int64_t fired[4096];
static size_t fired_count;

struct probe {
    struct timer timer;
    int64_t name;
    struct timer *cancels, *sets;
    int64_t sets_ms;
};

static void note(struct timer *t, int64_t now_ms)
{
    struct probe *p = container_of(t, struct probe, timer);

    UNUSED(now_ms);
    assert_false(timer_is_set(t));
    fired[fired_count++] = p->name;
    if (p->cancels)
        timer_cancel(p->cancels);
    if (p->sets)
        timer_set(p->sets, p->sets_ms);
}

static void test_order_and_limit(void **state)
{
    enum { N = 500 };
    static struct probe probes[N];
    struct timers ts = {0};
    int64_t last = -1;

    UNUSED(state);
    fired_count = 0;
    srand(7);
    assert_int_equal(timers_next_ms(&ts), -1);
    for (int i = 0; i < N; i++) {
        timer_init(&probes[i].timer, &ts, note);
        timer_set(&probes[i].timer, rand() % 1000);
    }
    for (int i = 0; i < N; i += 3)
        timer_cancel(&probes[i].timer);
    for (int i = 1; i < N; i += 3)
        timer_set(&probes[i].timer, rand() % 1000);
    for (int i = 0; i < N; i++)
        probes[i].name = probes[i].timer.due_ms;
    assert_int_equal(ts.len, N - (N + 2) / 3);
    assert_int_equal(timers_run(&ts, 1000, 10), 10);
    while (timers_run(&ts, 1000, 64) > 0)
        ;
    assert_int_equal(fired_count, N - (N + 2) / 3);
    for (size_t i = 0; i < fired_count; i++) {
        assert_true(fired[i] >= last);
        last = fired[i];
    }
    timers_free(&ts);
}

static void test_equal_deadlines_keep_their_order(void **state)
{
    struct probe p[5];
    struct timers ts = {0};

    UNUSED(state);
    fired_count = 0;
    for (int i = 0; i < 5; i++) {
        p[i] = (struct probe){.name = i};
        timer_init(&p[i].timer, &ts, note);
        timer_set(&p[i].timer, 50);
    }
    timer_set(&p[0].timer, 50); /* moved behind the others */
    assert_int_equal(timers_next_ms(&ts), 50);
    assert_int_equal(timers_run(&ts, 49, 99), 0);
    assert_int_equal(timers_run(&ts, 50, 99), 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(fired[i], (i + 1) % 5);
    timers_free(&ts);
}

static void test_callbacks_change_the_heap(void **state)
{
    struct probe a = {.name = 1}, b = {.name = 2}, c = {.name = 3};
    struct timers ts = {0};

    UNUSED(state);
    fired_count = 0;
    timer_init(&a.timer, &ts, note);
    timer_init(&b.timer, &ts, note);
    timer_init(&c.timer, &ts, note);
    a.cancels = &b.timer;
    a.sets = &a.timer; /* for a moment long past: not again in this run, nor first */
    a.sets_ms = 0;
    timer_set(&a.timer, 10);
    timer_set(&b.timer, 11);
    timer_set(&c.timer, 12);
    assert_int_equal(timers_run(&ts, 100, 99), 2);
    assert_int_equal(fired[0], 1);
    assert_int_equal(fired[1], 3);
    assert_true(timer_is_set(&a.timer));
    a.sets = NULL;
    assert_int_equal(timers_run(&ts, 100, 99), 1);
    timer_cancel(&a.timer);
    timer_set(&b.timer, 5);
    timers_free(&ts);
    assert_false(timer_is_set(&b.timer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_limit),
        cmocka_unit_test(test_equal_deadlines_keep_their_order),
        cmocka_unit_test(test_callbacks_change_the_heap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
