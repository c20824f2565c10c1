#include "applets/supervisord/api/web_log.h"

#include "applets/supervisord/process.h"
#include "core/base/buf.h"
#include "core/io/logfile.h"
#include "core/rules/namespec.h"
#include "core/wire/url.h"

#include <stdlib.h>
#include <string.h>

static const struct process *find(const struct super *super, const char *name)
{
    struct namespec spec = namespec_parse(name);
    char *group = span_dup(spec.group), *process = span_dup(spec.process);
    struct group *g = super_find_group(super, group);
    const struct process *p = g && !spec.whole_group ? group_find(g, process) : NULL;
    free(process);
    free(group);
    return p;
}

void web_log_read(struct web_log *log, const struct super *super, struct span query)
{
    char *kind = query_get(query, "log"), *channel = query_get(query, "channel");
    *log = (struct web_log){.process = query_get(query, "processname")};
    log->is_main = kind && strcmp(kind, "main") == 0;
    log->is_stderr = channel && strcmp(channel, "stderr") == 0;
    free(kind);
    free(channel);
    if (log->is_main) {
        struct logfile *file = super_log((struct super *)(uintptr_t)super);
        log->found = true;
        log->path = file ? logfile_path(file) : NULL;
        return;
    }
    const struct process *p = log->process ? find(super, log->process) : NULL;
    log->found = p != NULL;
    if (p)
        log->path = process_log_path(p, log->is_stderr ? PROCESS_STDERR : PROCESS_STDOUT);
}

void web_log_clear(struct web_log *log)
{
    free(log->process);
    *log = (struct web_log){0};
}

int web_log_title(const struct web_log *log, struct buf *out)
{
    if (log->is_main)
        return buf_puts(out, "main log");
    if (!log->process)
        return buf_puts(out, "log");
    return buf_printf(out, "%s %s", log->process, log->is_stderr ? "stderr" : "stdout");
}

int web_log_query(const struct web_log *log, struct buf *out)
{
    if (log->is_main)
        return buf_puts(out, "?log=main");
    if (buf_puts(out, "?processname=") < 0 ||
        url_encode(out, span_of(log->process), ":") < 0)
        return -1;
    return log->is_stderr ? buf_puts(out, "&channel=stderr") : 0;
}
