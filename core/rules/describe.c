#include "core/rules/describe.h"

#include "core/base/calendar.h"

#include <time.h>

enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

int describe_uptime(struct buf *out, int64_t secs)
{
    if (secs < 0) /* the clock was set back */
        secs = 0;
    int64_t days = secs / DAY;
    if (days > 0 && (buf_put_int(out, days) < 0 ||
                     buf_puts(out, days == 1 ? " day, " : " days, ") < 0))
        return -1;
    unsigned rest = (unsigned)(secs % DAY),
             parts[] = {rest % HOUR / MINUTE, rest % MINUTE};
    char text[sizeof ":00:00"], *at = text; /* no printf: thousands are made at once */
    for (size_t i = 0; i < array_len(parts); i++) {
        *at++ = ':';
        *at++ = (char)('0' + parts[i] / 10);
        *at++ = (char)('0' + parts[i] % 10);
    }
    return buf_put_uint(out, rest / HOUR) < 0 ? -1
                                              : buf_append(out, text, sizeof text - 1);
}

/* "Nov 21 09:17 AM" in local time, with English names whatever the locale. */
static int describe_stop(struct buf *out, int64_t stop_secs)
{
    time_t when = (time_t)stop_secs;
    struct tm tm;
    if (!localtime_r(&when, &tm))
        return 0;
    int hour = tm.tm_hour % 12;
    return buf_printf(out, "%.3s %02d %02d:%02d %s", MONTH_NAME(&tm), tm.tm_mday,
                      hour ? hour : 12, tm.tm_min, tm.tm_hour < 12 ? "AM" : "PM");
}

int describe_process(struct buf *out, const struct describe_in *in)
{
    switch (in->state) {
    case PROC_RUNNING:
        if (buf_puts(out, "pid ") < 0 || buf_put_int(out, in->pid) < 0 ||
            buf_puts(out, ", uptime ") < 0)
            return -1;
        if (describe_uptime(out, in->now_secs - in->start_secs) < 0)
            return -1;
        return in->note ? buf_printf(out, ", %s", in->note) : 0;
    case PROC_FATAL:
    case PROC_BACKOFF:
        if (in->spawn_error && in->spawn_error[0])
            return buf_puts(out, in->spawn_error);
        return buf_printf(out, "unknown error (try \"tail %s\")", in->name);
    case PROC_STOPPED:
    case PROC_EXITED:
        if (in->start_secs == 0)
            return buf_puts(out, "Not started");
        return describe_stop(out, in->stop_secs);
    case PROC_STARTING:
    case PROC_STOPPING:
    case PROC_UNKNOWN:
        break;
    }
    return 0;
}
