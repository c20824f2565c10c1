/* Two clocks. The one idea: a frozen clock is the same pair of numbers kept here, so code
 * under test cannot tell. */
#include "core/base/clock.h"

static bool frozen;
static int64_t frozen_mono_ms, frozen_wall_ms;

int64_t mono_ms(void)
{
    struct timespec now;

    if (frozen)
        return frozen_mono_ms;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void wall_now(struct timespec *out)
{
    if (!frozen) {
        clock_gettime(CLOCK_REALTIME, out);
        return;
    }
    out->tv_sec = (time_t)(frozen_wall_ms / 1000);
    out->tv_nsec = (long)(frozen_wall_ms % 1000) * 1000000;
    if (out->tv_nsec < 0) { /* before 1970 */
        out->tv_sec--;
        out->tv_nsec += 1000000000;
    }
}

int64_t wall_secs(void)
{
    struct timespec now;

    wall_now(&now);
    return (int64_t)now.tv_sec;
}

void clock_freeze(int64_t mono_at_ms, int64_t wall_at_secs)
{
    frozen = true;
    frozen_mono_ms = mono_at_ms;
    frozen_wall_ms = wall_at_secs * 1000;
}

void clock_advance(int64_t by_ms)
{
    frozen_mono_ms += by_ms;
    frozen_wall_ms += by_ms;
}

void clock_step(int64_t by_secs)
{
    frozen_wall_ms += by_secs * 1000;
}

void clock_thaw(void)
{
    frozen = false;
}
