/* The supervisor: groups, mood, shutting down and reloading. */
#ifndef APPLETS_SUPERVISORD_SUPER_H
#define APPLETS_SUPERVISORD_SUPER_H

#include "applets/supervisord/engine.h"
#include "applets/supervisord/group.h"
#include "config/conf_diff.h"
#include "config/conf_load.h"
#include "core/io/logfile.h"
#include "core/rules/states.h"

struct super;

struct super_opts {
    struct loop *loop;
    struct conf *conf; /* referenced */
    char *const *environ;
    const struct conf_overrides *overrides; /* for reading the file again; borrowed */
    struct logfile *log;                    /* the activity log, or NULL; borrowed */
    uint64_t next_event_serial; /* goes on over restarts; a pool's own begins anew */
};

/* Whoever faces the clients is asked about a configuration before it counts: 0, or -1
 * with err where it cannot serve with it. `now`: from here on; else only after a restart.
 */
struct super_front {
    int (*take)(void *arg, const struct conf *next, bool now, struct err *err);
    void *arg;
};

/* Makes the groups; starts nothing. Never NULL. */
struct super *super_new(const struct super_opts *opts);
void super_free(struct super *s);
/* Starts what is to be started and reports SUPERVISOR_STATE_CHANGE_RUNNING. */
void super_start(struct super *s);

struct engine *super_engine(struct super *s);
struct loop *super_loop(struct super *s);
void super_set_front(struct super *s, const struct super_front *front); /* borrowed */
enum super_mood super_mood(const struct super *s);
struct logfile *super_log(struct super *s);
const struct conf *super_conf(const struct super *s);

/* Groups in order of priority, then of their addition. */
size_t super_group_count(const struct super *s);
struct group *super_group_at(const struct super *s, size_t i);
struct group *super_find_group(const struct super *s, const char *name); /* NULL: none */
struct process *super_find_process(const struct super *s, uint64_t id);  /* NULL: gone */

/* Begins an orderly shutdown: groups stop by descending priority, each after the one
 * before it is down, then the loop stops. Harmless when one is under way. */
void super_shutdown(struct super *s);
/* The same with a new beginning after it. The configuration is read first: where it is
 * wrong the reason is logged and nothing stops. 0, or -1 with err. */
int super_restart(struct super *s, struct err *err);
/* After the loop has stopped for a restart: the configuration to begin anew with, and the
 * caller's reference to it; NULL after a shutdown. */
struct conf *super_take_restart_conf(struct super *s);

/* Reads the configuration again for reread/update: on success the new one is kept as the
 * one groups are added from, and d (if not NULL) gets the differences (free it before the
 * next call). Nothing running changes. 0, or -1 with err and everything as it was. */
int super_reread(struct super *s, struct conf_diff *d, struct err *err);
/* Adds a group of the newest configuration and starts its autostart processes. 0, or -1
 * with err: ERR_MISSING (no such name), ERR_LIMIT (is there already), else a log's. */
int super_add_group(struct super *s, const char *name, struct err *err);
/* 0, or -1 with err: ERR_MISSING, ERR_LIMIT (a process is not stopped). */
int super_remove_group(struct super *s, const char *name, struct err *err);

/* USR2: activity log and every child log, and the certificates. */
void super_reopen_logs(struct super *s);
/* A signal of the daemon's own (from the loop). */
void super_on_signal(struct super *s, int number);

#endif
