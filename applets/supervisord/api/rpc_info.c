/* Looking at processes: getProcessInfo, getAllProcessInfo, getAllConfigInfo. Members,
 * their types and their order: upstream rpcinterface.py. */
#include "applets/supervisord/api/rpc_methods.h"

#include "applets/supervisord/api/rpc_op.h"
#include "applets/supervisord/api/rpc_table.h"
#include "applets/supervisord/process_info.h"
#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/wire/rpc_fields.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Time stamps are 32-bit <int>s for old clients' sake. */
static int64_t capped(int64_t v)
{
    if (v > INT32_MAX)
        return INT32_MAX;
    return v < INT32_MIN ? INT32_MIN : v;
}

struct info_row { /* what clients see of a process */
    struct process_info info;
    int64_t start, stop, now, state, exit_status, pid;
    const char *description;
};

#define INFO_STR(name, member) RPC_FIELD_STR(name, struct info_row, member)
#define INFO_INT(name, member) RPC_FIELD_INT(name, struct info_row, member)

static const struct rpc_field info_fields[] = {
    INFO_STR("name", info.name),
    INFO_STR("group", info.group),
    INFO_INT("start", start),
    INFO_INT("stop", stop),
    INFO_INT("now", now),
    INFO_INT("state", state),
    INFO_STR("statename", info.state_name),
    INFO_STR("spawnerr", info.spawn_error),
    INFO_INT("exitstatus", exit_status),
    INFO_STR("logfile", info.stdout_logfile),
    INFO_STR("stdout_logfile", info.stdout_logfile),
    INFO_STR("stderr_logfile", info.stderr_logfile),
    INFO_INT("pid", pid),
    INFO_STR("description", description),
};

static void write_info(struct rpc_writer *w, const struct process *p, int64_t now_secs,
                       struct buf *scratch)
{
    struct info_row row;
    process_info_get(p, now_secs, &row.info);
    row.start = capped(row.info.start_secs);
    row.stop = capped(row.info.stop_secs);
    row.now = capped(row.info.now_secs);
    row.state = row.info.state;
    row.exit_status = row.info.exit_status;
    row.pid = row.info.pid;
    buf_truncate(scratch, 0);
    if (process_info_describe(&row.info, scratch) < 0)
        w->failed = true;
    row.description = buf_str(scratch);
    rpc_write_fields(w, info_fields, array_len(info_fields), &row);
}

RPC_METHOD(rpc_get_process_info)
{
    struct process *p;
    enum rpc_outcome outcome = rpc_find_process(ctx, rpc_arg_str(args, 0), &p);
    if (outcome != RPC_DONE)
        return outcome;
    struct buf scratch;
    buf_init(&scratch, BUF_NO_LIMIT);
    write_info(ctx->out, p, wall_secs(), &scratch);
    buf_free(&scratch);
    return RPC_DONE;
}

static int compare_groups(const void *a, const void *b)
{
    return strcmp(group_name(*(struct group *const *)a),
                  group_name(*(struct group *const *)b));
}

static int compare_processes(const void *a, const void *b)
{
    return strcmp(process_conf(*(struct process *const *)a)->name,
                  process_conf(*(struct process *const *)b)->name);
}

/* In most configurations they are in order already, which costs one look at each. */
static void sort_unless_sorted(void *items, size_t count, size_t size,
                               int (*compare)(const void *, const void *))
{
    const char *at = items;
    for (size_t i = 1; i < count; i++, at += size)
        if (compare(at, at + size) > 0) {
            qsort(items, count, size, compare);
            return;
        }
}

static void write_group(struct rpc_writer *w, const struct group *g, int64_t now_secs,
                        struct buf *scratch)
{
    size_t count = group_count(g);
    if (count == 1) {
        write_info(w, group_at(g, 0), now_secs, scratch);
        return;
    }
    struct process **sorted = xcalloc(count + 1, sizeof *sorted);
    for (size_t i = 0; i < count; i++)
        sorted[i] = group_at(g, i);
    sort_unless_sorted(sorted, count, sizeof *sorted, compare_processes);
    for (size_t i = 0; i < count; i++)
        write_info(w, sorted[i], now_secs, scratch);
    free(sorted);
}

/* About what one process takes: the answer gets its memory at once. */
#define INFO_BYTES 1300

RPC_METHOD(rpc_get_all_process_info)
{
    UNUSED(args);
    struct super *s = ctx->super;
    size_t count = super_group_count(s), processes = 0;
    struct group **sorted = xcalloc(count + 1, sizeof *sorted);
    for (size_t i = 0; i < count; i++) {
        sorted[i] = super_group_at(s, i);
        processes += group_count(sorted[i]);
    }
    sort_unless_sorted(sorted, count, sizeof *sorted, compare_groups);
    struct buf scratch;
    buf_init(&scratch, BUF_NO_LIMIT);
    buf_expect(ctx->out->out, processes * INFO_BYTES);
    rpc_write_array_begin(ctx->out);
    int64_t now_secs = wall_secs();
    for (size_t i = 0; i < count; i++)
        write_group(ctx->out, sorted[i], now_secs, &scratch);
    rpc_write_array_end(ctx->out);
    buf_free(&scratch);
    free(sorted);
    return RPC_DONE;
}

/* --- configuration ----------------------------------------------------------------- */

struct config_row {
    const struct group_conf *group;
    const struct program_conf *program;
    const struct process *process; /* NULL: the group does not run, or by another conf */
    bool inuse;
    size_t place;
};

static int compare_rows(const void *a, const void *b)
{
    const struct config_row *x = a, *y = b;
    int by_name = strcmp(x->program->name, y->program->name);
    return by_name ? by_name : (x->place > y->place) - (x->place < y->place);
}

static void write_or_none(struct rpc_writer *w, const char *name, const char *text)
{
    rpc_write_member_str(w, name, text ? text : "none");
}

/* An AUTO log has its name once its process exists. */
static const char *config_log(const struct config_row *row, const struct channel_conf *c,
                              enum process_channel ch)
{
    const char *path;
    switch (c->target) {
    case LOG_TO_FILE:
        return c->logfile;
    case LOG_TO_AUTO:
        path = row->process ? process_log_path(row->process, ch) : NULL;
        return path ? path : "auto";
    case LOG_TO_NONE:
    case LOG_TO_SYSLOG:
        break;
    }
    return "none";
}

struct channel_names {
    const char *capture, *events, *logfile, *backups, *maxbytes, *syslog;
};

static void write_channel(struct rpc_writer *w, const struct config_row *row,
                          const struct channel_conf *c, enum process_channel ch)
{
    static const struct channel_names names[] = {
        {"stdout_capture_maxbytes", "stdout_events_enabled", "stdout_logfile",
         "stdout_logfile_backups", "stdout_logfile_maxbytes", "stdout_syslog"},
        {"stderr_capture_maxbytes", "stderr_events_enabled", "stderr_logfile",
         "stderr_logfile_backups", "stderr_logfile_maxbytes", "stderr_syslog"},
    };
    const struct channel_names *n = &names[ch];
    rpc_write_member_int(w, n->capture, c->capture_maxbytes);
    rpc_write_member_bool(w, n->events, c->events_enabled);
    rpc_write_member_str(w, n->logfile, config_log(row, c, ch));
    rpc_write_member_int(w, n->backups, c->logfile_backups);
    rpc_write_member_int(w, n->maxbytes, c->logfile_maxbytes);
    rpc_write_member_bool(w, n->syslog, c->syslog || c->target == LOG_TO_SYSLOG);
}

static void write_autorestart(struct rpc_writer *w, enum autorestart how)
{
    if (how == RESTART_UNEXPECTED)
        rpc_write_member_str(w, "autorestart", "unexpected");
    else
        rpc_write_member_bool(w, "autorestart", how == RESTART_ALWAYS);
}

static void write_exitcodes(struct rpc_writer *w, const struct program_conf *p)
{
    rpc_write_name(w, "exitcodes");
    rpc_write_array_begin(w);
    for (size_t i = 0; i < p->exitcode_count; i++)
        rpc_write_int(w, p->exitcodes[i]);
    rpc_write_array_end(w);
    rpc_write_member_end(w);
}

static void write_config(struct rpc_writer *w, const struct config_row *row)
{
    const struct program_conf *p = row->program;
    rpc_write_struct_begin(w);
    rpc_write_member_bool(w, "autostart", p->autostart);
    write_autorestart(w, p->autorestart);
    write_or_none(w, "directory", p->directory);
    if (p->has_uid)
        rpc_write_member_int(w, "uid", p->uid);
    else
        rpc_write_member_str(w, "uid", "none");
    rpc_write_member_str(w, "command", p->command);
    write_exitcodes(w, p);
    rpc_write_member_str(w, "group", row->group->name);
    rpc_write_member_int(w, "group_prio", row->group->priority);
    rpc_write_member_bool(w, "inuse", row->inuse);
    rpc_write_member_bool(w, "killasgroup", p->killasgroup);
    rpc_write_member_str(w, "name", p->name);
    rpc_write_member_int(w, "process_prio", p->priority);
    rpc_write_member_bool(w, "redirect_stderr", p->redirect_stderr);
    rpc_write_member_int(w, "startretries", p->startretries);
    rpc_write_member_int(w, "startsecs", p->startsecs);
    write_channel(w, row, &p->out, PROCESS_STDOUT);
    rpc_write_member_int(w, "stopsignal", p->stopsignal);
    rpc_write_member_int(w, "stopwaitsecs", p->stopwaitsecs);
    write_channel(w, row, &p->err, PROCESS_STDERR);
    write_or_none(w, "serverurl", p->serverurl);
    rpc_write_struct_end(w);
}

RPC_METHOD(rpc_get_all_config_info)
{
    UNUSED(args);
    const struct conf *conf = super_conf(ctx->super);
    size_t total = 0, n = 0;
    for (size_t i = 0; i < conf->group_count; i++)
        total += conf->groups[i]->process_count;
    struct config_row *rows = xcalloc(total + 1, sizeof *rows);
    for (size_t i = 0; i < conf->group_count; i++) {
        const struct group_conf *gc = conf->groups[i];
        const struct group *g = super_find_group(ctx->super, gc->name);
        bool same = g && group_conf(g) == gc;
        for (size_t j = 0; j < gc->process_count; j++, n++)
            rows[n] = (struct config_row){
                gc, gc->processes[j], same ? group_find(g, gc->processes[j]->name) : NULL,
                g != NULL, n};
    }
    qsort(rows, total, sizeof *rows, compare_rows);
    rpc_write_array_begin(ctx->out);
    for (size_t i = 0; i < total; i++)
        write_config(ctx->out, &rows[i]);
    rpc_write_array_end(ctx->out);
    free(rows);
    return RPC_DONE;
}
