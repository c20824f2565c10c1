/* What the files behind super.h share alone. */
#ifndef APPLETS_SUPERVISORD_SUPER_PRIV_H
#define APPLETS_SUPERVISORD_SUPER_PRIV_H

#include "applets/supervisord/event_pool.h"
#include "applets/supervisord/super.h"
#include "applets/supervisord/syslog_report.h"
#include "applets/supervisord/tick.h"

/* What of it a record has. */
struct super_saved {
    uint64_t next_event_serial, last_process_id;
    int64_t report_ms; /* -1: not set */
    int64_t slices[TICK_KINDS];
    size_t stopping;
    int mood, started;
};

struct super {
    struct engine engine;
    struct conf *conf;       /* the newest one that was read */
    struct conf *first_conf; /* the one that super_new got */
    const struct conf_overrides *overrides;
    struct logfile *log;
    const struct super_front *front; /* NULL: none */
    enum super_mood mood;
    struct group **groups;     /* in order of priority, then of addition */
    struct event_pool **pools; /* parallel: NULL for a group without listeners */
    size_t count, cap;
    struct map by_name;
    struct loop_hook after_io, at_end;
    struct tick tick;
    struct syslog_report syslog;
    bool child_died;
    struct timer look; /* for dead children that SIGCHLD and the hints have not shown */
    bool started;
    bool wants_base; /* groups or configurations came or went since it was saved */
    struct super_saved saved;
    /* shutting down */
    uint64_t changes_seen; /* engine.state_changes when the stopping was last looked at */
    size_t stopping;       /* groups below this index are not told to stop yet */
    struct timer report;
    /* What a restart is to run with; NULL: nothing was read yet. */
    struct conf *restart_conf;
};

/* Without groups. */
struct super *super_make(const struct super_opts *opts, struct conf *newest);
/* 0, or -1 with err where the front refuses next. */
int super_ask_front(struct super *s, const struct conf *next, bool now, struct err *err);
/* Tells the next group to stop once the one before it is down; ends the loop after the
 * last. */
void super_stop_turn(struct super *s);
void super_stop_init(struct super *s);
void super_insert_group(struct super *s, struct group *g);

#endif
