/* The life of a process as a table: (state, input) -> (state, action, deadline). Pure: no
 * clock, descriptor or log. process.c alone stores the state, does the action, arms the
 * deadline and feeds what comes of them back as inputs.
 *
 * The inputs that an action may cause in turn:
 *   ACT_SPAWN      IN_SPAWN_FAILED, or nothing (the child runs)
 *   ACT_COUNT      IN_GIVE_UP when the tries are used up
 *   ACT_STOPSIGNAL, ACT_SIGKILL   IN_KILL_REFUSED
 *   ACT_CONSIDER   IN_RESTART_LATER when autorestart says so
 *
 * Source: Supervisor manual, "Subprocess states"; upstream process.py. */
#ifndef CORE_RULES_PROC_FSM_H
#define CORE_RULES_PROC_FSM_H

#include "core/base/util.h"
#include "core/rules/states.h"

enum proc_input {
    IN_START,         /* a wish: autostart, a client */
    IN_SPAWN_FAILED,  /* no child came of it */
    IN_DEADLINE,      /* the deadline under way has come */
    IN_EXIT_EARLY,    /* died before startsecs */
    IN_EXIT,          /* died otherwise */
    IN_STOP,          /* a wish: a client, shutting down */
    IN_GIVE_UP,       /* no further tries */
    IN_KILL_REFUSED,  /* the kernel would not let us signal it */
    IN_RESTART_LATER, /* EXITED, and autorestart wants it back */
    PROC_INPUT_COUNT
};

enum proc_action {
    ACT_NONE,
    ACT_SPAWN,      /* look the command up, open pipes and logs, fork */
    ACT_COUNT,      /* one try more has failed */
    ACT_STOPSIGNAL, /* send the configured signal */
    ACT_SIGKILL,
    ACT_CONSIDER /* is it to be restarted? */
};

enum proc_deadline {
    DEADLINE_KEEP, /* leave what is armed */
    DEADLINE_NONE,
    DEADLINE_UP,         /* startsecs after the start: it counts as RUNNING */
    DEADLINE_RETRY,      /* as many seconds as tries have failed */
    DEADLINE_KILL,       /* stopwaitsecs after the signal */
    DEADLINE_KILL_AGAIN, /* the same, but a second at least */
    DEADLINE_RESTART     /* at once; a second after the last start if it lived less */
};

struct proc_step {
    bool taken; /* false: the input means nothing in this state and changes nothing */
    enum proc_state to;
    enum proc_action action;
    enum proc_deadline deadline;
};

struct proc_step proc_fsm_step(enum proc_state from, enum proc_input input);
const char *proc_input_name(enum proc_input input);
const char *proc_action_name(enum proc_action action);
const char *proc_deadline_name(enum proc_deadline deadline);

/* How an exit is judged. lived_ms is the time from the start to the death. Early: before
 * startsecs, whatever the status; with startsecs 0 never. */
bool proc_exit_is_early(int64_t lived_ms, int startsecs);
/* exit_status is -1 for a death by signal, which is expected only if -1 were listed. */
bool proc_exit_is_expected(int exit_status, const int *exitcodes, size_t count);

/* Milliseconds of the monotonic clock at which a program that exited may be started
 * again: a second after its last start if it lived less than that, else now. Source:
 * targets.md's rule, which is upstream's effective rate. */
int64_t proc_restart_due_ms(int64_t last_start_ms, int64_t now_ms);

/* "exit status 3", "terminated by SIGTERM (core dumped)" for a waitpid status;
 * *exit_status gets 0..255, or -1. A negative wait_status is one that nobody knows. text
 * holds 80 bytes. Source: upstream options.py decode_wait_status. */
void proc_exit_text(int wait_status, char text[80], int *exit_status);

#endif
