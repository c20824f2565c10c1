/* TICK_5, TICK_60, TICK_3600: told when the wall clock enters a new slice of so many
 * seconds. Runs only while somebody has subscribed. Source: upstream supervisord.py,
 * tick. */
#ifndef APPLETS_SUPERVISORD_TICK_H
#define APPLETS_SUPERVISORD_TICK_H

#include "applets/supervisord/engine.h"

enum { TICK_KINDS = 3 };

struct tick {
    struct engine *engine;
    struct timer timer;
    int64_t slices[TICK_KINDS]; /* beginning of the present one; 0: not looked yet */
};

void tick_init(struct tick *t, struct engine *engine);
/* Starts or stops ticking, after subscriptions have changed. */
void tick_update(struct tick *t);
void tick_stop(struct tick *t);
/* Goes on from the slices of an earlier image: a slice that began meanwhile is told. */
void tick_resume(struct tick *t, const int64_t slices[TICK_KINDS]);

#endif
