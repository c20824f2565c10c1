#include "applets/supervisord/tick.h"

#include "core/base/clock.h"

static const struct {
    enum event_type type;
    int64_t period_secs;
} kinds[TICK_KINDS] = {{EVENT_TICK_5, 5}, {EVENT_TICK_60, 60}, {EVENT_TICK_3600, 3600}};

/* The clock is looked at again after this time at the latest: it may have been set. */
enum { SLICE_SECS = 5 };

static void arm(struct tick *t)
{
    struct timespec now;
    wall_now(&now);
    int64_t into_ms = (now.tv_sec % SLICE_SECS) * 1000 + now.tv_nsec / 1000000;
    timer_set(&t->timer, mono_ms() + SLICE_SECS * 1000 - into_ms);
}

static void look(struct tick *t, bool tell)
{
    int64_t now = wall_secs();
    for (int i = 0; i < TICK_KINDS; i++) {
        int64_t slice = now - now % kinds[i].period_secs;
        if (slice == t->slices[i])
            continue;
        t->slices[i] = slice;
        if (tell)
            event_emit(&t->engine->bus,
                       &(struct event){.type = kinds[i].type, .when_secs = slice});
    }
}

static void tick_on_timer(struct timer *timer, int64_t now_ms)
{
    UNUSED(now_ms);
    struct tick *t = container_of(timer, struct tick, timer);
    look(t, true);
    arm(t);
}

void tick_init(struct tick *t, struct engine *engine)
{
    *t = (struct tick){.engine = engine};
    timer_init(&t->timer, loop_timers(engine->loop), tick_on_timer);
}

void tick_update(struct tick *t)
{
    bool wanted = false;
    for (int i = 0; i < TICK_KINDS; i++)
        wanted = wanted || event_wanted(&t->engine->bus, kinds[i].type);
    if (!wanted) {
        timer_cancel(&t->timer);
    } else if (!timer_is_set(&t->timer)) {
        look(t, false);
        arm(t);
    }
}

void tick_stop(struct tick *t)
{
    timer_cancel(&t->timer);
}

void tick_resume(struct tick *t, const int64_t slices[TICK_KINDS])
{
    if (!timer_is_set(&t->timer))
        return;
    for (int i = 0; i < TICK_KINDS; i++)
        if (slices[i] > 0)
            t->slices[i] = slices[i];
    timer_set(&t->timer, mono_ms());
}
