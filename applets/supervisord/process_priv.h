/* What process.c and process_spawn.c share alone. */
#ifndef APPLETS_SUPERVISORD_PROCESS_PRIV_H
#define APPLETS_SUPERVISORD_PROCESS_PRIV_H

#include "applets/supervisord/channel.h"
#include "applets/supervisord/process.h"
#include "applets/supervisord/stdin_queue.h"
#include "core/rules/proc_fsm.h"

/* 672 bytes is a size of musl's malloc, and the next is 800: thousands of them count. */
struct process {
    struct engine *engine;
    struct group *group;
    const struct program_conf *conf;
    uint64_t id;
    enum proc_state state;
    pid_t pid; /* 0: no child */
    int exit_status;
    int wait_status;    /* of the last child that ended */
    unsigned starts;    /* attempts, ever */
    int tries;          /* failed starts in a row */
    char *spawn_error;  /* or NULL */
    const char *note;   /* or NULL */
    int64_t started_ms; /* monotonic; of the last start */
    int64_t start_secs; /* wall clock, for display; 0: never */
    int64_t stop_secs;
    int64_t stop_reported_ms; /* last "waiting for"; 0: not yet */
    struct timer deadline;
    struct list start_link; /* in engine->start_queue */
    struct list dirty_link; /* in engine->dirty_processes */
    uint64_t started_ticks; /* of the child, since the boot; 0: not known */
    int pid_fd;             /* borrowed; -1: none */
    bool has_ended;         /* wait_status says how */
    bool renew;             /* once it has ended it is started again */
    bool foreign;           /* the child is somebody else's */
    bool dying;             /* reaped with wait_status; its last output is being read */
    struct channel out, err;
    struct stdin_queue in;
};

_Static_assert(sizeof(struct process) <= 668, "malloc's own four bytes included");

/* Looks the command up, opens pipes and logs, forks. 0: a child runs and p->pid is set;
 * -1: none, and p->spawn_error tells why in upstream's words. */
int process_spawn(struct process *p);
/* Sets p->spawn_error (takes text; NULL: none). */
void process_set_spawn_error(struct process *p, char *text);

/* The same with a child that is there already. */
void process_take_child(struct process *p, const struct process_spawned *child);
/* kill(2) on the child. The pid of one that is not ours may be another's by now: ESRCH.
 */
int process_kill(const struct process *p, bool whole_group, int signal_number);

#endif
