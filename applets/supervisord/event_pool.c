#include "applets/supervisord/event_pool.h"

#include "applets/supervisord/event_pool_priv.h"
#include "applets/supervisord/process.h"
#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/io/fd.h"
#include "core/rules/event_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A log line for an overflow that goes on is written so often at the most. */
enum { OVERFLOW_REPORT_MS = 60000 };
/* An event has about so much besides its data: the buffer need not grow step by step. */
enum { ENVELOPE_BYTES = 160 };

static void record_unref(struct event_record *r)
{
    if (--r->refs > 0)
        return;
    buf_free(&r->payload);
    free(r);
}

static struct event_record *record_new(struct engine *engine, const struct event *ev)
{
    struct event_record *r = xcalloc(1, sizeof *r);
    struct process *p = ev->process;
    r->refs = 1;
    r->type = ev->type;
    r->serial = engine->next_event_serial++;
    char *room;
    buf_init(&r->payload, BUF_NO_LIMIT);
    (void)buf_reserve(&r->payload, ENVELOPE_BYTES + ev->data.len, &room);
    struct event_text_in text = {
        .type = ev->type,
        .process_name = p ? process_conf(p)->name : ev->process_name,
        .group_name = p ? group_name(process_group(p)) : ev->group_name,
        .from_state = ev->from_state,
        .tries = ev->tries,
        .expected = ev->expected,
        .pid = ev->pid,
        .data = ev->data,
        .remote_type = ev->remote_type,
        .when_secs = ev->when_secs,
    };
    if (event_payload(&r->payload, &text) < 0)
        log_error("event %s is incomplete: out of memory", event_type_name(ev->type));
    return r;
}

/* The record of this emission: the first pool that wants it makes it. */
static struct event_record *record_of(struct engine *engine, const struct event *ev)
{
    if (!engine->event_record || engine->event_record_emission != engine->bus.emissions) {
        if (engine->event_record)
            record_unref(engine->event_record);
        engine->event_record = record_new(engine, ev);
        engine->event_record_emission = engine->bus.emissions;
    }
    engine->event_record->refs++;
    return engine->event_record;
}

void event_pool_forget_record(struct engine *engine)
{
    if (engine->event_record)
        record_unref(engine->event_record);
    engine->event_record = NULL;
}

void event_pool_mark(struct event_pool *pool)
{
    if (list_empty(&pool->dirty_link))
        list_append(&pool->engine->dirty_pools, &pool->dirty_link);
}

static void mark_member(struct member *m)
{
    m->dirty = true;
    event_pool_mark(m->pool);
}

static void pending_free(struct pending *e)
{
    list_del(&e->link);
    record_unref(e->record);
    free(e);
}

static void tell_discarded(struct event_pool *pool)
{
    if (pool->discarded > 0)
        log_error("pool %s event buffer overflowed, %zu more events were discarded",
                  group_name(pool->group), pool->discarded);
    pool->discarded = 0;
    pool->told_ms = mono_ms();
}

/* One line when an overflow begins and one with the count when it is over: a line for
 * each event would flood the disk. */
static void discard_oldest(struct event_pool *pool)
{
    struct pending *oldest = list_item(pool->buffer.next, struct pending, link);
    if (!pool->overflowing)
        log_error("pool %s event buffer overflowed, discarding event %llu",
                  group_name(pool->group), (unsigned long long)oldest->record->serial);
    else
        pool->discarded++;
    pending_free(oldest);
    pool->buffered--;
    if (!pool->overflowing)
        pool->told_ms = mono_ms();
    else if (mono_ms() - pool->told_ms >= OVERFLOW_REPORT_MS)
        tell_discarded(pool);
    pool->overflowing = true;
}

static void end_overflow(struct event_pool *pool)
{
    tell_discarded(pool);
    pool->overflowing = false;
}

static size_t buffer_size(const struct event_pool *pool)
{
    return (size_t)group_conf(pool->group)->listener.buffer_size;
}

static void accept_event(struct event_pool *pool, struct pending *e, bool at_head)
{
    if (pool->buffered > 0 && pool->buffered >= buffer_size(pool))
        discard_oldest(pool);
    if (at_head)
        list_insert(&pool->buffer, &e->link);
    else
        list_append(&pool->buffer, &e->link);
    e->returned = at_head;
    pool->buffered++;
    event_pool_mark(pool);
}

static void on_event(void *arg, const struct event *ev)
{
    struct event_pool *pool = arg;
    if (pool->last_emission == pool->engine->bus.emissions)
        return;
    pool->last_emission = pool->engine->bus.emissions;
    struct pending *e = xcalloc(1, sizeof *e);
    list_init(&e->link);
    e->record = record_of(pool->engine, ev);
    e->pool_serial = pool->next_serial++;
    accept_event(pool, e, false);
}

/* Its event goes to the next listener that is ready, or to this one again. */
static void reject(struct member *m)
{
    struct pending *e = m->in_hand;
    m->in_hand = NULL;
    mark_member(m);
    if (!e)
        return;
    log_debug("rebuffering event %llu for pool %s (buf size=%zu, max=%d)",
              (unsigned long long)e->record->serial, group_name(m->pool->group),
              m->pool->buffered, group_conf(m->pool->group)->listener.buffer_size);
    accept_event(m->pool, e, true);
    loop_again(m->pool->engine->loop);
}

/* Something is due from this listener from now on: READY, or an answer. */
static void grow_impatient(struct member *m)
{
    int secs = group_conf(m->pool->group)->listener.listener_timeout;
    mark_member(m);
    if (secs > 0)
        timer_set(&m->patience, mono_ms() + (int64_t)secs * 1000);
}

static void member_on_patience(struct timer *t, int64_t now_ms)
{
    UNUSED(now_ms);
    struct member *m = container_of(t, struct member, patience);
    if (process_state(m->process) != PROC_RUNNING)
        return;
    log_warn("%s: listener has been %s for %d seconds (listener_timeout), restarting it",
             process_conf(m->process)->name, listener_state_name(m->listener.state),
             group_conf(m->pool->group)->listener.listener_timeout);
    m->to_restart = true;
    mark_member(m);
    process_stop(m->process);
}

void event_pool_note(struct member *m)
{
    process_set_note(m->process, m->listener.state == LISTENER_UNKNOWN
                                     ? "listener state UNKNOWN"
                                     : NULL);
}

static void log_change(struct member *m, enum listener_state from)
{
    const char *name = process_conf(m->process)->name;
    log_debug("%s: %s -> %s", name, listener_state_name(from),
              listener_state_name(m->listener.state));
    if (m->listener.state == LISTENER_UNKNOWN)
        log_warn(
            "%s: has entered the UNKNOWN state and will no longer receive events, this "
            "usually indicates the process violated the eventlistener protocol",
            name);
    event_pool_note(m);
}

/* A handler decides what the bytes of a result mean: true for taken, false for rejected.
 */
typedef bool result_fn(const char *result, size_t n);

static bool result_ok(const char *result, size_t n)
{
    return n == 2 && memcmp(result, "OK", 2) == 0;
}

/* What the plug-in supervisor_stdout does: the result is text for our standard output. */
static bool result_to_stdout(const char *result, size_t n)
{
    fd_write_all(STDOUT_FILENO, result, n);
    fd_write_all(STDOUT_FILENO, "\n", 1);
    return true;
}

static result_fn *handler_of(const struct event_pool *pool)
{
    const char *name = group_conf(pool->group)->listener.result_handler;
    return str_eq(name, "supervisor_stdout:event_handler") ? result_to_stdout : result_ok;
}

static void on_result(struct member *m, const char *result, size_t n)
{
    const char *name = process_conf(m->process)->name;
    if (handler_of(m->pool)(result, n)) {
        log_debug("%s: event was processed", name);
        if (m->in_hand)
            pending_free(m->in_hand);
        m->in_hand = NULL;
    } else {
        log_warn("%s: event was rejected", name);
        reject(m);
    }
}

static void on_news(void *arg, enum listener_news news, const char *result, size_t n)
{
    struct member *m = arg;
    switch (news) {
    case LISTENER_NEWS_READY:
        log_change(m, LISTENER_ACKNOWLEDGED);
        timer_cancel(&m->patience);
        loop_again(m->pool->engine->loop);
        return;
    case LISTENER_NEWS_RESULT:
        on_result(m, result, n);
        log_change(m, LISTENER_BUSY);
        grow_impatient(m);
        return;
    case LISTENER_NEWS_BAD_LINE:
        log_warn("%s: bad result line: '%.*s'", process_conf(m->process)->name, (int)n,
                 result);
        log_change(m, LISTENER_BUSY);
        reject(m);
        grow_impatient(m);
        return;
    case LISTENER_NEWS_BROKEN:
        log_change(m, LISTENER_ACKNOWLEDGED);
        reject(m);
        grow_impatient(m);
        return;
    }
}

static void on_output(void *arg, const char *data, size_t n)
{
    struct member *m = arg;
    mark_member(m);
    listener_feed(&m->listener, data, n, on_news, m);
}

struct member *event_pool_member(struct event_pool *pool, const struct process *p)
{
    for (size_t i = 0; i < group_count(pool->group); i++)
        if (pool->members[i].process == p)
            return &pool->members[i];
    return NULL;
}

/* A listener that starts has everything before it; one that died loses its event to the
 * next. */
static void on_life(void *arg, const struct event *ev)
{
    struct event_pool *pool = arg;
    if (process_group(ev->process) != pool->group)
        return;
    struct member *m = event_pool_member(pool, ev->process);
    if (!m)
        return;
    mark_member(m);
    if (ev->type == EVENT_PROCESS_STATE_STARTING) {
        listener_free(&m->listener);
        listener_init(&m->listener);
        process_set_note(m->process, NULL);
    } else if (ev->type == EVENT_PROCESS_STATE_EXITED ||
               ev->type == EVENT_PROCESS_STATE_STOPPED ||
               ev->type == EVENT_PROCESS_STATE_BACKOFF) {
        timer_cancel(&m->patience);
        reject(m);
        if (m->to_restart)
            process_start_queued(m->process);
        m->to_restart = false;
    } else if (ev->type == EVENT_PROCESS_STATE_RUNNING) {
        if (m->listener.state != LISTENER_READY)
            grow_impatient(m);
        loop_again(pool->engine->loop);
    }
}

struct event_pool *event_pool_new(struct engine *engine, struct group *group)
{
    const struct listener_conf *conf = &group_conf(group)->listener;
    struct event_pool *pool = xcalloc(1, sizeof *pool);
    pool->engine = engine;
    pool->group = group;
    list_init(&pool->buffer);
    list_init(&pool->dirty_link);
    list_append(&engine->pools, &pool->link);
    pool->members = xcalloc(group_count(group), sizeof(struct member));
    for (size_t i = 0; i < group_count(group); i++) {
        struct member *m = &pool->members[i];
        m->pool = pool;
        m->process = group_at(group, i);
        listener_init(&m->listener);
        timer_init(&m->patience, loop_timers(engine->loop), member_on_patience);
        process_set_tap(m->process, on_output, m);
    }
    pool->subs = xcalloc(conf->event_count, sizeof(struct event_subscription));
    for (size_t i = 0; i < conf->event_count; i++)
        event_subscribe(&engine->bus, &pool->subs[i], conf->events[i], on_event, pool);
    /* After those: when a buffer is full, the event of a listener that died must not be
     * the one that its own death pushes out. */
    event_subscribe(&engine->bus, &pool->lives, EVENT_PROCESS_STATE, on_life, pool);
    return pool;
}

void event_pool_free(struct event_pool *pool)
{
    if (!pool)
        return;
    for (size_t i = 0; i < group_conf(pool->group)->listener.event_count; i++)
        event_unsubscribe(&pool->subs[i]);
    event_unsubscribe(&pool->lives);
    list_del(&pool->dirty_link);
    list_del(&pool->link);
    tell_discarded(pool);
    for (size_t i = 0; i < group_count(pool->group); i++) {
        process_set_tap(pool->members[i].process, NULL, NULL);
        timer_cancel(&pool->members[i].patience);
        if (pool->members[i].in_hand)
            pending_free(pool->members[i].in_hand);
        listener_free(&pool->members[i].listener);
    }
    list_each(it, &pool->buffer)
    {
        pending_free(list_item(it, struct pending, link));
    }
    free(pool->members);
    free(pool->subs);
    free(pool);
}

struct event_pool *event_pool_of_link(struct list *link)
{
    return list_item(link, struct event_pool, link);
}

/* 0 sent; -1 this listener cannot take it (it closed its input). */
static int send_to(struct member *m, struct pending *e)
{
    struct event_record *r = e->record;
    struct buf text;
    char *room;
    buf_init(&text, BUF_NO_LIMIT);
    (void)buf_reserve(&text, ENVELOPE_BYTES + e->record->payload.len, &room);
    struct event_envelope envelope = {
        .server = m->pool->engine->conf->server.identifier,
        .serial = r->serial,
        .pool = group_name(m->pool->group),
        .pool_serial = e->pool_serial,
        .type = r->type,
        .payload = {buf_data(&r->payload), r->payload.len},
    };
    int rc = event_envelope(&text, &envelope);
    if (rc == 0)
        rc = process_write_stdin(m->process, buf_data(&text), text.len);
    buf_free(&text);
    if (rc < 0) {
        log_debug("%s occurred while sending event %llu to listener %s, listener state "
                  "unchanged",
                  errno == EPIPE ? "epipe" : strerror(errno),
                  (unsigned long long)r->serial, process_conf(m->process)->name);
        return -1;
    }
    listener_sent(&m->listener);
    m->in_hand = e;
    grow_impatient(m);
    log_debug("event %llu sent to listener %s", (unsigned long long)r->serial,
              process_conf(m->process)->name);
    return 0;
}

static bool send_to_any(struct event_pool *pool, struct pending *e)
{
    for (size_t i = 0; i < group_count(pool->group); i++) {
        struct member *m = &pool->members[i];
        if (process_state(m->process) == PROC_RUNNING &&
            m->listener.state == LISTENER_READY && send_to(m, e) == 0)
            return true;
    }
    return false;
}

void event_pool_dispatch(struct event_pool *pool)
{
    while (!list_empty(&pool->buffer)) {
        struct pending *e = list_item(pool->buffer.next, struct pending, link);
        if (!send_to_any(pool, e))
            return;
        list_del(&e->link);
        pool->buffered--;
        event_pool_mark(pool);
        if (pool->overflowing && pool->buffered * 2 <= buffer_size(pool))
            end_overflow(pool);
    }
}
