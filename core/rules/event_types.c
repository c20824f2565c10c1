#include "core/rules/event_types.h"

#include "core/base/str.h"

/* clang-format off */
static const struct {
    const char *name;
    int parent; /* -1: the root */
} rows[EVENT_TYPE_COUNT] = {
    [EVENT_ANY] =                             { "EVENT", -1 },
    [EVENT_PROCESS_STATE] =                   { "PROCESS_STATE", EVENT_ANY },
    [EVENT_PROCESS_STATE_STOPPED] =           { "PROCESS_STATE_STOPPED", EVENT_PROCESS_STATE },
    [EVENT_PROCESS_STATE_EXITED] =            { "PROCESS_STATE_EXITED", EVENT_PROCESS_STATE },
    [EVENT_PROCESS_STATE_STARTING] =          { "PROCESS_STATE_STARTING", EVENT_PROCESS_STATE },
    [EVENT_PROCESS_STATE_STOPPING] =          { "PROCESS_STATE_STOPPING", EVENT_PROCESS_STATE },
    [EVENT_PROCESS_STATE_BACKOFF] =           { "PROCESS_STATE_BACKOFF", EVENT_PROCESS_STATE },
    [EVENT_PROCESS_STATE_FATAL] =             { "PROCESS_STATE_FATAL", EVENT_PROCESS_STATE },
    [EVENT_PROCESS_STATE_RUNNING] =           { "PROCESS_STATE_RUNNING", EVENT_PROCESS_STATE },
    [EVENT_PROCESS_STATE_UNKNOWN] =           { "PROCESS_STATE_UNKNOWN", EVENT_PROCESS_STATE },
    [EVENT_PROCESS_COMMUNICATION] =           { "PROCESS_COMMUNICATION", EVENT_ANY },
    [EVENT_PROCESS_COMMUNICATION_STDOUT] =    { "PROCESS_COMMUNICATION_STDOUT", EVENT_PROCESS_COMMUNICATION },
    [EVENT_PROCESS_COMMUNICATION_STDERR] =    { "PROCESS_COMMUNICATION_STDERR", EVENT_PROCESS_COMMUNICATION },
    [EVENT_PROCESS_LOG] =                     { "PROCESS_LOG", EVENT_ANY },
    [EVENT_PROCESS_LOG_STDOUT] =              { "PROCESS_LOG_STDOUT", EVENT_PROCESS_LOG },
    [EVENT_PROCESS_LOG_STDERR] =              { "PROCESS_LOG_STDERR", EVENT_PROCESS_LOG },
    [EVENT_PROCESS_GROUP] =                   { "PROCESS_GROUP", EVENT_ANY },
    [EVENT_PROCESS_GROUP_ADDED] =             { "PROCESS_GROUP_ADDED", EVENT_PROCESS_GROUP },
    [EVENT_PROCESS_GROUP_REMOVED] =           { "PROCESS_GROUP_REMOVED", EVENT_PROCESS_GROUP },
    [EVENT_REMOTE_COMMUNICATION] =            { "REMOTE_COMMUNICATION", EVENT_ANY },
    [EVENT_SUPERVISOR_STATE_CHANGE] =         { "SUPERVISOR_STATE_CHANGE", EVENT_ANY },
    [EVENT_SUPERVISOR_STATE_CHANGE_RUNNING] = { "SUPERVISOR_STATE_CHANGE_RUNNING", EVENT_SUPERVISOR_STATE_CHANGE },
    [EVENT_SUPERVISOR_STATE_CHANGE_STOPPING] = { "SUPERVISOR_STATE_CHANGE_STOPPING", EVENT_SUPERVISOR_STATE_CHANGE },
    [EVENT_TICK] =                            { "TICK", EVENT_ANY },
    [EVENT_TICK_5] =                          { "TICK_5", EVENT_TICK },
    [EVENT_TICK_60] =                         { "TICK_60", EVENT_TICK },
    [EVENT_TICK_3600] =                       { "TICK_3600", EVENT_TICK },
};
/* clang-format on */

const char *event_type_name(enum event_type t)
{
    return rows[t].name;
}

int event_type_parse(const char *name)
{
    for (int t = 0; t < EVENT_TYPE_COUNT; t++)
        if (str_eq(rows[t].name, name))
            return t;
    return -1;
}

bool event_type_is(enum event_type t, enum event_type ancestor)
{
    for (int at = (int)t; at >= 0; at = rows[at].parent)
        if (at == (int)ancestor)
            return true;
    return false;
}
