/* The text of an event as a listener gets it: payload, and the header line before it.
 * Source: Supervisor manual, "Events"; upstream events.py. */
#ifndef CORE_RULES_EVENT_TEXT_H
#define CORE_RULES_EVENT_TEXT_H

#include "core/base/buf.h"
#include "core/base/str.h"
#include "core/rules/event_types.h"
#include "core/rules/states.h"

struct event_text_in { /* what a payload is made of; fields without a meaning are ignored
                        */
    enum event_type type;
    const char *process_name, *group_name;
    enum proc_state from_state;
    int tries;
    bool expected;
    int pid;
    struct span data;
    const char *remote_type;
    int64_t when_secs;
};

/* Appends the payload, always UTF-8: other data becomes "Undecodable: b'...'". 0, or -1
 * as buf. */
int event_payload(struct buf *out, const struct event_text_in *in);

struct event_envelope {
    const char *server; /* identifier */
    uint64_t serial;
    const char *pool;
    uint64_t pool_serial;
    enum event_type type;
    struct span payload;
};

/* Appends "ver:3.0 server:... len:N\n" and the payload. N counts characters, not bytes,
 * as upstream does: listeners written with its childutils read so many from a text
 * stream, and would wait for ever for more. 0, or -1 as buf. */
int event_envelope(struct buf *out, const struct event_envelope *in);

#endif
