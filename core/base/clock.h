/* Two clocks. Deadlines are absolute milliseconds of the monotonic one, which no clock
 * setting moves; the wall clock is for display, TICK events and schedules only. Tests may
 * freeze and move both. */
#ifndef CORE_BASE_CLOCK_H
#define CORE_BASE_CLOCK_H

#include "core/base/util.h"
#include <time.h>

int64_t mono_ms(void);               /* CLOCK_MONOTONIC, milliseconds */
void wall_now(struct timespec *out); /* CLOCK_REALTIME */
int64_t wall_secs(void);

/* For tests: from now on both clocks stand still at these values, until advanced. */
void clock_freeze(int64_t mono_at_ms, int64_t wall_at_secs);
void clock_advance(int64_t by_ms); /* both clocks */
void clock_step(int64_t by_secs);  /* the wall clock alone, as somebody sets it */
void clock_thaw(void);

#endif
