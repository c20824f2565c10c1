/* Deadlines in a binary heap; each timer is embedded in its owner. Absolute monotonic
 * milliseconds. Setting, cancelling: O(log n). */
#ifndef CORE_IO_TIMER_H
#define CORE_IO_TIMER_H

#include "core/base/util.h"

struct timer;
typedef void timer_fn(struct timer *t, int64_t now_ms);

struct timers {
    struct timer **heap;
    size_t len, cap;
    uint64_t serial; /* of the next setting: equal deadlines fire in order of setting */
    bool running;    /* inside timers_run */
    int64_t running_ms; /* its now_ms */
};

struct timer {
    struct timers *owner;
    timer_fn *fire;
    int64_t due_ms;
    uint64_t serial;
    size_t slot; /* place in the heap + 1; 0: not set */
};

void timer_init(struct timer *t, struct timers *owner, timer_fn *fire);
void timer_set(struct timer *t, int64_t due_ms); /* sets or moves */
void timer_cancel(struct timer *t);              /* harmless when not set */
bool timer_is_set(const struct timer *t);
/* The nearest deadline, or -1. */
int64_t timers_next_ms(const struct timers *ts);
/* Fires what is due at now_ms, in order of deadline; each is unset before its call and
 * may set itself again (for this run only if later than now_ms). At most `most` of them,
 * so that a mass start leaves turns for reaping; returns how many fired. */
size_t timers_run(struct timers *ts, int64_t now_ms, size_t most);
void timers_free(struct timers *ts);

#endif
