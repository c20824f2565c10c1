/* What the parts of the engine share: the loop, the bus, the index of pids, and the few
 * facts about the daemon that children and logs need. Owned by super. */
#ifndef APPLETS_SUPERVISORD_ENGINE_H
#define APPLETS_SUPERVISORD_ENGINE_H

#include "applets/supervisord/event_bus.h"
#include "core/base/list.h"
#include "core/base/map.h"
#include "core/io/loop.h"
#include <sys/types.h>

struct conf;
struct event_record;
struct upgrade;

/* Children whose output has ended: to ask for one of them costs the kernel nothing, where
 * to ask for any makes it look at all of them. Not all are dead, and not all that are
 * dead are here. */
enum { REAP_HINTS = 128 };
struct reap_hints {
    pid_t pids[REAP_HINTS];
    size_t count;
};

struct engine {
    struct loop *loop;
    struct event_bus bus;
    struct map by_pid;       /* pid_t -> struct process */
    struct map by_id;        /* process_id -> struct process */
    const struct conf *conf; /* the newest: [supervisord]'s options come from here */
    char *const *environ;    /* what children inherit */
    const char *path;        /* PATH of it, for look-ups */
    struct list start_queue; /* processes to be started, in order: a few each turn */
    struct list gathering;   /* channels whose pipes are left to fill for a moment */
    struct timer gather;     /* its end; both are channel.c's */
    struct reap_hints reap_hints;
    uint64_t next_event_serial;
    struct list pools;                 /* each turn looks at them: not at all groups */
    struct event_record *event_record; /* of the newest event, for all pools */
    uint64_t event_record_emission;
    uint64_t last_process_id;
    uint64_t state_changes; /* of all processes, ever: tells whether anything happened */
    bool restoring; /* objects are made to be filled from a record: no new log names */
    bool starts_allowed; /* false once shutting down */
    /* What the record does not have yet; see super_save.h. */
    struct list dirty_processes, dirty_pools;
    uint64_t image;          /* number of this image of supervisord; 1: the first */
    struct upgrade *upgrade; /* NULL: there is no record to hand over */
    bool kept;               /* by a keeper: our death is no end */
    bool safe_mode;          /* too many crashes: events wait in their pools */
};

#endif
