/* Which log a request means: the query of tail.html and of what belongs to it.
 *
 *   processname=GROUP:NAME  channel=stdout|stderr    a program's (channel: stdout)
 *   log=main                                         the activity log */
#ifndef APPLETS_SUPERVISORD_API_WEB_LOG_H
#define APPLETS_SUPERVISORD_API_WEB_LOG_H

#include "applets/supervisord/super.h"
#include "core/base/str.h"

struct web_log {
    bool is_main, is_stderr;
    char *process; /* as asked for; NULL: none named. Yours */
    bool found;    /* there is such a process */
    /* The file, or NULL where nothing is logged to one. Borrowed until a process or the
     * configuration changes. */
    const char *path;
};

void web_log_read(struct web_log *log, const struct super *super, struct span query);
void web_log_clear(struct web_log *log);
/* "web:w1 stderr", "main log": for people. 0, or -1 as buf. */
struct buf;
int web_log_title(const struct web_log *log, struct buf *out);
/* The query that means this log, with a leading "?". 0, or -1 as buf. */
int web_log_query(const struct web_log *log, struct buf *out);

#endif
