#include "applets/supervisord/group.h"

#include "applets/supervisord/fcgi_socket.h"
#include "applets/supervisord/process.h"
#include "config/conf_load.h"
#include "core/base/alloc.h"
#include "core/base/log.h"

#include <limits.h>
#include <stdlib.h>

struct group {
    struct engine *engine;
    struct conf *owner;
    const struct group_conf *conf;
    struct process **processes;   /* as the configuration lists them */
    struct process **by_priority; /* the same, sorted; equals as listed */
    size_t count;
    struct map by_name;
    struct fcgi_socket socket; /* GROUP_FCGI */
};

static void sort_by_priority(struct process **list, size_t count)
{
    for (size_t i = 1; i < count; i++) { /* sorted already, as a rule */
        struct process *p = list[i];
        size_t at = i;
        for (; at > 0 && process_conf(list[at - 1])->priority > process_conf(p)->priority;
             at--)
            list[at] = list[at - 1];
        list[at] = p;
    }
}

/* Trouble with the socket is to be known at once and not with the first start. It stays
 * open if it will be used soon. */
static void check_socket(struct group *g)
{
    struct err err;
    if (g->conf->kind != GROUP_FCGI || g->engine->restoring)
        return;
    if (group_fcgi_fd(g, &err) < 0)
        log_error("%s", err.text);
    for (size_t i = 0; i < g->count; i++)
        if (process_conf(g->processes[i])->autostart)
            return;
    fcgi_socket_close(&g->socket);
}

struct group *group_new(struct engine *engine, struct conf *owner,
                        const struct group_conf *gconf)
{
    struct group *g = xcalloc(1, sizeof *g);
    g->engine = engine;
    g->owner = conf_ref(owner);
    g->conf = gconf;
    g->count = gconf->process_count;
    g->processes = xcalloc(g->count, sizeof(struct process *));
    for (size_t i = 0; i < g->count; i++) {
        const struct program_conf *pc = gconf->processes[i];
        g->processes[i] = process_new(engine, g, pc);
        map_put(&g->by_name, pc->name, span_of(pc->name).len, g->processes[i]);
    }
    g->by_priority = xcalloc(g->count, sizeof(struct process *));
    for (size_t i = 0; i < g->count; i++)
        g->by_priority[i] = g->processes[i];
    sort_by_priority(g->by_priority, g->count);
    fcgi_socket_init(&g->socket, &gconf->fcgi);
    check_socket(g);
    return g;
}

void group_free(struct group *g)
{
    fcgi_socket_close(&g->socket);
    for (size_t i = 0; i < g->count; i++)
        process_free(g->processes[i]);
    free(g->processes);
    free(g->by_priority);
    map_free(&g->by_name);
    conf_unref(g->owner);
    free(g);
}

const struct group_conf *group_conf(const struct group *g)
{
    return g->conf;
}

const char *group_name(const struct group *g)
{
    return g->conf->name;
}

size_t group_count(const struct group *g)
{
    return g->count;
}

struct process *group_at(const struct group *g, size_t i)
{
    return g->by_priority[i];
}

struct process *group_find(const struct group *g, const char *process_name)
{
    return group_find_span(g, span_of(process_name));
}

struct process *group_find_span(const struct group *g, struct span process_name)
{
    return map_get(&g->by_name, process_name.ptr, process_name.len);
}

int group_fcgi_fd(struct group *g, struct err *err)
{
    return fcgi_socket_open(&g->socket, err) < 0 ? -1 : g->socket.fd;
}

void group_process_rests(struct group *g)
{
    if (g->conf->kind != GROUP_FCGI)
        return;
    for (size_t i = 0; i < g->count; i++)
        if (process_is_busy(g->processes[i]))
            return;
    fcgi_socket_close(&g->socket);
}

void group_start_auto(struct group *g)
{
    for (size_t i = 0; i < g->count; i++)
        if (process_conf(g->processes[i])->autostart)
            process_start_queued(g->processes[i]);
}

void group_stop_all(struct group *g)
{
    for (size_t i = g->count; i > 0; i--) {
        struct process *p = g->by_priority[i - 1];
        if (process_state(p) == PROC_BACKOFF)
            process_give_up(p);
        else
            process_stop(p);
    }
}

size_t group_unstopped(const struct group *g)
{
    size_t n = 0;
    for (size_t i = 0; i < g->count; i++)
        n += !proc_state_is_stopped(process_state(g->processes[i]));
    return n;
}

void group_reopen_logs(struct group *g)
{
    for (size_t i = 0; i < g->count; i++)
        process_reopen_logs(g->processes[i]);
}

struct process *group_listed(const struct group *g, size_t i)
{
    return g->processes[i];
}

const struct conf *group_owner(const struct group *g)
{
    return g->owner;
}

void group_save_socket(const struct group *g, struct record_writer *w)
{
    if (g->conf->kind != GROUP_FCGI)
        return;
    record_begin(w, "socket");
    record_put_str(w, "group", g->conf->name);
    record_put_fd(w, "fcgi_fd", g->socket.fd);
    if (g->socket.fd >= 0)
        record_put_int(w, "inode", (int64_t)g->socket.inode);
    record_end(w);
}

void group_restore_socket(struct group *g, const struct record_reader *r)
{
    if (g->conf->kind == GROUP_FCGI)
        fcgi_socket_resume(&g->socket, (int)record_get_int(r, "fcgi_fd", 0, INT_MAX, -1),
                           (ino_t)record_get_int(r, "inode", 0, INT64_MAX, 0));
}
