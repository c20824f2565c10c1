/* States of processes and of supervisord: upstream's numbers and names.
 * Source: Supervisor manual, "Subprocesses" and "XML-RPC API"; upstream states.py. */
#ifndef CORE_RULES_STATES_H
#define CORE_RULES_STATES_H

#include <stdbool.h>

enum proc_state {
    PROC_STOPPED = 0,
    PROC_STARTING = 10,
    PROC_RUNNING = 20,
    PROC_BACKOFF = 30,
    PROC_STOPPING = 40,
    PROC_EXITED = 100,
    PROC_FATAL = 200,
    PROC_UNKNOWN = 1000
};

const char *proc_state_name(enum proc_state s); /* "STOPPED" */
/* STARTING, RUNNING, BACKOFF: what clients call running. */
bool proc_state_is_running(enum proc_state s);
/* STOPPED, EXITED, FATAL, UNKNOWN. */
bool proc_state_is_stopped(enum proc_state s);
/* STARTING, RUNNING, STOPPING: a signal can be sent. */
bool proc_state_is_signallable(enum proc_state s);

enum super_mood {
    MOOD_FATAL = 2,
    MOOD_RUNNING = 1,
    MOOD_RESTARTING = 0,
    MOOD_SHUTDOWN = -1
};

const char *super_mood_name(enum super_mood m);

#endif
