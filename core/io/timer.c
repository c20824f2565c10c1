/* A binary heap of deadlines. The one idea: each timer knows its place in the heap, so
 * that moving and cancelling need no search. */
#include "core/io/timer.h"

#include "core/base/alloc.h"
#include <stdlib.h>

static bool timer_before(const struct timer *a, const struct timer *b)
{
    if (a->due_ms != b->due_ms)
        return a->due_ms < b->due_ms;
    return a->serial < b->serial;
}

static void heap_place(struct timers *ts, size_t at, struct timer *t)
{
    ts->heap[at] = t;
    t->slot = at + 1;
}

static void heap_up(struct timers *ts, size_t at, struct timer *t)
{
    while (at > 0) {
        size_t parent = (at - 1) / 2;

        if (!timer_before(t, ts->heap[parent]))
            break;
        heap_place(ts, at, ts->heap[parent]);
        at = parent;
    }
    heap_place(ts, at, t);
}

static void heap_down(struct timers *ts, size_t at, struct timer *t)
{
    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= ts->len)
            break;
        if (child + 1 < ts->len && timer_before(ts->heap[child + 1], ts->heap[child]))
            child++;
        if (!timer_before(ts->heap[child], t))
            break;
        heap_place(ts, at, ts->heap[child]);
        at = child;
    }
    heap_place(ts, at, t);
}

/* Puts t, whose key has changed or which comes from elsewhere, where it belongs. */
static void heap_settle(struct timers *ts, size_t at, struct timer *t)
{
    if (at > 0 && timer_before(t, ts->heap[(at - 1) / 2]))
        heap_up(ts, at, t);
    else
        heap_down(ts, at, t);
}

void timer_init(struct timer *t, struct timers *owner, timer_fn *fire)
{
    *t = (struct timer){.owner = owner, .fire = fire};
}

void timer_set(struct timer *t, int64_t due_ms)
{
    struct timers *ts = t->owner;

    /* Sorting behind all that was due when the run began keeps a timer that sets itself
     * again from firing twice in it, and from standing in the way of the others. */
    if (ts->running && due_ms < ts->running_ms)
        due_ms = ts->running_ms;
    t->due_ms = due_ms;
    t->serial = ts->serial++;
    if (t->slot != 0) {
        heap_settle(ts, t->slot - 1, t);
        return;
    }
    if (ts->len == ts->cap) {
        ts->cap = ts->cap ? 2 * ts->cap : 16;
        ts->heap = xreallocarray(ts->heap, ts->cap, sizeof *ts->heap);
    }
    ts->len++;
    heap_up(ts, ts->len - 1, t);
}

void timer_cancel(struct timer *t)
{
    struct timers *ts = t->owner;
    size_t at = t->slot;
    struct timer *last;

    if (at == 0)
        return;
    t->slot = 0;
    last = ts->heap[--ts->len];
    if (last != t)
        heap_settle(ts, at - 1, last);
}

bool timer_is_set(const struct timer *t)
{
    return t->slot != 0;
}

int64_t timers_next_ms(const struct timers *ts)
{
    return ts->len ? ts->heap[0]->due_ms : -1;
}

size_t timers_run(struct timers *ts, int64_t now_ms, size_t most)
{
    uint64_t first_new = ts->serial;
    size_t fired = 0;

    ts->running = true;
    ts->running_ms = now_ms;
    while (fired < most && ts->len > 0) {
        struct timer *t = ts->heap[0];

        if (t->due_ms > now_ms || t->serial >= first_new)
            break;
        timer_cancel(t);
        fired++;
        t->fire(t, now_ms);
    }
    ts->running = false;
    return fired;
}

void timers_free(struct timers *ts)
{
    for (size_t i = 0; i < ts->len; i++)
        ts->heap[i]->slot = 0;
    free(ts->heap);
    *ts = (struct timers){0};
}
