/* One read-only picture of a process, for every renderer: XML-RPC, web page, metrics. */
#ifndef APPLETS_SUPERVISORD_PROCESS_INFO_H
#define APPLETS_SUPERVISORD_PROCESS_INFO_H

#include "applets/supervisord/process.h"
#include "core/base/buf.h"

struct process_info { /* strings are borrowed until the process changes */
    const char *name, *group;
    enum proc_state state;
    const char *state_name;
    int64_t start_secs, stop_secs, now_secs;
    int exit_status, pid;
    unsigned starts; /* attempts, ever */
    bool has_ended;  /* a child of it has; wait_status tells how */
    int wait_status;
    const char *spawn_error;                     /* "" for none */
    const char *note;                            /* NULL for none */
    const char *stdout_logfile, *stderr_logfile; /* "" for none */
};

void process_info_get(const struct process *p, int64_t now_secs,
                      struct process_info *info);
/* Appends the description column. 0, or -1 as buf. */
int process_info_describe(const struct process_info *info, struct buf *out);

/* Appends how its last child ended ("exit status 3", "terminated by SIGKILL") or, where a
 * start failed, why; nothing where there is nothing to tell. 0, or -1 as buf. */
int process_info_reason(const struct process_info *info, struct buf *out);

#endif
