/* A pool of event listeners: its subscriptions, its buffer of events, and who of its
 * processes is ready for the next one. An event's payload is made once and shared by all
 * pools; with no pool subscribed to its type it is not made at all.
 * Source: Supervisor manual, "Events"; upstream process.py, EventListenerPool. */
#ifndef APPLETS_SUPERVISORD_EVENT_POOL_H
#define APPLETS_SUPERVISORD_EVENT_POOL_H

#include "applets/supervisord/engine.h"
#include "applets/supervisord/group.h"
#include "core/base/text_record.h"

struct event_pool;

/* For a group of listeners, which outlives the pool. Subscribes at once. */
struct event_pool *event_pool_new(struct engine *engine, struct group *group);
void event_pool_free(struct event_pool *pool); /* what is buffered is dropped */

/* The pool whose place in engine->pools this is. */
struct event_pool *event_pool_of_link(struct list *link);
/* Sends what is buffered to listeners that are ready: the end of each turn. */
void event_pool_dispatch(struct event_pool *pool);

/* The newest event is kept for the pools that come to it next; this lets go of it. */
void event_pool_forget_record(struct engine *engine);

/* --- handing over (super_save.h) ---------------------------------------------------- */

/* All of it, or what changed since the last call: its line, the listeners that changed,
 * the events that are new. */
void event_pool_save(struct event_pool *pool, bool all, struct record_writer *w);
/* The pool whose place in engine->dirty_pools this is. */
struct event_pool *event_pool_of_dirty_link(struct list *link);
/* Into a fresh pool, in this order: the newest line of the pool, the newest of each
 * listener, every event in the order of the record, the end. */
void event_pool_restore(struct event_pool *pool, const struct record_reader *r);
void event_pool_restore_listener(struct event_pool *pool, const struct process *p,
                                 const struct record_reader *r);
void event_pool_restore_event(struct event_pool *pool, const struct record_reader *r);
void event_pool_restored(struct event_pool *pool);

#endif
