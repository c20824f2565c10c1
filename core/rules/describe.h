/* The description column of status: "pid 7, uptime 0:01:02", "Nov 21 09:17 AM", "Not
 * started", or the last error. Pure but for local time. Source: upstream rpcinterface.py,
 * _interpretProcessInfo. */
#ifndef CORE_RULES_DESCRIBE_H
#define CORE_RULES_DESCRIBE_H

#include "core/base/buf.h"
#include "core/rules/states.h"

struct describe_in {
    enum proc_state state;
    int64_t start_secs, stop_secs, now_secs; /* wall clock; 0: never */
    int pid;
    const char *name;        /* of the process */
    const char *spawn_error; /* NULL or "": none */
    const char *note;        /* goes behind the uptime; NULL: none */
};

int describe_process(struct buf *out, const struct describe_in *in); /* 0, -1 as buf */
/* "0:01:02", "1 day, 2:03:04", "3 days, 0:00:00": Python's str(timedelta). */
int describe_uptime(struct buf *out, int64_t secs);

#endif
