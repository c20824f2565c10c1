#include "applets/supervisord/super_save.h"

#include "applets/supervisord/super_priv.h"
#include "config/conf_record.h"
#include "core/base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* --- configurations ---------------------------------------------------------------- */

/* Those in use, each once; their numbers in the record are their places plus 1. */
struct conf_list {
    const struct conf **items;
    size_t count;
};

/* Its number, 0 for NULL. New ones come last, as groups mostly share a few. */
static int64_t number_of(struct conf_list *list, const struct conf *c)
{
    if (!c)
        return 0;
    for (size_t i = list->count; i > 0; i--)
        if (list->items[i - 1] == c)
            return (int64_t)i;
    list->items =
        xreallocarray(list->items, list->count + 1, sizeof(const struct conf *));
    list->items[list->count++] = c;
    return (int64_t)list->count;
}

static void save_conf(const struct conf *c, int64_t number, struct record_writer *w)
{
    record_begin(w, "conf");
    record_put_int(w, "number", number);
    size_t opened = record_put_open(w, "text");
    conf_save(c, w);
    record_put_close(w, opened);
    record_end(w);
}

static void save_confs_and_groups(const struct super *s, struct record_writer *w)
{
    struct conf_list list = {0};
    record_begin(w, "configurations");
    record_put_int(w, "newest", number_of(&list, s->conf));
    record_put_int(w, "first", number_of(&list, s->first_conf));
    record_put_int(w, "restart", number_of(&list, s->restart_conf));
    record_end(w);
    for (size_t i = 0; i < s->count; i++) {
        record_begin(w, "group");
        record_put_str(w, "name", group_name(s->groups[i]));
        record_put_int(w, "conf", number_of(&list, group_owner(s->groups[i])));
        record_end(w);
    }
    for (size_t i = 0; i < list.count; i++)
        save_conf(list.items[i], (int64_t)i + 1, w);
    free(list.items);
}

/* --- the supervisor itself --------------------------------------------------------- */

static void take_stock(const struct super *s, struct super_saved *now)
{
    now->next_event_serial = s->engine.next_event_serial;
    now->last_process_id = s->engine.last_process_id;
    now->report_ms = timer_is_set(&s->report) ? s->report.due_ms : -1;
    memcpy(now->slices, s->tick.slices, sizeof now->slices);
    now->stopping = s->stopping;
    now->mood = s->mood;
    now->started = s->started;
}

/* Asked in every turn. */
static bool is_same(const struct super_saved *a, const struct super_saved *b)
{
    return a->next_event_serial == b->next_event_serial &&
           a->last_process_id == b->last_process_id && a->report_ms == b->report_ms &&
           a->slices[0] == b->slices[0] && a->slices[1] == b->slices[1] &&
           a->slices[2] == b->slices[2] && a->stopping == b->stopping &&
           a->mood == b->mood && a->started == b->started;
}

static void save_super(struct super *s, const struct super_saved *now,
                       struct record_writer *w)
{
    record_begin(w, "super");
    record_put_int(w, "started", now->started);
    record_put_unless(w, "mood", now->mood, MOOD_RUNNING);
    record_put_int(w, "next_event_serial", (int64_t)now->next_event_serial);
    record_put_int(w, "last_process_id", (int64_t)now->last_process_id);
    record_put_unless(w, "stopping", (int64_t)now->stopping, 0);
    record_put_unless(w, "report_ms", now->report_ms, -1);
    record_put_unless(w, "tick_5", now->slices[0], 0);
    record_put_unless(w, "tick_60", now->slices[1], 0);
    record_put_unless(w, "tick_3600", now->slices[2], 0);
    record_end(w);
    s->saved = *now;
}

_Static_assert(TICK_KINDS == 3, "each slice has its field");

/* --- all, and changes -------------------------------------------------------------- */

static void save_process(struct process *p, struct record_writer *w)
{
    process_save(p, true, w);
    list_del(process_dirty_link(p));
}

void super_save_all(struct super *s, struct record_writer *w)
{
    struct super_saved now;
    take_stock(s, &now);
    record_begin(w, "state");
    record_put_int(w, "version", SUPER_RECORD_VERSION);
    record_end(w);
    save_super(s, &now, w);
    save_confs_and_groups(s, w);
    for (size_t i = 0; i < s->count; i++) {
        struct group *g = s->groups[i];
        group_save_socket(g, w);
        for (size_t k = 0; k < group_count(g); k++)
            save_process(group_listed(g, k), w);
        if (s->pools[i])
            event_pool_save(s->pools[i], true, w);
    }
    s->wants_base = false;
}

/* The socket of its group changes with a process's start or rest, and only then. */
static void save_changed_processes(struct super *s, struct record_writer *w)
{
    list_each(it, &s->engine.dirty_processes)
    {
        struct process *p = process_of_dirty_link(it);
        group_save_socket(process_group(p), w);
        save_process(p, w);
    }
}

enum super_changes super_save_changes(struct super *s, struct record_writer *w)
{
    struct super_saved now;
    if (s->wants_base)
        return SUPER_NEEDS_BASE;
    take_stock(s, &now);
    bool is_other = !is_same(&now, &s->saved);
    if (!is_other && list_empty(&s->engine.dirty_processes) &&
        list_empty(&s->engine.dirty_pools))
        return SUPER_UNCHANGED;
    if (is_other)
        save_super(s, &now, w);
    save_changed_processes(s, w);
    list_each(it, &s->engine.dirty_pools)
    {
        event_pool_save(event_pool_of_dirty_link(it), false, w);
    }
    return SUPER_CHANGED;
}

void super_want_base(struct super *s)
{
    s->wants_base = true;
}
