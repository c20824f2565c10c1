/* Compares configurations group by group. */
#include "config/conf_diff.h"

#include "core/base/alloc.h"
#include "core/base/map.h"

#include <stdlib.h>
#include <string.h>

static bool strv_equal(const struct strv *a, const struct strv *b)
{
    if (a->len != b->len)
        return false;
    for (size_t i = 0; i < a->len; i++)
        if (!str_eq(a->items[i], b->items[i]))
            return false;
    return true;
}

/* The order of variables does not matter, only what they are set to. */
static bool env_equal(const struct env_conf *a, const struct env_conf *b)
{
    if (a->keys.len != b->keys.len)
        return false;
    if (strv_equal(&a->keys, &b->keys))
        return strv_equal(&a->values, &b->values);
    for (size_t i = 0; i < a->keys.len; i++) {
        size_t j = 0;
        while (j < b->keys.len && !str_eq(a->keys.items[i], b->keys.items[j]))
            j++;
        if (j == b->keys.len || !str_eq(a->values.items[i], b->values.items[j]))
            return false;
    }
    return true;
}

static bool channel_equal(const struct channel_conf *a, const struct channel_conf *b)
{
    return a->target == b->target && str_eq(a->logfile, b->logfile) &&
           a->logfile_maxbytes == b->logfile_maxbytes &&
           a->logfile_backups == b->logfile_backups &&
           a->capture_maxbytes == b->capture_maxbytes &&
           a->events_enabled == b->events_enabled && a->syslog == b->syslog;
}

static bool process_equal(const struct program_conf *a, const struct program_conf *b)
{
    return str_eq(a->name, b->name) && str_eq(a->command, b->command) &&
           str_eq(a->directory, b->directory) && a->umask == b->umask &&
           a->priority == b->priority && a->autostart == b->autostart &&
           a->autorestart == b->autorestart && a->startsecs == b->startsecs &&
           a->startretries == b->startretries && a->stopsignal == b->stopsignal &&
           a->stopwaitsecs == b->stopwaitsecs && a->stopasgroup == b->stopasgroup &&
           a->killasgroup == b->killasgroup && a->redirect_stderr == b->redirect_stderr &&
           a->has_uid == b->has_uid && a->uid == b->uid &&
           str_eq(a->serverurl, b->serverurl) && a->exitcode_count == b->exitcode_count &&
           (a->exitcode_count == 0 ||
            memcmp(a->exitcodes, b->exitcodes,
                   a->exitcode_count * sizeof *a->exitcodes) == 0) &&
           channel_equal(&a->out, &b->out) && channel_equal(&a->err, &b->err) &&
           env_equal(&a->environment, &b->environment);
}

static bool listener_equal(const struct listener_conf *a, const struct listener_conf *b)
{
    return a->buffer_size == b->buffer_size &&
           a->listener_timeout == b->listener_timeout &&
           a->event_count == b->event_count &&
           str_eq(a->result_handler, b->result_handler) &&
           (a->event_count == 0 ||
            memcmp(a->events, b->events, a->event_count * sizeof *a->events) == 0);
}

static bool fcgi_equal(const struct fcgi_conf *a, const struct fcgi_conf *b)
{
    return str_eq(a->socket_path, b->socket_path) && str_eq(a->host, b->host) &&
           a->port == b->port && a->has_owner == b->has_owner &&
           a->owner_uid == b->owner_uid && a->owner_gid == b->owner_gid &&
           a->has_mode == b->has_mode && a->mode == b->mode && a->backlog == b->backlog;
}

bool conf_group_equal(const struct group_conf *a, const struct group_conf *b)
{
    if (!str_eq(a->name, b->name) || a->priority != b->priority || a->kind != b->kind ||
        a->process_count != b->process_count ||
        !listener_equal(&a->listener, &b->listener) || !fcgi_equal(&a->fcgi, &b->fcgi))
        return false;
    for (size_t i = 0; i < a->process_count; i++)
        if (!process_equal(a->processes[i], b->processes[i]))
            return false;
    return true;
}

static void push(const char ***list, size_t *count, const char *name)
{
    *list = xreallocarray(*list, *count + 1, sizeof **list);
    (*list)[(*count)++] = name;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort(const char **list, size_t count)
{
    if (count > 0)
        qsort(list, count, sizeof *list, by_text);
}

void conf_diff(struct conf_diff *d, const struct group_conf *const *active,
               size_t active_count, const struct conf *next)
{
    struct map old = {0}, kept = {0};

    *d = (struct conf_diff){0};
    for (size_t i = 0; i < active_count; i++)
        map_put(&old, active[i]->name, strlen(active[i]->name), (void *)active[i]);
    for (size_t i = 0; i < next->group_count; i++) {
        struct group_conf *g = next->groups[i];
        const struct group_conf *was = map_get(&old, g->name, strlen(g->name));
        map_put(&kept, g->name, strlen(g->name), g);
        if (!was)
            push(&d->added, &d->added_count, g->name);
        else if (!conf_group_equal(was, g))
            push(&d->changed, &d->changed_count, g->name);
    }
    for (size_t i = 0; i < active_count; i++)
        if (!map_get(&kept, active[i]->name, strlen(active[i]->name)))
            push(&d->removed, &d->removed_count, active[i]->name);
    sort(d->added, d->added_count);
    sort(d->changed, d->changed_count);
    sort(d->removed, d->removed_count);
    map_free(&old);
    map_free(&kept);
}

void conf_diff_free(struct conf_diff *d)
{
    free(d->added);
    free(d->changed);
    free(d->removed);
    *d = (struct conf_diff){0};
}
