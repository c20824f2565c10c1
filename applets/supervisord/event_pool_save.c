/* A pool's events and listeners as records, and back. The one idea: an event is written
 * once, when it is new; which events a pool still has stands in the pool's own line, as a
 * range of serials. That is enough, since the buffer is a queue: what listeners returned
 * stands in front and is listed, and behind it come all events from `first` on. */
#include "applets/supervisord/event_pool_priv.h"
#include "applets/supervisord/process.h"
#include "core/base/alloc.h"
#include "core/base/log.h"
#include "core/base/num.h"

#include <limits.h>
#include <stdlib.h>

/* --- saving ------------------------------------------------------------------------ */

static struct pending *pending_at(struct list *link)
{
    return list_item(link, struct pending, link);
}

static void save_event(const struct event_pool *pool, const struct pending *e,
                       struct record_writer *w)
{
    const struct event_record *r = e->record;
    record_begin(w, "event");
    record_put_str(w, "pool", group_name(pool->group));
    record_put_int(w, "pool_serial", (int64_t)e->pool_serial);
    record_put_int(w, "serial", (int64_t)r->serial);
    record_put_str(w, "type", event_type_name(r->type));
    record_put(w, "payload", buf_data(&r->payload), r->payload.len);
    record_end(w);
}

/* Those that are not in the record yet: some of the returned, of those in hand, and the
 * newest of the queue. */
static void save_events(const struct event_pool *pool, struct record_writer *w)
{
    struct list *at = pool->buffer.next;
    for (; at != &pool->buffer && pending_at(at)->returned; at = at->next)
        if (pending_at(at)->pool_serial >= pool->saved_serial)
            save_event(pool, pending_at(at), w);
    for (size_t i = 0; i < group_count(pool->group); i++) {
        const struct pending *e = pool->members[i].in_hand;
        if (e && e->pool_serial >= pool->saved_serial)
            save_event(pool, e, w);
    }
    struct list *last_returned = at->prev;
    at = pool->buffer.prev;
    while (at != last_returned && pending_at(at)->pool_serial >= pool->saved_serial)
        at = at->prev;
    for (at = at->next; at != &pool->buffer; at = at->next)
        save_event(pool, pending_at(at), w);
}

static void save_listener(const struct member *m, struct record_writer *w)
{
    const struct listener *l = &m->listener;
    record_begin(w, "listener");
    record_put_str(w, "group", group_name(m->pool->group));
    record_put_str(w, "name", process_conf(m->process)->name);
    record_put_int(w, "state", l->state);
    record_put_unless(w, "result_len", l->result_len, -1);
    if (l->held_len > 0)
        record_put(w, "held", l->held, l->held_len);
    record_put_unless(w, "doubts", l->doubts, 0);
    record_put_unless(w, "in_hand", m->in_hand ? (int64_t)m->in_hand->pool_serial : -1,
                      -1);
    if (timer_is_set(&m->patience))
        record_put_int(w, "patience_ms", m->patience.due_ms);
    record_put_unless(w, "to_restart", m->to_restart, 0);
    record_end(w);
}

static void save_pool(const struct event_pool *pool, struct record_writer *w)
{
    struct buf returned;
    struct list *at = pool->buffer.next;
    buf_init(&returned, BUF_NO_LIMIT);
    for (; at != &pool->buffer && pending_at(at)->returned; at = at->next)
        if (buf_put_uint(&returned, pending_at(at)->pool_serial) < 0 ||
            buf_putc(&returned, ',') < 0)
            w->failed = true;
    uint64_t first =
        at == &pool->buffer ? pool->next_serial : pending_at(at)->pool_serial;

    record_begin(w, "pool");
    record_put_str(w, "group", group_name(pool->group));
    record_put_int(w, "next_serial", (int64_t)pool->next_serial);
    record_put_int(w, "first", (int64_t)first);
    if (returned.len > 0)
        record_put(w, "returned", buf_data(&returned), returned.len);
    record_put_unless(w, "discarded", (int64_t)pool->discarded, 0);
    record_put_unless(w, "overflowing", pool->overflowing, 0);
    record_put_unless(w, "told_ms", pool->told_ms, 0);
    record_end(w);
    buf_free(&returned);
}

void event_pool_save(struct event_pool *pool, bool all, struct record_writer *w)
{
    if (all)
        pool->saved_serial = 0;
    save_pool(pool, w);
    save_events(pool, w);
    for (size_t i = 0; i < group_count(pool->group); i++) {
        struct member *m = &pool->members[i];
        if (all || m->dirty)
            save_listener(m, w);
        m->dirty = false;
    }
    pool->saved_serial = pool->next_serial;
    list_del(&pool->dirty_link);
}

struct event_pool *event_pool_of_dirty_link(struct list *link)
{
    return list_item(link, struct event_pool, dirty_link);
}

/* --- restoring --------------------------------------------------------------------- */

/* An event known by its serial alone; its line brings the rest. */
static struct pending *expect_event(uint64_t pool_serial)
{
    struct pending *e = xcalloc(1, sizeof *e);
    list_init(&e->link);
    e->pool_serial = pool_serial;
    return e;
}

static uint64_t serial_of(const struct record_reader *r, const char *key)
{
    return (uint64_t)record_get_int(r, key, 0, INT64_MAX, 0);
}

void event_pool_restore(struct event_pool *pool, const struct record_reader *r)
{
    struct span list, item;
    uint64_t serial;
    pool->next_serial = serial_of(r, "next_serial");
    pool->saved_serial = serial_of(r, "first"); /* the next that is to come */
    pool->discarded = (size_t)record_get_int(r, "discarded", 0, INT64_MAX, 0);
    pool->overflowing = record_get_int(r, "overflowing", 0, 1, 0) == 1;
    pool->told_ms = record_get_int(r, "told_ms", 0, INT64_MAX, 0);
    if (!record_get(r, "returned", &list))
        return;
    while (list.len > 0 && span_split(&list, ',', &item)) {
        if (parse_digits(item.ptr, item.len, 10, INT64_MAX, &serial) < 0)
            continue;
        struct pending *e = expect_event(serial);
        e->returned = true;
        list_append(&pool->buffer, &e->link);
        pool->buffered++;
    }
}

void event_pool_restore_listener(struct event_pool *pool, const struct process *p,
                                 const struct record_reader *r)
{
    struct member *m = event_pool_member(pool, p);
    struct span held = {"", 0};
    if (!m)
        return;
    record_get(r, "held", &held);
    listener_resume(&m->listener, (int)record_get_int(r, "state", 0, 100, 0),
                    record_get_int(r, "result_len", -1, INT64_MAX, -1),
                    (unsigned)record_get_int(r, "doubts", 0, INT_MAX, 0), held.ptr,
                    held.len);
    int64_t serial = record_get_int(r, "in_hand", 0, INT64_MAX, -1);
    if (serial >= 0 && !m->in_hand && m->listener.state == LISTENER_BUSY)
        m->in_hand = expect_event((uint64_t)serial);
    int64_t due_ms = record_get_int(r, "patience_ms", 0, INT64_MAX, -1);
    if (due_ms >= 0)
        timer_set(&m->patience, due_ms);
    m->to_restart = record_get_int(r, "to_restart", 0, 1, 0) == 1;
    event_pool_note(m);
}

static struct pending *find_expected(struct event_pool *pool, uint64_t pool_serial)
{
    for (size_t i = 0; i < group_count(pool->group); i++) {
        struct pending *e = pool->members[i].in_hand;
        if (e && !e->record && e->pool_serial == pool_serial)
            return e;
    }
    list_each(it, &pool->buffer)
    {
        struct pending *e = pending_at(it);
        if (!e->returned)
            break;
        if (!e->record && e->pool_serial == pool_serial)
            return e;
    }
    return NULL;
}

void event_pool_restore_event(struct event_pool *pool, const struct record_reader *r)
{
    struct span payload = {"", 0};
    char *name = record_get_str(r, "type");
    int type = name ? event_type_parse(name) : -1;
    uint64_t pool_serial = serial_of(r, "pool_serial");
    free(name);
    if (type < 0)
        return;
    struct pending *e = find_expected(pool, pool_serial);
    if (!e) {
        if (pool_serial < pool->saved_serial || pool_serial >= pool->next_serial)
            return; /* it was done with later */
        pool->saved_serial = pool_serial + 1;
        e = expect_event(pool_serial);
        list_append(&pool->buffer, &e->link);
        pool->buffered++;
    }
    e->record = xcalloc(1, sizeof *e->record);
    e->record->refs = 1;
    e->record->type = (enum event_type)type;
    e->record->serial = serial_of(r, "serial");
    buf_init(&e->record->payload, BUF_NO_LIMIT);
    record_get(r, "payload", &payload);
    if (buf_append(&e->record->payload, payload.ptr, payload.len) < 0)
        log_error("event %llu is incomplete: out of memory",
                  (unsigned long long)e->record->serial);
}

void event_pool_restored(struct event_pool *pool)
{
    size_t lost = 0;
    for (size_t i = 0; i < group_count(pool->group); i++) {
        struct member *m = &pool->members[i];
        if (!m->in_hand || m->in_hand->record)
            continue;
        free(m->in_hand);
        m->in_hand = NULL;
        lost++;
    }
    list_each(it, &pool->buffer)
    {
        struct pending *e = pending_at(it);
        if (e->record)
            continue;
        list_del(&e->link);
        free(e);
        pool->buffered--;
        lost++;
    }
    if (lost > 0)
        log_error("pool %s: %zu events are lost, the saved state does not have them",
                  group_name(pool->group), lost);
}
