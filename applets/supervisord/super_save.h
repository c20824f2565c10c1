/* A supervisor's whole state as text records (core/base/text_record.h), and back: what
 * the next image of supervisord needs to go on with the same children, pipes, sockets,
 * deadlines and events. A base holds everything; after it, changes hold only the objects
 * that are new or different. Base and changes, one behind the other, are one record: of
 * two objects with the same key the later one counts. What happened after the last
 * change comes from the journal (core/io/journal.h) through the super_on_... functions.
 *
 *   state    version: first; a greater one than ours is refused
 *   super    mood, serials, what is stopping, ticks, which configurations (by number)
 *   conf     a configuration as it was understood (config/conf_record.h), by number
 *   group    in order; its configuration's number, the socket of an fcgi-program
 *   process  one process: key group and name
 *   pool     a group's event listeners: which events are buffered, returned, discarded
 *   listener one event listener of a pool: key group and name
 *   event    one event in a pool: key pool and pool_serial; counts while its pool says so
 *
 * Whoever writes the record may add objects of other types: they are skipped here.
 * A descriptor's key ends in "_fd" (out_fd, err_fd, in_fd, pid_fd, fcgi_fd, listen_fd)
 * and is -1 or missing where there is none; whatever the record does not name is closed
 * by the next image. Deadlines are monotonic milliseconds and stay as they are. */
#ifndef APPLETS_SUPERVISORD_SUPER_SAVE_H
#define APPLETS_SUPERVISORD_SUPER_SAVE_H

#include "applets/supervisord/process.h"
#include "applets/supervisord/super.h"
#include "core/base/text_record.h"

#ifndef SUPER_RECORD_VERSION /* a test makes a build with a later one */
#define SUPER_RECORD_VERSION 1
#endif

/* --- saving ------------------------------------------------------------------------ */

/* Everything, as a new base. Takes all marks of change away: if what was written is lost
 * after all, say so by super_want_base. */
void super_save_all(struct super *s, struct record_writer *w);

enum super_changes {
    SUPER_UNCHANGED, /* nothing written */
    SUPER_CHANGED,   /* the objects that changed since the last call were written */
    SUPER_NEEDS_BASE /* nothing written: groups or configurations came or went */
};

/* What has changed since the last super_save_all or super_save_changes; costs by what
 * changed, and a few comparisons when nothing did. May be called in the middle of a turn.
 */
enum super_changes super_save_changes(struct super *s, struct record_writer *w);
/* The next super_save_changes answers SUPER_NEEDS_BASE: the record was lost, or something
 * changed that only a base tells (api_save's sockets). */
void super_want_base(struct super *s);

/* --- restoring --------------------------------------------------------------------- */

/* Would these bytes make a supervisor? Opens and changes nothing: for a trial. 0, or -1
 * with err: ERR_LIMIT (made by a later version), ERR_SYNTAX (damaged). */
int super_check(const char *data, size_t n, struct err *err);
/* The supervisor of that record. Takes loop, environ, overrides and log from opts; the
 * configuration and the event serial are the record's. A record that is damaged is
 * refused whole, before anything is opened: NULL with err as above. What the world does
 * not give back any more (a descriptor that is no pipe, a log that cannot be opened) is
 * logged, and the rest goes on. Takes over the descriptors named: close-on-exec from then
 * on. Emits no events, makes no log names, says nothing of what it only repeats.
 *
 * Then in this order: the chunk in flight is finished, the journal replayed by the
 * functions below, super_resume; if not super_started(s): super_start. */
struct super *super_restore(const struct super_opts *opts, const char *data, size_t n,
                            struct err *err);
/* For opts.log, where the log can be opened only by the restored configuration. */
void super_set_log(struct super *s, struct logfile *log);
/* The one that super_new got: logs, pidfile and sockets of this run are as it says,
 * whatever was read again since. Borrowed. */
const struct conf *super_first_conf(const struct super *s);
/* super_start was called, perhaps in an earlier image. */
bool super_started(const struct super *s);

/* --- what happened since, in order of happening ------------------------------------- */

/* Each is harmless when the record has it already. Events are emitted as they were (or
 * would have been) at the time. */
/* A child was made: its process is STARTING with that pid and these pipes. */
void super_on_spawned(struct super *s, const struct process_spawned *spawned);
/* A child was reaped; wait_status as of waitpid. */
void super_on_exited(struct super *s, pid_t pid, int wait_status);
/* Signals: super_on_signal of super.h. */

/* After the replay: finishes what was cut short between two steps (an exit whose last
 * output was being read, a start that came to nothing), and has children reaped and an
 * ordered stop looked at in the next turn. */
void super_resume(struct super *s);

#endif
