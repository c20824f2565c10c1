/* What event_pool.c and event_pool_save.c share alone. */
#ifndef APPLETS_SUPERVISORD_EVENT_POOL_PRIV_H
#define APPLETS_SUPERVISORD_EVENT_POOL_PRIV_H

#include "applets/supervisord/event_pool.h"
#include "core/base/buf.h"
#include "core/rules/listener_fsm.h"

/* One event as all pools share it. */
struct event_record {
    unsigned refs;
    enum event_type type;
    uint64_t serial;
    struct buf payload;
};

/* One event in one pool. */
struct pending {
    struct list link;
    struct event_record *record;
    uint64_t pool_serial;
    bool returned; /* by a listener: those stand before all that none has had */
};

struct member {
    struct event_pool *pool;
    struct process *process;
    struct listener listener;
    struct pending *in_hand; /* sent and not answered */
    struct timer patience;   /* listener_timeout; set while something is due from it */
    bool to_restart;
    bool dirty; /* not in the record as it is now */
};

struct event_pool {
    struct engine *engine;
    struct list link; /* in engine->pools */
    struct group *group;
    struct list buffer;
    size_t buffered;
    uint64_t next_serial;
    uint64_t last_emission; /* an event of two subscribed types is taken once */
    size_t discarded;       /* of the present overflow, not told yet */
    bool overflowing;       /* until half of the buffer is free again */
    int64_t told_ms;
    struct event_subscription *subs;
    struct event_subscription lives; /* of the members, to know when one starts or dies */
    struct member *members;
    struct list dirty_link; /* in engine->dirty_pools */
    uint64_t saved_serial;  /* events from this one on are not in the record */
};

/* It has changed since it was last saved. */
void event_pool_mark(struct event_pool *pool);
struct member *event_pool_member(struct event_pool *pool, const struct process *p);
/* What status is to say of a listener in its present state. */
void event_pool_note(struct member *m);

#endif
