#include "applets/supervisord/process_info.h"

#include "applets/supervisord/group.h"
#include "core/rules/describe.h"
#include "core/rules/proc_fsm.h"

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

void process_info_get(const struct process *p, int64_t now_secs,
                      struct process_info *info)
{
    enum proc_state state = process_state(p);
    int wait_status;
    bool has_ended = process_wait_status(p, &wait_status);
    *info = (struct process_info){
        .name = process_conf(p)->name,
        .group = group_name(process_group(p)),
        .state = state,
        .state_name = proc_state_name(state),
        .start_secs = process_start_secs(p),
        .stop_secs = process_stop_secs(p),
        .now_secs = now_secs,
        .exit_status = process_exit_status(p),
        .pid = (int)process_pid(p),
        .starts = process_starts(p),
        .has_ended = has_ended,
        .wait_status = wait_status,
        .spawn_error = or_empty(process_spawn_error(p)),
        .note = process_note(p),
        .stdout_logfile = or_empty(process_log_path(p, PROCESS_STDOUT)),
        .stderr_logfile = or_empty(process_log_path(p, PROCESS_STDERR)),
    };
}

int process_info_describe(const struct process_info *info, struct buf *out)
{
    return describe_process(out, &(struct describe_in){.state = info->state,
                                                       .start_secs = info->start_secs,
                                                       .stop_secs = info->stop_secs,
                                                       .now_secs = info->now_secs,
                                                       .pid = info->pid,
                                                       .name = info->name,
                                                       .spawn_error = info->spawn_error,
                                                       .note = info->note});
}

int process_info_reason(const struct process_info *info, struct buf *out)
{
    char how[80];
    int status;
    bool failed = info->state == PROC_BACKOFF || info->state == PROC_FATAL;
    if (info->has_ended)
        proc_exit_text(info->wait_status, how, &status);
    if (failed && info->spawn_error[0] && buf_puts(out, info->spawn_error) < 0)
        return -1;
    if (!info->has_ended)
        return 0;
    return failed && info->spawn_error[0] ? buf_printf(out, " (%s)", how)
                                          : buf_puts(out, how);
}
