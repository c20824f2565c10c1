/* In-process publish and subscribe: the only way news goes up in the engine. With nobody
 * subscribed to a type nothing is built for it. Emission is synchronous; subscribers must
 * not free the emitter, they note what to do and do it at the end of the turn. */
#ifndef APPLETS_SUPERVISORD_EVENT_BUS_H
#define APPLETS_SUPERVISORD_EVENT_BUS_H

#include "core/base/list.h"
#include "core/base/str.h"
#include "core/rules/event_types.h"
#include "core/rules/states.h"

struct process;

struct event { /* fields without a meaning for a type are zero */
    enum event_type type;
    struct process *process;
    const char *group_name;
    const char *process_name;
    enum proc_state from_state;
    int tries;     /* BACKOFF and STARTING */
    bool expected; /* EXITED */
    int pid;
    struct span data; /* LOG, COMMUNICATION, REMOTE_COMMUNICATION's data */
    const char *remote_type;
    int64_t when_secs; /* TICK */
};

typedef void event_fn(void *arg, const struct event *ev);

struct event_bus {
    struct list subscriptions;
    unsigned counts[EVENT_TYPE_COUNT]; /* subscribers of each type, ancestors included */
    uint64_t emissions; /* counts events that somebody heard: tells one from the next */
};

struct event_subscription {
    struct list link;
    struct event_bus *bus;
    enum event_type type;
    event_fn *fn;
    void *arg;
};

void event_bus_init(struct event_bus *bus);
/* True if somebody would hear of that type: ask before building a costly event. */
bool event_wanted(const struct event_bus *bus, enum event_type type);
void event_emit(struct event_bus *bus, const struct event *ev);
/* type includes its children. sub is borrowed until event_unsubscribe. */
void event_subscribe(struct event_bus *bus, struct event_subscription *sub,
                     enum event_type type, event_fn *fn, void *arg);
void event_unsubscribe(struct event_subscription *sub); /* harmless twice */

#endif
