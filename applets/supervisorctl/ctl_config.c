/* reread, update, add, remove: the configuration and the groups in service. */
#include "applets/supervisorctl/ctl_table.h"

#include "core/base/alloc.h"
#include "core/wire/faults.h"
#include <stdlib.h>
#include <string.h>

/* reloadConfig answers [[added, changed, removed]]: the list of that number, or NULL. */
enum { ADDED, CHANGED, REMOVED, LIST_COUNT };

static const struct rpc_value *changes_of(const struct rpc_value *answer, int which)
{
    if (answer->type != RPC_ARRAY || answer->count != 1 ||
        answer->items[0]->type != RPC_ARRAY || answer->items[0]->count != LIST_COUNT)
        return NULL;
    const struct rpc_value *list = answer->items[0]->items[which];
    return list->type == RPC_ARRAY ? list : NULL;
}

static const char *text_at(const struct rpc_value *list, size_t i)
{
    return list->items[i]->type == RPC_STRING ? list->items[i]->text : "";
}

struct change {
    const char *name, *what;
};

static int change_compare(const void *a, const void *b)
{
    return strcmp(((const struct change *)a)->name, ((const struct change *)b)->name);
}

/* "name: what" sorted by name. */
static enum ctl_end print_changes(struct ctl *c, const struct rpc_value *answer)
{
    static const char *const words[] = {"available", "changed", "disappeared"};
    size_t total = 0, n = 0;
    for (int which = 0; which < LIST_COUNT; which++) {
        const struct rpc_value *list = changes_of(answer, which);
        if (!list)
            return ctl_raise(c, "the server's answer is not understood");
        total += list->count;
    }
    if (total == 0) {
        ctl_print(c, "No config updates to processes");
        return CTL_DONE;
    }
    struct change *changes = xcalloc(total, sizeof *changes);
    for (int which = 0; which < LIST_COUNT; which++) {
        const struct rpc_value *list = changes_of(answer, which);
        for (size_t i = 0; list && i < list->count; i++)
            changes[n++] = (struct change){text_at(list, i), words[which]};
    }
    qsort(changes, n, sizeof *changes, change_compare);
    for (size_t i = 0; i < n; i++)
        ctl_print(c, "%s: %s", changes[i].name, changes[i].what);
    free(changes);
    return CTL_DONE;
}

enum ctl_end ctl_do_reread(struct ctl *c, const struct ctl_line *line)
{
    UNUSED(line);
    struct rpc_reply r;
    enum rpc_result result = ctl_call(c, "reloadConfig", NULL, &r);
    enum ctl_end end = CTL_DONE;
    if (result == RPC_FAULT && r.fault_code == FAULT_SHUTDOWN_STATE)
        ctl_fail(c, CTL_GENERIC, "ERROR: supervisor shutting down");
    else if (result == RPC_FAULT && r.fault_code == FAULT_CANT_REREAD)
        ctl_fail(c, CTL_GENERIC, "ERROR: %s", r.fault_text);
    else if (result != RPC_OK)
        return ctl_raise_reply(c, &r);
    else
        end = print_changes(c, r.value);
    rpc_reply_free(&r);
    return end;
}

/* How a fault of add or remove reads; status 0 leaves the exit status alone. */
struct group_fault {
    int code, status;
    const char *text;
    bool with_name;
};

static enum ctl_end change_groups(struct ctl *c, const struct strv *names,
                                  const char *method, const char *done,
                                  const struct group_fault *faults, size_t count)
{
    for (size_t i = 0; i < names->len; i++) {
        const char *name = names->items[i];
        struct rpc_reply r;
        enum rpc_result result = ctl_call(c, method, ctl_params(name, (char *)NULL), &r);
        if (result == RPC_OK) {
            ctl_print(c, "%s: %s", name, done);
            rpc_reply_free(&r);
            continue;
        }
        size_t row = 0;
        while (row < count && !(result == RPC_FAULT && faults[row].code == r.fault_code))
            row++;
        if (row == count)
            return ctl_raise_reply(c, &r);
        ctl_print(c, faults[row].with_name ? "%s: %s" : "%s", faults[row].text, name);
        if (faults[row].status != 0)
            c->exit_status = faults[row].status;
        rpc_reply_free(&r);
    }
    return CTL_DONE;
}

enum ctl_end ctl_do_add(struct ctl *c, const struct ctl_line *line)
{
    static const struct group_fault faults[] = {
        {FAULT_SHUTDOWN_STATE, CTL_GENERIC, "ERROR: shutting down", false},
        {FAULT_ALREADY_ADDED, 0, "ERROR: process group already active", false},
        {FAULT_BAD_NAME, CTL_GENERIC, "ERROR: no such process/group", true},
    };
    return change_groups(c, &line->words, "addProcessGroup", "added process group",
                         faults, array_len(faults));
}

enum ctl_end ctl_do_remove(struct ctl *c, const struct ctl_line *line)
{
    static const struct group_fault faults[] = {
        {FAULT_STILL_RUNNING, CTL_GENERIC, "ERROR: process/group still running", true},
        {FAULT_BAD_NAME, CTL_GENERIC, "ERROR: no such process/group", true},
    };
    return change_groups(c, &line->words, "removeProcessGroup", "removed process group",
                         faults, array_len(faults));
}

/* --- update ------------------------------------------------------------------------ */

static bool list_has(const struct rpc_value *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (str_eq(text_at(list, i), name))
            return true;
    return false;
}

static bool words_have(const struct strv *words, const char *word, size_t before)
{
    for (size_t i = 0; i < before; i++)
        if (str_eq(words->items[i], word))
            return true;
    return false;
}

/* Complains about each wanted group that is neither in service nor new. */
static enum ctl_end check_wanted(struct ctl *c, const struct strv *wanted,
                                 const struct rpc_value *added)
{
    struct rpc_reply r;
    if (!ctl_call_infos(c, &r))
        return ctl_raise_reply(c, &r);
    for (size_t i = 0; i < wanted->len; i++) {
        const char *name = wanted->items[i];
        bool known = list_has(added, name) || words_have(wanted, name, i);
        for (size_t k = 0; k < r.value->count && !known; k++)
            known = str_eq(rpc_get_str(r.value->items[k], "group", ""), name);
        if (!known)
            ctl_fail(c, CTL_GENERIC, "ERROR: no such group: %s", name);
    }
    rpc_reply_free(&r);
    return CTL_DONE;
}

/* One call about a group that is expected to succeed. */
static enum ctl_end group_call(struct ctl *c, const char *method, const char *name)
{
    struct rpc_reply r;
    if (ctl_call(c, method, ctl_params(name, (char *)NULL), &r) != RPC_OK)
        return ctl_raise_reply(c, &r);
    rpc_reply_free(&r);
    return CTL_DONE;
}

/* Stops a group and says so. *failed: one of its processes could not be stopped. */
static enum ctl_end stop_group(struct ctl *c, const char *name, bool *failed)
{
    struct rpc_reply r;
    *failed = false;
    if (ctl_call(c, "stopProcessGroup", ctl_params(name, (char *)NULL), &r) != RPC_OK ||
        r.value->type != RPC_ARRAY)
        return ctl_raise_reply(c, &r);
    ctl_print(c, "%s: stopped", name);
    for (size_t i = 0; i < r.value->count; i++)
        if (rpc_get_int(r.value->items[i], "status", 0) == FAULT_FAILED)
            *failed = true;
    rpc_reply_free(&r);
    return CTL_DONE;
}

static enum ctl_end drop_group(struct ctl *c, const char *name)
{
    bool failed;
    if (stop_group(c, name, &failed) != CTL_DONE)
        return CTL_RAISED;
    if (failed)
        return ctl_fail(c, CTL_GENERIC, "%s: has problems; not removing", name);
    if (group_call(c, "removeProcessGroup", name) != CTL_DONE)
        return CTL_RAISED;
    ctl_print(c, "%s: removed process group", name);
    return CTL_DONE;
}

static enum ctl_end renew_group(struct ctl *c, const char *name)
{
    bool failed;
    if (stop_group(c, name, &failed) != CTL_DONE ||
        group_call(c, "removeProcessGroup", name) != CTL_DONE ||
        group_call(c, "addProcessGroup", name) != CTL_DONE)
        return CTL_RAISED;
    ctl_print(c, "%s: updated process group", name);
    return CTL_DONE;
}

static enum ctl_end add_group(struct ctl *c, const char *name)
{
    if (group_call(c, "addProcessGroup", name) != CTL_DONE)
        return CTL_RAISED;
    ctl_print(c, "%s: added process group", name);
    return CTL_DONE;
}

static enum ctl_end apply_changes(struct ctl *c, const struct rpc_value *answer,
                                  const struct strv *wanted)
{
    static const struct {
        int list;
        enum ctl_end (*apply)(struct ctl *c, const char *name);
    } steps[] = {{REMOVED, drop_group}, {CHANGED, renew_group}, {ADDED, add_group}};
    for (size_t s = 0; s < array_len(steps); s++) {
        const struct rpc_value *list = changes_of(answer, steps[s].list);
        for (size_t i = 0; list && i < list->count; i++) {
            const char *name = text_at(list, i);
            if (wanted->len > 0 && !words_have(wanted, name, wanted->len))
                continue;
            if (steps[s].apply(c, name) != CTL_DONE)
                return CTL_RAISED;
        }
    }
    return CTL_DONE;
}

enum ctl_end ctl_do_update(struct ctl *c, const struct ctl_line *line)
{
    static const struct strv everything;
    bool all = words_have(&line->words, "all", line->words.len);
    const struct strv *wanted = all ? &everything : &line->words;
    struct rpc_reply r;
    enum rpc_result result = ctl_call(c, "reloadConfig", NULL, &r);
    enum ctl_end end = CTL_DONE;
    if (result == RPC_FAULT && r.fault_code == FAULT_SHUTDOWN_STATE)
        ctl_fail(c, CTL_GENERIC, "ERROR: already shutting down");
    else if (result != RPC_OK || !changes_of(r.value, ADDED) ||
             !changes_of(r.value, CHANGED) || !changes_of(r.value, REMOVED))
        return ctl_raise_reply(c, &r);
    else {
        if (wanted->len > 0)
            end = check_wanted(c, wanted, changes_of(r.value, ADDED));
        if (end == CTL_DONE)
            end = apply_changes(c, r.value, wanted);
    }
    rpc_reply_free(&r);
    return end;
}
