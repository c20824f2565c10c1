/* One supervised process: owns its pipes, logs and timer, feeds the state machine of
 * core/rules/proc_fsm.h with inputs and is the only writer of its state. */
#ifndef APPLETS_SUPERVISORD_PROCESS_H
#define APPLETS_SUPERVISORD_PROCESS_H

#include "applets/supervisord/engine.h"
#include "config/conf.h"
#include "core/base/err.h"
#include "core/base/text_record.h"
#include "core/rules/states.h"
#include <sys/types.h>

struct process;
struct group;
struct journal_chunk;
enum process_channel { PROCESS_STDOUT, PROCESS_STDERR };

/* conf is borrowed: the group's reference to the configuration keeps it alive. Makes the
 * names of AUTO logs and their empty files. Never NULL: a log that cannot be opened is
 * said when the program starts, and the program runs without. */
struct process *process_new(struct engine *engine, struct group *group,
                            const struct program_conf *conf);
/* A child that still runs is left alone and forgotten. Closes its logs. */
void process_free(struct process *p);

/* --- wishes ------------------------------------------------------------------------- */

/* What would keep it from being executed, as upstream checks before a start: 0, or -1
 * with err: ERR_MISSING (command not found), ERR_SYS (there, but not executable),
 * ERR_SYNTAX (command is empty or cannot be split). */
int process_check_command(struct process *p, struct err *err);
/* Starts it if its state allows (STOPPED, EXITED, FATAL, BACKOFF) and spawning is
 * allowed; afterwards the state tells: STARTING or RUNNING, BACKOFF with a spawn error.
 */
void process_start(struct process *p);
/* The same in one of the next turns, after those queued before: for many at once. */
void process_start_queued(struct process *p);
/* The process whose place in engine->start_queue this is. */
struct process *process_of_start_link(struct list *link);
/* Stops it as configured; a process in BACKOFF is STOPPED at once. Harmless when it is
 * not running. */
void process_stop(struct process *p);
/* While it is STOPPING, says "waiting for NAME to stop", once in two seconds at the most;
 * for those who wait for it. Source: upstream process.py stop_report. */
void process_stop_report(struct process *p);
/* Shutting down: one that is between two tries is FATAL and tries no more. */
void process_give_up(struct process *p);
/* Sends a signal; state does not change. 0, or -1 with err. In upstream's order of
 * checks: ERR_MISSING when there is no pid. */
int process_signal(struct process *p, int signal_number, struct err *err);
/* Queues bytes for its standard input. 0, or -1 with errno: EPIPE (closed, not running),
 * ENOBUFS (a megabyte waits already). */
int process_write_stdin(struct process *p, const void *data, size_t n);
/* Every byte of its standard output goes to fn too (and is not looked at for tokens). */
typedef void process_tap_fn(void *arg, const char *data, size_t n);
void process_set_tap(struct process *p, process_tap_fn *fn, void *arg);
/* What status is to say of it while it runs; static text, or NULL. */
void process_set_note(struct process *p, const char *note);
void process_reopen_logs(struct process *p);
/* clearProcessLogs: both channels. 0, or -1 with err. */
int process_clear_logs(struct process *p, struct err *err);

/* --- news from below -------------------------------------------------------------------
 */

/* It was reaped with that waitpid status (or ended unseen: -1, unexpected). Drains its
 * output first. */
void process_on_exit(struct process *p, int wait_status);

/* --- handing over ------------------------------------------------------------------ */

/* Something of it is to be saved: once a turn is enough, however much changed. */
void process_mark(struct process *p);
/* The process whose place in engine->dirty_processes this is. */
struct process *process_of_dirty_link(struct list *link);
struct list *process_dirty_link(struct process *p);
/* Everything the next image needs to go on with the same child. Without descriptors: for
 * a file that outlives us; also without the bytes under way. */
void process_save(const struct process *p, bool with_fds, struct record_writer *w);
/* The record is one of a process: process_restore will not refuse it. */
bool process_can_restore(const struct record_reader *r);
/* Into a fresh process of the same name: child, pipes, deadlines. 0, or -1 with err. */
int process_restore(struct process *p, const struct record_reader *r, struct err *err);
/* What tells the child from another of the same pid, and how its end is seen. started:
 * ticks since the boot (core/io/procfs.h), 0: not known; pid_fd: of whoever watches it,
 * who keeps it (after process_restore: nobody yet), -1: none; foreign: it is somebody
 * else's child, who reaps it. All three end with the child. */
void process_set_identity(struct process *p, uint64_t started, int pid_fd, bool foreign);
uint64_t process_started_ticks(const struct process *p);
int process_pid_fd(const struct process *p);
bool process_is_foreign(const struct process *p);
struct process_spawned { /* a child, as the journal noted it before the fork */
    uint64_t process_id;
    pid_t pid;
    int in_fd, out_fd, err_fd; /* our ends; -1: none */
    int64_t started_ms;        /* monotonic */
    int64_t start_secs;        /* wall clock */
};
/* Its child was made by an earlier image, which could not note it any more. */
void process_on_spawned(struct process *p, const struct process_spawned *spawned);
/* A chunk of output that an earlier image had taken and not finished. */
void process_finish_chunk(struct process *p, const struct journal_chunk *chunk);
/* Finishes what an earlier image was in the middle of; see super_resume. */
void process_resume(struct process *p);

/* --- a child that another supervisord has left behind --------------------------------
 */

/* Our end of its pipe 0, 1 or 2; -1: none. */
int process_pipe_fd(const struct process *p, int number);
/* The same from elsewhere, after process_restore. Takes fd; 0, or -1 with errno. */
int process_take_pipe(struct process *p, int number, int fd);
/* Stops it and starts it again after its end, unless somebody stops it meanwhile. */
void process_renew(struct process *p);

/* --- looking
 * ------------------------------------------------------------------------------ */

const struct program_conf *process_conf(const struct process *p);
struct group *process_group(const struct process *p);
uint64_t process_id(const struct process *p); /* unique in the life of the daemon */
enum proc_state process_state(const struct process *p);
pid_t process_pid(const struct process *p);               /* 0: none */
const char *process_spawn_error(const struct process *p); /* NULL: none */
const char *process_note(const struct process *p);        /* NULL: none */
int process_exit_status(const struct process *p); /* -1: by signal; 0 also when unknown */
/* How its last child ended, as waitpid told; false if none has ended yet. */
bool process_wait_status(const struct process *p, int *wait_status);
unsigned process_starts(const struct process *p);    /* attempts to start it, ever */
int64_t process_start_secs(const struct process *p); /* wall clock; 0: never */
int64_t process_stop_secs(const struct process *p);
int process_backoff(const struct process *p);
/* The file its channel is logged to, or NULL. */
const char *process_log_path(const struct process *p, enum process_channel ch);
/* It has a child, or is to have one without anybody asking. */
bool process_is_busy(const struct process *p);
/* The deadline under way (startsecs, backoff, stopwaitsecs), monotonic ms, or -1. */
int64_t process_deadline_ms(const struct process *p);

#endif
