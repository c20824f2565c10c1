#include "core/rules/proc_fsm.h"

#include "core/base/signame.h"

#include <stdio.h>
#include <sys/wait.h>

// clang-format off
static const struct proc_rule {
    enum proc_state from;
    enum proc_input input;
    enum proc_state to;
    enum proc_action action;
    enum proc_deadline deadline;
} rules[] = {
    /* from          input             to             action          deadline */
    { PROC_STOPPED,  IN_START,         PROC_STARTING, ACT_SPAWN,      DEADLINE_UP },

    { PROC_STARTING, IN_SPAWN_FAILED,  PROC_BACKOFF,  ACT_COUNT,      DEADLINE_RETRY },
    { PROC_STARTING, IN_DEADLINE,      PROC_RUNNING,  ACT_NONE,       DEADLINE_NONE },
    { PROC_STARTING, IN_EXIT_EARLY,    PROC_BACKOFF,  ACT_COUNT,      DEADLINE_RETRY },
    { PROC_STARTING, IN_STOP,          PROC_STOPPING, ACT_STOPSIGNAL, DEADLINE_KILL },

    { PROC_BACKOFF,  IN_START,         PROC_STARTING, ACT_SPAWN,      DEADLINE_UP },
    { PROC_BACKOFF,  IN_DEADLINE,      PROC_STARTING, ACT_SPAWN,      DEADLINE_UP },
    { PROC_BACKOFF,  IN_STOP,          PROC_STOPPED,  ACT_NONE,       DEADLINE_NONE },
    { PROC_BACKOFF,  IN_GIVE_UP,       PROC_FATAL,    ACT_NONE,       DEADLINE_NONE },

    { PROC_RUNNING,  IN_EXIT,          PROC_EXITED,   ACT_CONSIDER,   DEADLINE_NONE },
    { PROC_RUNNING,  IN_STOP,          PROC_STOPPING, ACT_STOPSIGNAL, DEADLINE_KILL },

    { PROC_STOPPING, IN_DEADLINE,      PROC_STOPPING, ACT_SIGKILL,    DEADLINE_KILL_AGAIN },
    { PROC_STOPPING, IN_EXIT_EARLY,    PROC_STOPPED,  ACT_NONE,       DEADLINE_NONE },
    { PROC_STOPPING, IN_EXIT,          PROC_STOPPED,  ACT_NONE,       DEADLINE_NONE },
    { PROC_STOPPING, IN_KILL_REFUSED,  PROC_UNKNOWN,  ACT_NONE,       DEADLINE_NONE },

    { PROC_EXITED,   IN_START,         PROC_STARTING, ACT_SPAWN,      DEADLINE_UP },
    { PROC_EXITED,   IN_RESTART_LATER, PROC_EXITED,   ACT_NONE,       DEADLINE_RESTART },
    { PROC_EXITED,   IN_DEADLINE,      PROC_STARTING, ACT_SPAWN,      DEADLINE_UP },
    { PROC_EXITED,   IN_STOP,          PROC_EXITED,   ACT_NONE,       DEADLINE_NONE },

    { PROC_FATAL,    IN_START,         PROC_STARTING, ACT_SPAWN,      DEADLINE_UP },

    /* It could not be signalled and ends one day all the same. */
    { PROC_UNKNOWN,  IN_EXIT_EARLY,    PROC_EXITED,   ACT_NONE,       DEADLINE_NONE },
    { PROC_UNKNOWN,  IN_EXIT,          PROC_EXITED,   ACT_NONE,       DEADLINE_NONE },
};
// clang-format on

static const char *const input_names[PROC_INPUT_COUNT] = {
    [IN_START] = "START",
    [IN_SPAWN_FAILED] = "SPAWN_FAILED",
    [IN_DEADLINE] = "DEADLINE",
    [IN_EXIT_EARLY] = "EXIT_EARLY",
    [IN_EXIT] = "EXIT",
    [IN_STOP] = "STOP",
    [IN_GIVE_UP] = "GIVE_UP",
    [IN_KILL_REFUSED] = "KILL_REFUSED",
    [IN_RESTART_LATER] = "RESTART_LATER",
};

static const char *const action_names[] = {
    [ACT_NONE] = "none",       [ACT_SPAWN] = "spawn",
    [ACT_COUNT] = "count",     [ACT_STOPSIGNAL] = "stopsignal",
    [ACT_SIGKILL] = "sigkill", [ACT_CONSIDER] = "consider",
};

static const char *const deadline_names[] = {
    [DEADLINE_KEEP] = "keep",         [DEADLINE_NONE] = "none",
    [DEADLINE_UP] = "startsecs",      [DEADLINE_RETRY] = "retry",
    [DEADLINE_KILL] = "stopwaitsecs", [DEADLINE_KILL_AGAIN] = "stopwaitsecs-again",
    [DEADLINE_RESTART] = "restart",
};

struct proc_step proc_fsm_step(enum proc_state from, enum proc_input input)
{
    for (size_t i = 0; i < array_len(rules); i++) {
        const struct proc_rule *r = &rules[i];
        if (r->from == from && r->input == input)
            return (struct proc_step){true, r->to, r->action, r->deadline};
    }
    return (struct proc_step){false, from, ACT_NONE, DEADLINE_KEEP};
}

const char *proc_input_name(enum proc_input input)
{
    return input_names[input];
}

const char *proc_action_name(enum proc_action action)
{
    return action_names[action];
}

const char *proc_deadline_name(enum proc_deadline deadline)
{
    return deadline_names[deadline];
}

bool proc_exit_is_early(int64_t lived_ms, int startsecs)
{
    return lived_ms < (int64_t)startsecs * 1000;
}

bool proc_exit_is_expected(int exit_status, const int *exitcodes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (exitcodes[i] == exit_status)
            return true;
    return false;
}

int64_t proc_restart_due_ms(int64_t last_start_ms, int64_t now_ms)
{
    int64_t earliest = last_start_ms + 1000;
    return earliest > now_ms ? earliest : now_ms;
}

void proc_exit_text(int wait_status, char text[80], int *exit_status)
{
    *exit_status = -1;
    if (wait_status < 0) {
        snprintf(text, 80, "exit status unknown");
    } else if (WIFEXITED(wait_status)) {
        *exit_status = WEXITSTATUS(wait_status);
        snprintf(text, 80, "exit status %d", *exit_status);
    } else if (WIFSIGNALED(wait_status)) {
        snprintf(text, 80, "terminated by %s%s",
                 signame_from_number(WTERMSIG(wait_status)),
                 WCOREDUMP(wait_status) ? " (core dumped)" : "");
    } else {
        snprintf(text, 80, "unknown termination cause 0x%04x", (unsigned)wait_status);
    }
}
