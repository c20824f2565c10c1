/* Tells in the activity log how many messages the system's log did not take: one line for
 * a burst of them, a few seconds after its last, and once a minute while it goes on. */
#ifndef APPLETS_SUPERVISORD_SYSLOG_REPORT_H
#define APPLETS_SUPERVISORD_SYSLOG_REPORT_H

#include "core/io/loop.h"

struct syslog_report {
    struct timer timer; /* set while there is something to tell */
    uint64_t lost;
    int64_t began_ms;
};

void syslog_report_init(struct syslog_report *r, struct loop *loop);
/* At the end of each turn. */
void syslog_report_look(struct syslog_report *r);
void syslog_report_stop(struct syslog_report *r); /* tells what is left */

#endif
