#include "applets/supervisord/super_priv.h"

#include "applets/supervisord/process.h"
#include "applets/supervisord/reap.h"
#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/base/log.h"

#include <stdlib.h>
#include <string.h>

/* So many programs are started in one turn, or for so long: between the batches children
 * are reaped, before their startsecs make a failed start look like a good one, and
 * clients answered. */
enum { STARTS_A_TURN = 64, STARTS_MAX_MS = 100 };
/* From so many on the kernel needs long to look for any dead child. */
enum { MANY_CHILDREN = 256, LOOK_MS = 100 };

static void start_some(struct super *s)
{
    struct list *queue = &s->engine.start_queue;
    if (list_empty(queue))
        return;
    int64_t end_ms = mono_ms() + STARTS_MAX_MS;
    for (int i = 0; i < STARTS_A_TURN && !list_empty(queue) && mono_ms() < end_ms; i++) {
        struct process *p = process_of_start_link(queue->next);
        list_del(queue->next);
        process_start(p);
    }
    if (!list_empty(queue))
        loop_again(s->engine.loop);
}

static void reap_all(struct super *s)
{
    s->child_died = false;
    timer_cancel(&s->look);
    reap_children(&s->engine);
}

static void on_look(struct timer *t, int64_t now_ms)
{
    UNUSED(now_ms);
    reap_all(container_of(t, struct super, look));
}

/* Where a hint was right the look at all others can wait for the end of the turn: what
 * died is started again before. Among many it takes longer than all the rest of a
 * restart, and waits for others that may die: missed meanwhile is only who died together
 * with one that was hinted at and has left its pipes to somebody. */
static void super_after_io(void *arg)
{
    struct super *s = arg;
    if (!s->child_died)
        return;
    if (!reap_hinted(&s->engine)) {
        reap_all(s);
    } else if (s->engine.by_pid.len >= MANY_CHILDREN && s->mood == MOOD_RUNNING) {
        s->child_died = false;
        if (!timer_is_set(&s->look))
            timer_set(&s->look, loop_now_ms(s->engine.loop) + LOOK_MS);
    }
}

static void dispatch_events(struct super *s)
{
    if (s->engine.safe_mode)
        return;
    list_each(it, &s->engine.pools)
    {
        event_pool_dispatch(event_pool_of_link(it));
    }
}

static void super_at_end(void *arg)
{
    struct super *s = arg;
    if (s->child_died)
        reap_all(s);
    if (s->mood == MOOD_RUNNING)
        start_some(s);
    else
        super_stop_turn(s);
    dispatch_events(s);
    syslog_report_look(&s->syslog);
}

static const char *find_variable(char *const *environ_list, const char *name)
{
    size_t n = strlen(name);
    for (; environ_list && *environ_list; environ_list++)
        if (strncmp(*environ_list, name, n) == 0 && (*environ_list)[n] == '=')
            return *environ_list + n + 1;
    return NULL;
}

struct super *super_make(const struct super_opts *opts, struct conf *newest)
{
    struct super *s = xcalloc(1, sizeof *s);
    s->engine = (struct engine){.loop = opts->loop,
                                .conf = newest,
                                .environ = opts->environ,
                                .next_event_serial = opts->next_event_serial,
                                .path = find_variable(opts->environ, "PATH")};
    event_bus_init(&s->engine.bus);
    list_init(&s->engine.start_queue);
    list_init(&s->engine.dirty_processes);
    list_init(&s->engine.dirty_pools);
    list_init(&s->engine.pools);
    s->conf = conf_ref(newest);
    s->first_conf = conf_ref(opts->conf);
    s->wants_base = true;
    s->overrides = opts->overrides;
    s->log = opts->log;
    s->mood = MOOD_RUNNING;
    super_stop_init(s);
    timer_init(&s->look, loop_timers(opts->loop), on_look);
    tick_init(&s->tick, &s->engine);
    syslog_report_init(&s->syslog, opts->loop);
    loop_add_hook(opts->loop, HOOK_AFTER_IO, &s->after_io, super_after_io, s);
    loop_add_hook(opts->loop, HOOK_END, &s->at_end, super_at_end, s);
    return s;
}

struct super *super_new(const struct super_opts *opts)
{
    struct super *s = super_make(opts, opts->conf);
    for (size_t i = 0; i < s->conf->group_count; i++)
        super_insert_group(s, group_new(&s->engine, s->conf, s->conf->groups[i]));
    return s;
}

void super_free(struct super *s)
{
    for (size_t i = 0; i < s->count; i++)
        event_pool_free(s->pools[i]);
    for (size_t i = 0; i < s->count; i++)
        group_free(s->groups[i]);
    event_pool_forget_record(&s->engine);
    tick_stop(&s->tick);
    syslog_report_stop(&s->syslog);
    free(s->groups);
    free(s->pools);
    map_free(&s->by_name);
    map_free(&s->engine.by_pid);
    map_free(&s->engine.by_id);
    timer_cancel(&s->report);
    timer_cancel(&s->look);
    timer_cancel(&s->engine.gather);
    loop_del_hook(&s->after_io);
    loop_del_hook(&s->at_end);
    conf_unref(s->conf);
    conf_unref(s->first_conf);
    conf_unref(s->restart_conf);
    free(s);
}

void super_start(struct super *s)
{
    s->engine.starts_allowed = true;
    s->started = true;
    s->child_died = true; /* as PID 1 there may be dead ones from before us */
    event_emit(&s->engine.bus,
               &(struct event){.type = EVENT_SUPERVISOR_STATE_CHANGE_RUNNING});
    for (size_t i = 0; i < s->count; i++)
        group_start_auto(s->groups[i]);
    start_some(s);
}

struct engine *super_engine(struct super *s)
{
    return &s->engine;
}

struct loop *super_loop(struct super *s)
{
    return s->engine.loop;
}

void super_set_front(struct super *s, const struct super_front *front)
{
    s->front = front;
}

int super_ask_front(struct super *s, const struct conf *next, bool now, struct err *err)
{
    return s->front ? s->front->take(s->front->arg, next, now, err) : 0;
}

enum super_mood super_mood(const struct super *s)
{
    return s->mood;
}

struct logfile *super_log(struct super *s)
{
    return s->log;
}

const struct conf *super_conf(const struct super *s)
{
    return s->conf;
}

size_t super_group_count(const struct super *s)
{
    return s->count;
}

struct group *super_group_at(const struct super *s, size_t i)
{
    return s->groups[i];
}

struct group *super_find_group(const struct super *s, const char *name)
{
    return map_get(&s->by_name, name, strlen(name));
}

struct process *super_find_process(const struct super *s, uint64_t id)
{
    return map_get(&s->engine.by_id, &id, sizeof id);
}

/* Keeps the order: by priority, later ones behind those of the same priority. */
void super_insert_group(struct super *s, struct group *g)
{
    if (s->count == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 8;
        s->groups = xreallocarray(s->groups, s->cap, sizeof(struct group *));
        s->pools = xreallocarray(s->pools, s->cap, sizeof(struct event_pool *));
    }
    size_t at = s->count++;
    while (at > 0 && group_conf(s->groups[at - 1])->priority > group_conf(g)->priority) {
        s->groups[at] = s->groups[at - 1];
        s->pools[at] = s->pools[at - 1];
        at--;
    }
    s->groups[at] = g;
    s->pools[at] =
        group_conf(g)->kind == GROUP_LISTENERS ? event_pool_new(&s->engine, g) : NULL;
    tick_update(&s->tick);
    map_put(&s->by_name, group_name(g), strlen(group_name(g)), g);
    s->wants_base = true;
    if (s->engine.restoring)
        return;
    event_emit(&s->engine.bus, &(struct event){.type = EVENT_PROCESS_GROUP_ADDED,
                                               .group_name = group_name(g)});
}

void super_reopen_logs(struct super *s)
{
    struct err err;
    log_info("supervisord logreopen");
    if (s->log && logfile_reopen(s->log, &err) < 0)
        log_warn("the activity log goes on into its old file: %s", err.text);
    for (size_t i = 0; i < s->count; i++)
        group_reopen_logs(s->groups[i]);
    if (super_ask_front(s, s->conf, true, &err) < 0)
        log_error("the certificates stay as they are: %s", err.text);
}
