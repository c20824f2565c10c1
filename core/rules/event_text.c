#include "core/rules/event_text.h"

#include "core/base/pytext.h"
#include "core/base/utf8.h"

#include <stdlib.h>

enum extra { EXTRA_NONE, EXTRA_TRIES, EXTRA_PID, EXTRA_EXPECTED_PID };

/* What a state's event tells besides names and the state before. */
static enum extra extra_of(enum event_type type)
{
    switch (type) {
    case EVENT_PROCESS_STATE_STARTING:
    case EVENT_PROCESS_STATE_BACKOFF:
        return EXTRA_TRIES;
    case EVENT_PROCESS_STATE_EXITED:
        return EXTRA_EXPECTED_PID;
    case EVENT_PROCESS_STATE_RUNNING:
    case EVENT_PROCESS_STATE_STOPPING:
    case EVENT_PROCESS_STATE_STOPPED:
        return EXTRA_PID;
    default:
        return EXTRA_NONE;
    }
}

/* Label and text, or number: an event has a dozen, and printf is slow. */
static int put(struct buf *out, const char *label, const char *text)
{
    return buf_puts(out, label) < 0 ? -1 : buf_puts(out, text);
}

static int put_number(struct buf *out, const char *label, uint64_t number)
{
    return buf_puts(out, label) < 0 ? -1 : buf_put_uint(out, number);
}

static int state_payload(struct buf *out, const struct event_text_in *in)
{
    if (buf_printf(out, "processname:%s groupname:%s from_state:%s", in->process_name,
                   in->group_name, proc_state_name(in->from_state)) < 0)
        return -1;
    switch (extra_of(in->type)) {
    case EXTRA_TRIES:
        return buf_printf(out, " tries:%d", in->tries);
    case EXTRA_PID:
        return buf_printf(out, " pid:%d", in->pid);
    case EXTRA_EXPECTED_PID:
        return buf_printf(out, " expected:%d pid:%d", in->expected, in->pid);
    case EXTRA_NONE:
        break;
    }
    return 0;
}

/* Listeners read text: what is no UTF-8 is shown as Python shows bytes. */
static int put_data(struct buf *out, struct span data)
{
    if (utf8_valid(data.ptr, data.len))
        return buf_append(out, data.ptr, data.len);
    char *shown = py_repr_bytes(data);
    int rc = buf_printf(out, "Undecodable: %s", shown);
    free(shown);
    return rc;
}

static int output_payload(struct buf *out, const struct event_text_in *in)
{
    if (put(out, "processname:", in->process_name) < 0 ||
        put(out, " groupname:", in->group_name) < 0 ||
        put_number(out, " pid:", (uint64_t)in->pid) < 0)
        return -1;
    if (in->type == EVENT_PROCESS_LOG_STDOUT && buf_puts(out, " channel:stdout") < 0)
        return -1;
    if (in->type == EVENT_PROCESS_LOG_STDERR && buf_puts(out, " channel:stderr") < 0)
        return -1;
    if (buf_putc(out, '\n') < 0)
        return -1;
    return put_data(out, in->data);
}

int event_payload(struct buf *out, const struct event_text_in *in)
{
    if (event_type_is(in->type, EVENT_PROCESS_STATE))
        return state_payload(out, in);
    if (event_type_is(in->type, EVENT_PROCESS_LOG) ||
        event_type_is(in->type, EVENT_PROCESS_COMMUNICATION))
        return output_payload(out, in);
    if (event_type_is(in->type, EVENT_PROCESS_GROUP))
        return buf_printf(out, "groupname:%s\n", in->group_name);
    if (event_type_is(in->type, EVENT_TICK))
        return buf_printf(out, "when:%lld", (long long)in->when_secs);
    if (in->type != EVENT_REMOTE_COMMUNICATION)
        return 0; /* SUPERVISOR_STATE_CHANGE has none */
    if (buf_printf(out, "type:%s\n", in->remote_type) < 0)
        return -1;
    return put_data(out, in->data);
}

int event_envelope(struct buf *out, const struct event_envelope *in)
{
    if (put(out, "ver:3.0 server:", in->server) < 0 ||
        put_number(out, " serial:", in->serial) < 0 || put(out, " pool:", in->pool) < 0 ||
        put_number(out, " poolserial:", in->pool_serial) < 0 ||
        put(out, " eventname:", event_type_name(in->type)) < 0 ||
        put_number(out, " len:", utf8_count(in->payload.ptr, in->payload.len)) < 0 ||
        buf_putc(out, '\n') < 0)
        return -1;
    return buf_append(out, in->payload.ptr, in->payload.len);
}
