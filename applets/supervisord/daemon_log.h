/* Where the daemon's own log goes: the activity log, standard output in the foreground,
 * or syslog. */
#ifndef APPLETS_SUPERVISORD_DAEMON_LOG_H
#define APPLETS_SUPERVISORD_DAEMON_LOG_H

#include "config/conf.h"
#include "core/base/err.h"
#include "core/io/logfile.h"

struct daemon_log {
    struct logfile *out, *file; /* NULL: none */
    bool to_syslog;
    int sink; /* one for all, so that lines from before it reach all; -1: closed */
};

/* l must not move while it is open. In the foreground the log goes to standard output
 * too. A log that cannot be opened ends a daemon, which would have no other voice; in the
 * foreground, or when one goes on from an earlier image, it is said and life goes on: a
 * container may have no place to write to. 0, or -1 with err. */
int daemon_log_open(struct daemon_log *l, struct loop *loop,
                    const struct server_conf *server, bool goes_on, struct err *err);
void daemon_log_close(struct daemon_log *l);
/* What was noticed before there was a log: critical first, then warnings, then the rest.
 */
void daemon_log_findings(const struct conf *conf, const struct strv *notes);

#endif
