/* The event hierarchy: one table of names and parents. A subscription to a type includes
 * its children. Source: Supervisor manual, "Events". */
#ifndef CORE_RULES_EVENT_TYPES_H
#define CORE_RULES_EVENT_TYPES_H

#include <stdbool.h>

enum event_type {
    EVENT_ANY, /* "EVENT": the root */
    EVENT_PROCESS_STATE,
    EVENT_PROCESS_STATE_STOPPED,
    EVENT_PROCESS_STATE_EXITED,
    EVENT_PROCESS_STATE_STARTING,
    EVENT_PROCESS_STATE_STOPPING,
    EVENT_PROCESS_STATE_BACKOFF,
    EVENT_PROCESS_STATE_FATAL,
    EVENT_PROCESS_STATE_RUNNING,
    EVENT_PROCESS_STATE_UNKNOWN,
    EVENT_PROCESS_COMMUNICATION,
    EVENT_PROCESS_COMMUNICATION_STDOUT,
    EVENT_PROCESS_COMMUNICATION_STDERR,
    EVENT_PROCESS_LOG,
    EVENT_PROCESS_LOG_STDOUT,
    EVENT_PROCESS_LOG_STDERR,
    EVENT_PROCESS_GROUP,
    EVENT_PROCESS_GROUP_ADDED,
    EVENT_PROCESS_GROUP_REMOVED,
    EVENT_REMOTE_COMMUNICATION,
    EVENT_SUPERVISOR_STATE_CHANGE,
    EVENT_SUPERVISOR_STATE_CHANGE_RUNNING,
    EVENT_SUPERVISOR_STATE_CHANGE_STOPPING,
    EVENT_TICK,
    EVENT_TICK_5,
    EVENT_TICK_60,
    EVENT_TICK_3600,
    EVENT_TYPE_COUNT
};

const char *event_type_name(enum event_type t);
/* The type of that name (case matters, as upstream), or -1. */
int event_type_parse(const char *name);
bool event_type_is(enum event_type t, enum event_type ancestor); /* also itself */

#endif
