#include "applets/supervisord/api/web_events.h"

#include "applets/supervisord/api/status_json.h"
#include "applets/supervisord/api/web_stream.h"
#include "applets/supervisord/api/web_usage.h"
#include "core/base/alloc.h"
#include "core/base/clock.h"

#include <stdlib.h>

enum {
    GATHER_MS = 50,            /* changes that come together are told together */
    QUIET_MS = 20000,          /* after that a comment shows that the line is alive */
    BEHIND_BYTES = 512 * 1024, /* who is further behind gets the whole picture instead */
    WATCHERS_MAX = 64
};

struct watcher {
    struct list link;
    struct web_events *owner;
    struct web_stream stream;
    bool wants_all; /* the picture, once the queue is empty */
};

struct web_events {
    struct web *web;
    struct list watchers;
    size_t count;
    struct event_subscription processes, groups, moods; /* while somebody watches */
    struct timer gather, quiet;
    uint64_t *ids; /* of processes that changed */
    size_t id_count, id_cap;
    bool all_changed, mood_changed;
};

/* --- one watcher ------------------------------------------------------------------- */

static void watcher_free(void *arg)
{
    free(arg);
}

static void watcher_drop(struct watcher *w)
{
    struct web_events *e = w->owner;
    list_del(&w->link);
    web_usage_release(e->web->usage);
    loop_bury(super_loop(e->web->super), w, watcher_free);
    if (--e->count > 0)
        return;
    event_unsubscribe(&e->processes);
    event_unsubscribe(&e->groups);
    event_unsubscribe(&e->moods);
    timer_cancel(&e->gather);
    timer_cancel(&e->quiet);
    e->id_count = 0;
    e->all_changed = e->mood_changed = false;
}

static void watcher_gone(struct web_stream *s)
{
    watcher_drop(container_of(s, struct watcher, stream));
}

static void watcher_drained(struct web_stream *s)
{
    struct watcher *w = container_of(s, struct watcher, stream);
    struct buf text;
    struct json j;
    if (!w->wants_all)
        return;
    w->wants_all = false;
    buf_init(&text, BUF_NO_LIMIT);
    json_init(&j, &text);
    status_json_all(&j, w->owner->web);
    if (!j.failed)
        web_stream_event(s, NULL, "status", buf_data(&text), text.len);
    buf_free(&text);
}

/* --- to all ------------------------------------------------------------------------ */

void web_events_send(struct web_events *e, const char *event, const char *data, size_t n)
{
    list_each(link, &e->watchers)
    {
        struct watcher *w = list_item(link, struct watcher, link);
        if (w->stream.out.len > BEHIND_BYTES)
            w->wants_all = true;
        if (!w->wants_all)
            web_stream_event(&w->stream, NULL, event, data, n);
    }
    if (e->count > 0)
        timer_set(&e->quiet, mono_ms() + QUIET_MS);
}

static void send_all_again(struct web_events *e)
{
    list_each(link, &e->watchers)
    {
        struct watcher *w = list_item(link, struct watcher, link);
        w->wants_all = true;
        web_stream_pump(&w->stream);
    }
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void put_changed(struct json *j, struct web_events *e)
{
    uint64_t last = 0;
    qsort(e->ids, e->id_count, sizeof *e->ids, compare_ids);
    json_array_begin(j);
    for (size_t i = 0; i < e->id_count; i++) {
        const struct process *p = super_find_process(e->web->super, e->ids[i]);
        if (e->ids[i] != last && p)
            status_json_process(j, e->web, p);
        last = e->ids[i];
    }
    json_array_end(j);
}

static void send_gathered(struct timer *t, int64_t now_ms)
{
    struct web_events *e = container_of(t, struct web_events, gather);
    struct buf text;
    struct json j;
    UNUSED(now_ms);
    buf_init(&text, BUF_NO_LIMIT);
    json_init(&j, &text);
    if (e->mood_changed) {
        status_json_supervisor(&j, e->web);
        web_events_send(e, "supervisor", buf_data(&text), text.len);
        buf_truncate(&text, 0);
        json_init(&j, &text);
    }
    if (e->all_changed) {
        send_all_again(e);
    } else if (e->id_count > 0) {
        put_changed(&j, e);
        if (!j.failed)
            web_events_send(e, "process", buf_data(&text), text.len);
    }
    e->id_count = 0;
    e->all_changed = e->mood_changed = false;
    buf_free(&text);
}

void web_events_sampled(struct web_events *e)
{
    struct buf text;
    struct json j;
    if (e->count == 0)
        return;
    buf_init(&text, BUF_NO_LIMIT);
    json_init(&j, &text);
    if (status_json_usage(&j, e->web) && !j.failed)
        web_events_send(e, "usage", buf_data(&text), text.len);
    buf_free(&text);
}

static void send_sign_of_life(struct timer *t, int64_t now_ms)
{
    struct web_events *e = container_of(t, struct web_events, quiet);
    list_each(link, &e->watchers)
    {
        struct watcher *w = list_item(link, struct watcher, link);
        if (w->stream.out.len == 0 && buf_puts(&w->stream.out, ":\n\n") == 0)
            web_stream_pump(&w->stream);
    }
    if (e->count > 0)
        timer_set(t, now_ms + QUIET_MS);
}

/* --- news -------------------------------------------------------------------------- */

static void gather(struct web_events *e)
{
    if (!timer_is_set(&e->gather))
        timer_set(&e->gather, mono_ms() + GATHER_MS);
}

static void process_changed(void *arg, const struct event *ev)
{
    struct web_events *e = arg;
    if (!ev->process)
        return;
    if (e->id_count == e->id_cap) {
        e->id_cap = e->id_cap ? e->id_cap * 2 : 64;
        e->ids = xreallocarray(e->ids, e->id_cap, sizeof *e->ids);
    }
    e->ids[e->id_count++] = process_id(ev->process);
    gather(e);
}

static void group_changed(void *arg, const struct event *ev)
{
    struct web_events *e = arg;
    UNUSED(ev);
    e->all_changed = true;
    gather(e);
}

static void mood_changed(void *arg, const struct event *ev)
{
    struct web_events *e = arg;
    UNUSED(ev);
    e->mood_changed = true;
    gather(e);
}

/* --- all of it --------------------------------------------------------------------- */

struct web_events *web_events_new(struct web *web)
{
    struct timers *timers = loop_timers(super_loop(web->super));
    struct web_events *e = xcalloc(1, sizeof *e);
    e->web = web;
    list_init(&e->watchers);
    timer_init(&e->gather, timers, send_gathered);
    timer_init(&e->quiet, timers, send_sign_of_life);
    return e;
}

void web_events_end(struct web_events *e)
{
    if (timer_is_set(&e->gather)) { /* what happened just now: shutting down, mostly */
        timer_cancel(&e->gather);
        send_gathered(&e->gather, mono_ms());
    }
    list_each(link, &e->watchers)
    {
        struct watcher *w = list_item(link, struct watcher, link);
        web_stream_end(&w->stream);
        watcher_drop(w);
    }
}

void web_events_free(struct web_events *e)
{
    if (!e)
        return;
    web_events_end(e);
    free(e->ids);
    free(e);
}

size_t web_events_watchers(const struct web_events *e)
{
    return e->count;
}

static void first_watcher(struct web_events *e)
{
    struct event_bus *bus = &super_engine(e->web->super)->bus;
    event_subscribe(bus, &e->processes, EVENT_PROCESS_STATE, process_changed, e);
    event_subscribe(bus, &e->groups, EVENT_PROCESS_GROUP, group_changed, e);
    event_subscribe(bus, &e->moods, EVENT_SUPERVISOR_STATE_CHANGE, mood_changed, e);
    timer_set(&e->quiet, mono_ms() + QUIET_MS);
}

void web_events(struct http_exchange *x, void *arg)
{
    struct web *web = arg;
    struct web_events *e = web->events;
    if (e->count >= WATCHERS_MAX) {
        http_respond_error(x, 503, "Too many readers of the events");
        return;
    }
    struct watcher *w = xcalloc(1, sizeof *w);
    w->owner = e;
    w->wants_all = true;
    w->stream.drained = watcher_drained;
    w->stream.gone = watcher_gone;
    list_append(&e->watchers, &w->link);
    if (e->count++ == 0)
        first_watcher(e);
    web_usage_hold(web->usage);
    web_stream_begin(&w->stream, x, "text/event-stream");
    buf_puts(&w->stream.out, "retry: 2000\n\n");
    web_stream_pump(&w->stream);
}
