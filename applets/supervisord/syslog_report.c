#include "applets/supervisord/syslog_report.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/io/syslog.h"

/* A burst is over when nothing was lost for so long: longer than the pause between two
 * tries to reach the system's log. */
enum { QUIET_MS = 3000, LONGEST_MS = 60000 };

/* Where the activity log is the system's log, this line may be lost too: that is not the
 * beginning of another burst. */
static void tell(struct syslog_report *r)
{
    log_warn("%llu messages to the system log were lost, nobody took them",
             (unsigned long long)r->lost);
    r->lost = 0;
    syslog_take_lost();
}

static void syslog_report_on_timer(struct timer *timer, int64_t now_ms)
{
    struct syslog_report *r = container_of(timer, struct syslog_report, timer);
    UNUSED(now_ms);
    if (r->lost > 0)
        tell(r);
}

void syslog_report_init(struct syslog_report *r, struct loop *loop)
{
    *r = (struct syslog_report){0};
    timer_init(&r->timer, loop_timers(loop), syslog_report_on_timer);
}

void syslog_report_look(struct syslog_report *r)
{
    uint64_t more = syslog_take_lost();
    if (more == 0)
        return;
    int64_t now_ms = mono_ms(), until_ms = now_ms + QUIET_MS;
    if (r->lost == 0)
        r->began_ms = now_ms;
    r->lost += more;
    if (until_ms > r->began_ms + LONGEST_MS)
        until_ms = r->began_ms + LONGEST_MS;
    timer_set(&r->timer, until_ms);
}

void syslog_report_stop(struct syslog_report *r)
{
    syslog_report_look(r);
    timer_cancel(&r->timer);
    if (r->lost > 0)
        tell(r);
}
