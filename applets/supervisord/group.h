/* A named set of processes that start and stop in order of priority. Holds a reference to
 * the configuration it was made from, so a reload frees the old one with its last group.
 */
#ifndef APPLETS_SUPERVISORD_GROUP_H
#define APPLETS_SUPERVISORD_GROUP_H

#include "applets/supervisord/engine.h"
#include "config/conf.h"
#include "core/base/err.h"
#include "core/base/text_record.h"

struct process;
struct group;

/* owner is referenced; gconf lies in it. Never NULL. */
struct group *group_new(struct engine *engine, struct conf *owner,
                        const struct group_conf *gconf);
void group_free(struct group *g); /* no process may be running */
const struct group_conf *group_conf(const struct group *g);
const char *group_name(const struct group *g);
size_t group_count(const struct group *g);
struct process *group_at(const struct group *g, size_t i); /* in order of priority */
struct process *group_find(const struct group *g, const char *process_name); /* or NULL */
struct process *group_find_span(const struct group *g, struct span process_name);
/* For an fcgi-program: its shared socket, bound now if it could not be before. -1 with
 * err when it cannot be. */
int group_fcgi_fd(struct group *g, struct err *err);
/* A process of it has come to rest: with none left that runs or is to run again, the
 * socket of an fcgi-program is closed, so that its clients are refused and do not wait.
 */
void group_process_rests(struct group *g);
/* Queues those with autostart, in the order of the configuration, as upstream does. */
void group_start_auto(struct group *g);
void group_stop_all(struct group *g); /* by descending priority */
/* How many are not stopped (STOPPED, EXITED, FATAL, UNKNOWN are). */
size_t group_unstopped(const struct group *g);
void group_reopen_logs(struct group *g);
/* In the order of the configuration, in which they are queued. */
struct process *group_listed(const struct group *g, size_t i);
const struct conf *group_owner(const struct group *g); /* borrowed */

/* --- handing over (super_save.h) ---------------------------------------------------- */

/* "socket": that of an fcgi-program; nothing for other groups. */
void group_save_socket(const struct group *g, struct record_writer *w);
void group_restore_socket(struct group *g, const struct record_reader *r);

#endif
