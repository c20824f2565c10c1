#include "applets/supervisord/api/rpc_wait.h"

#include "applets/supervisord/process.h"
#include "core/base/alloc.h"
#include "core/base/list.h"
#include "core/io/loop.h"
#include <stdlib.h>

struct rpc_wait {
    struct list link;
    struct rpc_waits *owner;
    struct http_exchange *x;
    struct rpc_later *later;
    bool fresh; /* to be looked at whatever the news: just added, or its time has come */
};

struct rpc_waits {
    struct super *super;
    struct list waits;
    size_t count;
    struct event_subscription changes; /* only while somebody waits */
    struct loop_hook hook;
    struct timer look_again; /* while somebody waits: what takes long is reported */
    uint64_t *ids;           /* of the processes that changed */
    size_t id_count, id_cap;
};

enum { LOOK_AGAIN_MS = 2000 };

static void waits_look_again(struct timer *t, int64_t now_ms)
{
    struct rpc_waits *w = container_of(t, struct rpc_waits, look_again);
    list_each(link, &w->waits) list_item(link, struct rpc_wait, link)->fresh = true;
    timer_set(t, now_ms + LOOK_AGAIN_MS);
}

static void waits_changed(void *arg, const struct event *ev)
{
    struct rpc_waits *w = arg;
    if (!ev->process)
        return;
    if (w->id_count == w->id_cap) {
        w->id_cap = w->id_cap ? w->id_cap * 2 : 64;
        w->ids = xreallocarray(w->ids, w->id_cap, sizeof *w->ids);
    }
    w->ids[w->id_count++] = process_id(ev->process);
}

static void wait_free(struct rpc_wait *it)
{
    struct rpc_waits *w = it->owner;
    list_del(&it->link);
    it->later->drop(it->later);
    free(it);
    if (--w->count == 0) {
        event_unsubscribe(&w->changes);
        timer_cancel(&w->look_again);
        w->id_count = 0;
    }
}

static void wait_look(struct rpc_wait *it, const struct rpc_news *news)
{
    struct rpc_reply reply;
    struct rpc_news everything = {.all = true};
    rpc_reply_begin(&reply, it->owner->super, it->x);
    enum rpc_outcome outcome =
        it->later->look(it->later, &reply.ctx, it->fresh ? &everything : news);
    it->fresh = false;
    if (outcome != RPC_LATER)
        wait_free(it); /* before the answer: its end may call the abort notice no more */
    rpc_reply_end(&reply, outcome);
}

static bool waits_fresh(const struct rpc_waits *w)
{
    list_each(link,
              &w->waits) if (list_item(link, struct rpc_wait, link)->fresh) return true;
    return false;
}

/* A look may start processes (the next member of a multicall) and so make more news: they
 * wait for the next round. Each round either has news or ends. */
static void waits_turn(void *arg)
{
    struct rpc_waits *w = arg;
    while (w->count > 0 && (w->id_count > 0 || waits_fresh(w))) {
        uint64_t *ids = w->ids;
        struct rpc_news news = {.ids = ids, .count = w->id_count};
        w->ids = NULL;
        w->id_count = w->id_cap = 0;
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): list_each holds the successor */
        list_each(link, &w->waits)
            wait_look(list_item(link, struct rpc_wait, link), &news);
        free(ids);
    }
}

struct rpc_waits *rpc_waits_new(struct super *super)
{
    struct rpc_waits *w = xcalloc(1, sizeof *w);
    w->super = super;
    list_init(&w->waits);
    timer_init(&w->look_again, loop_timers(super_loop(super)), waits_look_again);
    loop_add_hook(super_loop(super), HOOK_END, &w->hook, waits_turn, w);
    return w;
}

void rpc_waits_free(struct rpc_waits *w)
{
    if (!w)
        return;
    list_each(link, &w->waits) wait_free(list_item(link, struct rpc_wait, link));
    loop_del_hook(&w->hook);
    free(w->ids);
    free(w);
}

static void wait_gone(void *arg)
{
    wait_free(arg);
}

void rpc_waits_add(struct rpc_waits *w, struct http_exchange *x, struct rpc_later *later)
{
    struct rpc_wait *it = xcalloc(1, sizeof *it);
    it->owner = w;
    it->x = x;
    it->later = later;
    later->wait = it;
    it->fresh = true;
    list_append(&w->waits, &it->link);
    if (w->count++ == 0) {
        event_subscribe(&super_engine(w->super)->bus, &w->changes, EVENT_PROCESS_STATE,
                        waits_changed, w);
        timer_set(&w->look_again, loop_now_ms(super_loop(w->super)) + LOOK_AGAIN_MS);
    }
    http_defer(x, wait_gone, it);
}

void rpc_later_wake(struct rpc_later *l)
{
    if (!l->wait)
        return;
    l->wait->fresh = true;
    loop_again(super_loop(l->wait->owner->super));
}

void rpc_waits_refuse(struct rpc_waits *w, const char *why)
{
    list_each(link, &w->waits)
    {
        struct rpc_wait *it = list_item(link, struct rpc_wait, link);
        struct rpc_reply reply;
        rpc_reply_begin(&reply, w->super, it->x);
        wait_free(it);
        rpc_fault(&reply.ctx, FAULT_FAILED, why);
        rpc_reply_end(&reply, RPC_FAULT);
    }
}

size_t rpc_waits_count(const struct rpc_waits *w)
{
    return w->count;
}
