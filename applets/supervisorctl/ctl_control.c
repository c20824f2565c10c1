/* start, stop, signal and restart: one way through all name forms, driven by a row per
 * verb. */
#include "applets/supervisorctl/ctl_control.h"

#include "applets/supervisorctl/ctl_table.h"
#include "core/rules/namespec.h"
#include "core/wire/faults.h"
#include <stdlib.h>

struct action {
    enum ctl_verb verb;
    const char *one, *group, *all; /* methods */
    int harmless;                  /* a fault that leaves the exit status alone */
    int no_group_status;           /* exit status for an unknown group */
};

static const struct action start_action = {
    VERB_START,          "startProcess",        "startProcessGroup",
    "startAllProcesses", FAULT_ALREADY_STARTED, CTL_INVALID_ARGS,
};
static const struct action stop_action = {
    VERB_STOP,          "stopProcess",     "stopProcessGroup",
    "stopAllProcesses", FAULT_NOT_RUNNING, CTL_GENERIC,
};
static const struct action signal_action = {
    VERB_SIGNAL,          "signalProcess", "signalProcessGroup",
    "signalAllProcesses", FAULT_SUCCESS,   CTL_GENERIC,
};

enum ctl_end ctl_print_outcome(struct ctl *c, enum ctl_verb verb, const char *group,
                               const char *process, int code, const char *description,
                               int harmless)
{
    int rc = ctl_format_outcome(&c->out, verb, group, process, code, description);
    if (rc < 0)
        return ctl_raise(c, "out of memory");
    if (rc > 0)
        return ctl_raise(c, "Unknown result code %d for %s", code,
                         process ? process : group);
    if (code == FAULT_SUCCESS || code == harmless)
        return CTL_DONE;
    bool dead = code == FAULT_SPAWN_ERROR || code == FAULT_ABNORMAL_TERMINATION ||
                code == FAULT_NOT_RUNNING;
    c->exit_status = dead ? CTL_NOT_RUNNING : CTL_GENERIC;
    return CTL_DONE;
}

enum ctl_end ctl_print_outcomes(struct ctl *c, enum ctl_verb verb,
                                const struct rpc_value *results, int harmless)
{
    enum ctl_end end = CTL_DONE;
    for (size_t i = 0; i < results->count && end == CTL_DONE; i++) {
        const struct rpc_value *result = results->items[i];
        end = ctl_print_outcome(c, verb, rpc_get_str(result, "group", ""),
                                rpc_get_str(result, "name", ""),
                                (int)rpc_get_int(result, "status", 0),
                                rpc_get_str(result, "description", ""), harmless);
    }
    return end;
}

enum ctl_end ctl_print_own_outcome(struct ctl *c, enum ctl_verb verb, const char *name,
                                   struct rpc_reply *r, int harmless)
{
    if (r->result != RPC_OK && r->result != RPC_FAULT)
        return ctl_raise_reply(c, r);
    struct namespec spec = namespec_parse(name);
    char *group = span_dup(spec.group);
    char *process = spec.whole_group ? NULL : span_dup(spec.process);
    int code = r->result == RPC_OK ? FAULT_SUCCESS : r->fault_code;
    enum ctl_end end =
        ctl_print_outcome(c, verb, group, process, code, r->fault_text, harmless);
    free(group);
    free(process);
    rpc_reply_free(r);
    return end;
}

/* The answer to a call about many processes. */
static enum ctl_end print_many(struct ctl *c, const struct action *a, struct rpc_reply *r)
{
    if (r->result != RPC_OK || r->value->type != RPC_ARRAY)
        return ctl_raise_reply(c, r);
    enum ctl_end end = ctl_print_outcomes(c, a->verb, r->value, a->harmless);
    rpc_reply_free(r);
    return end;
}

static enum ctl_end act_on_group(struct ctl *c, const struct action *a, struct span group,
                                 const char *signal)
{
    struct rpc_reply r;
    char *name = span_dup(group);
    enum ctl_end end = CTL_DONE;
    ctl_call(c, a->group, ctl_params(name, signal, (char *)NULL), &r);
    if (r.result == RPC_FAULT && r.fault_code == FAULT_BAD_NAME) {
        ctl_fail(c, a->no_group_status, "%s: ERROR (no such group)", name);
        rpc_reply_free(&r);
    } else {
        end = print_many(c, a, &r);
    }
    free(name);
    return end;
}

/* signal is NULL for other verbs. names are the words from `first` on. */
static enum ctl_end act(struct ctl *c, const struct action *a, const struct strv *words,
                        size_t first, const char *signal)
{
    struct rpc_reply r;
    for (size_t i = first; i < words->len; i++) {
        if (!str_eq(words->items[i], "all"))
            continue;
        ctl_call(c, a->all, signal ? ctl_params(signal, (char *)NULL) : NULL, &r);
        return print_many(c, a, &r);
    }
    enum ctl_end end = CTL_DONE;
    for (size_t i = first; i < words->len && end == CTL_DONE; i++) {
        const char *name = words->items[i];
        struct namespec spec = namespec_parse(name);
        if (spec.whole_group) {
            end = act_on_group(c, a, spec.group, signal);
        } else {
            ctl_call(c, a->one, ctl_params(name, signal, (char *)NULL), &r);
            end = ctl_print_own_outcome(c, a->verb, name, &r, a->harmless);
        }
    }
    return end;
}

enum ctl_end ctl_do_start(struct ctl *c, const struct ctl_line *line)
{
    return act(c, &start_action, &line->words, 0, NULL);
}

enum ctl_end ctl_do_stop(struct ctl *c, const struct ctl_line *line)
{
    return act(c, &stop_action, &line->words, 0, NULL);
}

enum ctl_end ctl_do_restart(struct ctl *c, const struct ctl_line *line)
{
    enum ctl_end end = ctl_do_stop(c, line);
    return end == CTL_DONE ? ctl_do_start(c, line) : end;
}

enum ctl_end ctl_do_signal(struct ctl *c, const struct ctl_line *line)
{
    if (line->words.len < 2) {
        ctl_fail(c, CTL_GENERIC,
                 "Error: signal requires a signal name and a process name");
        ctl_table_print_usage(c, line->command);
        return CTL_DONE;
    }
    return act(c, &signal_action, &line->words, 1, line->words.items[0]);
}
