/* TICK events against a frozen clock. */
#include "applets/supervisord/tick.h"
#include "core/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { YEAR = 31536000, NOON = 1800000000 }; /* NOON is the beginning of an hour */

static struct {
    struct engine engine;
    struct tick tick;
    struct event_subscription sub;
    int counts[EVENT_TYPE_COUNT];
    int64_t last_secs;
} w;

static void note(void *arg, const struct event *ev)
{
    UNUSED(arg);
    w.counts[ev->type]++;
    w.last_secs = ev->when_secs;
}

static int set_up(void **state)
{
    UNUSED(state);
    struct err err;
    clock_freeze(1000000, NOON + 1);
    w.engine.loop = loop_new(&err);
    event_bus_init(&w.engine.bus);
    tick_init(&w.tick, &w.engine);
    for (int i = 0; i < EVENT_TYPE_COUNT; i++)
        w.counts[i] = 0;
    return 0;
}

static int tear_down(void **state)
{
    UNUSED(state);
    event_unsubscribe(&w.sub);
    tick_stop(&w.tick);
    loop_free(w.engine.loop);
    clock_thaw();
    return 0;
}

static void listen_to(enum event_type type)
{
    event_subscribe(&w.engine.bus, &w.sub, type, note, NULL);
    tick_update(&w.tick);
}

/* In steps of a second. */
static void wait_secs(int n)
{
    struct err err;
    for (int i = 0; i < n; i++) {
        clock_advance(1000);
        assert_int_equal(loop_turn(w.engine.loop, 0, &err), 0);
    }
}

static void slices_of_the_wall_clock(void **state)
{
    UNUSED(state);
    listen_to(EVENT_TICK);
    wait_secs(3);
    assert_int_equal(w.counts[EVENT_TICK_5], 0);
    wait_secs(1);
    assert_int_equal(w.counts[EVENT_TICK_5], 1);
    assert_int_equal(w.last_secs, NOON + 5);
    wait_secs(54);
    assert_int_equal(w.counts[EVENT_TICK_60], 0);
    wait_secs(1);
    assert_int_equal(w.counts[EVENT_TICK_60], 1);
    assert_int_equal(w.last_secs, NOON + 60);
    assert_int_equal(w.counts[EVENT_TICK_5], 12);
    wait_secs(3540);
    assert_int_equal(w.counts[EVENT_TICK_3600], 1);
    assert_int_equal(w.last_secs, NOON + 3600);
    assert_int_equal(w.counts[EVENT_TICK_60], 60);
    assert_int_equal(w.counts[EVENT_TICK_5], 720);
}

static void nobody_listens(void **state)
{
    UNUSED(state);
    tick_update(&w.tick);
    assert_false(timer_is_set(&w.tick.timer));
    listen_to(EVENT_TICK_3600);
    assert_true(timer_is_set(&w.tick.timer));
    event_unsubscribe(&w.sub);
    tick_update(&w.tick);
    assert_false(timer_is_set(&w.tick.timer));
}

/* The next tick tells of the new time, within five seconds; then it goes on as ever. */
static void the_clock_may_be_set(void **state)
{
    UNUSED(state);
    static const int64_t steps[] = {-YEAR, YEAR, -7, 7};
    listen_to(EVENT_TICK_5);
    for (size_t i = 0; i < array_len(steps); i++) {
        wait_secs(10);
        int before = w.counts[EVENT_TICK_5];
        clock_step(steps[i]);
        wait_secs(5);
        assert_true(w.counts[EVENT_TICK_5] > before);
        assert_true(wall_secs() - w.last_secs < 5);
        before = w.counts[EVENT_TICK_5];
        wait_secs(100);
        assert_int_equal(w.counts[EVENT_TICK_5], before + 20);
        assert_true(wall_secs() - w.last_secs < 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TICK(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TICK(slices_of_the_wall_clock),
        TICK(nobody_listens),
        TICK(the_clock_may_be_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
