/* status, pid, version, avail: commands that only ask. */
#include "applets/supervisorctl/ctl_table.h"

#include "applets/supervisorctl/ctl_format.h"
#include "core/base/alloc.h"
#include "core/rules/namespec.h"
#include "core/rules/states.h"
#include "core/wire/faults.h"
#include <stdlib.h>
#include <string.h>

/* Members of an answer, picked out and in the order they are to be shown in. */
struct picks {
    const struct rpc_value **items;
    size_t len, cap;
};

static void picks_add(struct picks *p, const struct rpc_value *info)
{
    if (p->len == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 64;
        p->items = xreallocarray(p->items, p->cap, sizeof *p->items);
    }
    p->items[p->len++] = info;
}

static bool has_word(const struct strv *words, const char *word)
{
    for (size_t i = 0; i < words->len; i++)
        if (str_eq(words->items[i], word))
            return true;
    return false;
}

/* Adds what name means; says so when it means nothing. */
static void pick_by_name(struct ctl *c, const struct rpc_value *all, const char *name,
                         struct picks *picks)
{
    struct namespec spec = namespec_parse(name);
    size_t before = picks->len;
    for (size_t i = 0; i < all->count; i++) {
        const struct rpc_value *info = all->items[i];
        if (span_eq(spec.group, rpc_get_str(info, "group", "")) &&
            (spec.whole_group || span_eq(spec.process, rpc_get_str(info, "name", ""))))
            picks_add(picks, info);
    }
    if (picks->len > before)
        return;
    if (spec.whole_group)
        ctl_fail(c, CTL_STATUS_UNKNOWN, "%.*s: ERROR (no such group)",
                 (int)spec.group.len, spec.group.ptr);
    else
        ctl_fail(c, CTL_STATUS_UNKNOWN, "%s: ERROR (no such process)", name);
}

enum ctl_end ctl_do_status(struct ctl *c, const struct ctl_line *line)
{
    enum ctl_end end;
    if (!ctl_up_check(c, &end)) {
        if (end == CTL_DONE)
            c->exit_status = CTL_STATUS_UNKNOWN;
        return end;
    }
    struct rpc_reply r;
    if (!ctl_call_infos(c, &r))
        return ctl_raise_reply(c, &r);
    struct picks picks = {0};
    if (line->words.len == 0 || has_word(&line->words, "all"))
        for (size_t i = 0; i < r.value->count; i++)
            picks_add(&picks, r.value->items[i]);
    else
        for (size_t i = 0; i < line->words.len; i++)
            pick_by_name(c, r.value, line->words.items[i], &picks);
    end = CTL_DONE;
    if (ctl_format_statuses(&c->out, picks.items, picks.len) < 0)
        end = ctl_raise(c, "out of memory");
    for (size_t i = 0; i < picks.len; i++)
        if (proc_state_is_stopped(
                (enum proc_state)rpc_get_int(picks.items[i], "state", 0)))
            c->exit_status = CTL_STATUS_STOPPED;
    free(picks.items);
    /* Thousands of pieces that the end of the process frees faster than we could. */
    rpc_reply_free(&c->kept);
    c->kept = r;
    return end;
}

static enum ctl_end print_supervisor_pid(struct ctl *c)
{
    struct rpc_reply r;
    if (ctl_call(c, "getPID", NULL, &r) != RPC_OK || r.value->type != RPC_INT)
        return ctl_raise_reply(c, &r);
    ctl_print(c, "%lld", (long long)r.value->number);
    rpc_reply_free(&r);
    return CTL_DONE;
}

static enum ctl_end print_all_pids(struct ctl *c)
{
    struct rpc_reply r;
    if (!ctl_call_infos(c, &r))
        return ctl_raise_reply(c, &r);
    for (size_t i = 0; i < r.value->count; i++)
        ctl_print(c, "%lld", (long long)rpc_get_int(r.value->items[i], "pid", 0));
    rpc_reply_free(&r);
    return CTL_DONE;
}

enum ctl_end ctl_do_pid(struct ctl *c, const struct ctl_line *line)
{
    if (line->words.len == 0)
        return print_supervisor_pid(c);
    if (has_word(&line->words, "all"))
        return print_all_pids(c);
    for (size_t i = 0; i < line->words.len; i++) {
        const char *name = line->words.items[i];
        struct rpc_reply r;
        enum rpc_result result =
            ctl_call(c, "getProcessInfo", ctl_params(name, (char *)NULL), &r);
        if (result == RPC_FAULT && r.fault_code == FAULT_BAD_NAME) {
            ctl_fail(c, CTL_GENERIC, "No such process %s", name);
        } else if (result == RPC_OK) {
            int64_t pid = rpc_get_int(r.value, "pid", 0);
            ctl_print(c, "%lld", (long long)pid);
            if (pid == 0)
                c->exit_status = CTL_NOT_RUNNING;
        } else {
            return ctl_raise_reply(c, &r);
        }
        rpc_reply_free(&r);
    }
    return CTL_DONE;
}

enum ctl_end ctl_do_version(struct ctl *c, const struct ctl_line *line)
{
    UNUSED(line);
    struct rpc_reply r;
    if (ctl_call(c, "getSupervisorVersion", NULL, &r) != RPC_OK ||
        r.value->type != RPC_STRING)
        return ctl_raise_reply(c, &r);
    ctl_print(c, "%s", r.value->text);
    rpc_reply_free(&r);
    return CTL_DONE;
}

enum ctl_end ctl_do_avail(struct ctl *c, const struct ctl_line *line)
{
    UNUSED(line);
    struct rpc_reply r;
    enum rpc_result result = ctl_call(c, "getAllConfigInfo", NULL, &r);
    enum ctl_end end = CTL_DONE;
    if (result == RPC_FAULT && r.fault_code == FAULT_SHUTDOWN_STATE)
        ctl_fail(c, CTL_GENERIC, "ERROR: supervisor shutting down");
    else if (result != RPC_OK || r.value->type != RPC_ARRAY)
        return ctl_raise_reply(c, &r);
    else
        for (size_t i = 0; i < r.value->count && end == CTL_DONE; i++)
            if (ctl_format_config(&c->out, r.value->items[i]) < 0)
                end = ctl_raise(c, "out of memory");
    rpc_reply_free(&r);
    return end;
}
