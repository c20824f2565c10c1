#include "core/rules/states.h"

#include "core/base/util.h"

#include <stddef.h>

enum { RUNNING_SET = 1, STOPPED_SET = 2, SIGNAL_SET = 4 };

static const struct state_row {
    enum proc_state state;
    const char *name;
    unsigned sets;
} rows[] = {
    {PROC_STOPPED, "STOPPED", STOPPED_SET},
    {PROC_STARTING, "STARTING", RUNNING_SET | SIGNAL_SET},
    {PROC_RUNNING, "RUNNING", RUNNING_SET | SIGNAL_SET},
    {PROC_BACKOFF, "BACKOFF", RUNNING_SET},
    {PROC_STOPPING, "STOPPING", SIGNAL_SET},
    {PROC_EXITED, "EXITED", STOPPED_SET},
    {PROC_FATAL, "FATAL", STOPPED_SET},
    {PROC_UNKNOWN, "UNKNOWN", STOPPED_SET},
};

static const struct state_row *row_of(enum proc_state s)
{
    for (size_t i = 0; i < array_len(rows); i++)
        if (rows[i].state == s)
            return &rows[i];
    return &rows[array_len(rows) - 1];
}

const char *proc_state_name(enum proc_state s)
{
    return row_of(s)->name;
}

bool proc_state_is_running(enum proc_state s)
{
    return (row_of(s)->sets & RUNNING_SET) != 0;
}

bool proc_state_is_stopped(enum proc_state s)
{
    return (row_of(s)->sets & STOPPED_SET) != 0;
}

bool proc_state_is_signallable(enum proc_state s)
{
    return (row_of(s)->sets & SIGNAL_SET) != 0;
}

const char *super_mood_name(enum super_mood m)
{
    switch (m) {
    case MOOD_FATAL:
        return "FATAL";
    case MOOD_RUNNING:
        return "RUNNING";
    case MOOD_RESTARTING:
        return "RESTARTING";
    case MOOD_SHUTDOWN:
        break;
    }
    return "SHUTDOWN";
}
