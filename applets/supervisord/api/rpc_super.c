/* The daemon itself: who it is, its state, its end, its configuration and groups. */
#include "applets/supervisord/api/rpc_methods.h"

#include "applets/supervisord/api/rpc_table.h"
#include "applets/supervisord/keeper.h"
#include <stdlib.h>
#include <string.h>

#define API_VERSION "3.0"

RPC_METHOD(rpc_get_api_version)
{
    UNUSED(args);
    rpc_write_str(ctx->out, API_VERSION);
    return RPC_DONE;
}

RPC_METHOD(rpc_get_supervisor_version)
{
    UNUSED(args);
    rpc_write_str(ctx->out, SUPERVISOR_VERSION);
    return RPC_DONE;
}

RPC_METHOD(rpc_get_identification)
{
    UNUSED(args);
    rpc_write_str(ctx->out, super_conf(ctx->super)->server.identifier);
    return RPC_DONE;
}

RPC_METHOD(rpc_get_state)
{
    UNUSED(args);
    enum super_mood mood = super_mood(ctx->super);
    rpc_write_struct_begin(ctx->out);
    rpc_write_member_int(ctx->out, "statecode", mood);
    rpc_write_member_str(ctx->out, "statename", super_mood_name(mood));
    rpc_write_struct_end(ctx->out);
    return RPC_DONE;
}

RPC_METHOD(rpc_get_pid)
{
    UNUSED(args);
    rpc_write_int(ctx->out, keeper_main_pid());
    return RPC_DONE;
}

/* The mood changes at once, so that later members of a multicall already see it; the
 * daemon ends only after this answer is sent (api_is_quiet). */
RPC_METHOD(rpc_shutdown)
{
    UNUSED(args);
    super_shutdown(ctx->super);
    return rpc_true(ctx);
}

RPC_METHOD(rpc_restart)
{
    UNUSED(args);
    struct err err = {0};
    if (super_restart(ctx->super, &err) < 0) /* everything stays as it is */
        return rpc_fault(ctx, FAULT_CANT_REREAD, err.text);
    return rpc_true(ctx);
}

/* --- configuration ----------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool names_have(const char *const *names, size_t count, const char *name)
{
    return count > 0 && bsearch(&name, names, count, sizeof *names, compare_names);
}

/* The differences come sorted by name; clients act in the order of this answer, so it is
 * that of the groups: by priority, as upstream's. */
static void write_new_groups(struct rpc_ctx *ctx, const char *const *names, size_t count)
{
    const struct conf *conf = super_conf(ctx->super);
    rpc_write_array_begin(ctx->out);
    for (size_t i = 0; i < conf->group_count; i++)
        if (names_have(names, count, conf->groups[i]->name))
            rpc_write_str(ctx->out, conf->groups[i]->name);
    rpc_write_array_end(ctx->out);
}

static void write_old_groups(struct rpc_ctx *ctx, const char *const *names, size_t count)
{
    rpc_write_array_begin(ctx->out);
    for (size_t i = 0; i < super_group_count(ctx->super); i++) {
        const char *name = group_name(super_group_at(ctx->super, i));
        if (names_have(names, count, name))
            rpc_write_str(ctx->out, name);
    }
    rpc_write_array_end(ctx->out);
}

RPC_METHOD(rpc_reload_config)
{
    UNUSED(args);
    struct conf_diff d = {0};
    struct err err = {0};
    if (super_reread(ctx->super, &d, &err) < 0)
        return rpc_fault(ctx, FAULT_CANT_REREAD, err.text);
    rpc_write_array_begin(ctx->out);
    rpc_write_array_begin(ctx->out);
    write_new_groups(ctx, d.added, d.added_count);
    write_new_groups(ctx, d.changed, d.changed_count);
    write_old_groups(ctx, d.removed, d.removed_count);
    rpc_write_array_end(ctx->out);
    rpc_write_array_end(ctx->out);
    conf_diff_free(&d);
    return RPC_DONE;
}

/* What ERR_LIMIT means depends on the call; other errors (a log that cannot be opened)
 * explain themselves. */
static enum rpc_outcome group_fault(struct rpc_ctx *ctx, const struct err *err,
                                    int limit_fault, const char *name)
{
    switch (err->code) {
    case ERR_MISSING:
        return rpc_fault(ctx, FAULT_BAD_NAME, name);
    case ERR_LIMIT:
        return rpc_fault(ctx, limit_fault, name);
    default:
        return rpc_fault(ctx, FAULT_FAILED, err->text);
    }
}

RPC_METHOD(rpc_add_group)
{
    struct err err = {0};
    const char *name = rpc_arg_str(args, 0);
    if (super_add_group(ctx->super, name, &err) < 0)
        return group_fault(ctx, &err, FAULT_ALREADY_ADDED, name);
    return rpc_true(ctx);
}

RPC_METHOD(rpc_remove_group)
{
    struct err err = {0};
    const char *name = rpc_arg_str(args, 0);
    if (super_remove_group(ctx->super, name, &err) < 0)
        return group_fault(ctx, &err, FAULT_STILL_RUNNING, name);
    return rpc_true(ctx);
}

RPC_METHOD(rpc_send_event)
{
    struct event ev = {
        .type = EVENT_REMOTE_COMMUNICATION,
        .remote_type = rpc_arg_str(args, 0),
        .data = {args->items[1]->text, args->items[1]->len},
    };
    event_emit(&super_engine(ctx->super)->bus, &ev);
    return rpc_true(ctx);
}
