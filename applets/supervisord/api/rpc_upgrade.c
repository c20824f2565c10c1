/* supervisor.upgrade and supervisor.getBuild: another binary for the same supervisord. */
#include "applets/supervisord/api/rpc_methods.h"

#include "applets/applet.h"
#include "applets/supervisord/api/rpc_table.h"
#include "applets/supervisord/upgrade.h"
#include "core/base/alloc.h"
#include "core/base/build.h"
#include <errno.h>
#include <stdlib.h>

/* next: of an upgrade, or NULL. */
static void write_build(struct rpc_ctx *ctx, const char *next)
{
    rpc_write_struct_begin(ctx->out);
    rpc_write_member_str(ctx->out, "version", SUPERVISOR_OWN_VERSION);
    rpc_write_member_str(ctx->out, "build", build_id());
    rpc_write_member_int(ctx->out, "image", (int)super_engine(ctx->super)->image);
    if (next)
        rpc_write_member_str(ctx->out, "next", next);
    rpc_write_struct_end(ctx->out);
}

RPC_METHOD(rpc_get_build)
{
    UNUSED(args);
    write_build(ctx, NULL);
    return RPC_DONE;
}

struct waiting {
    struct rpc_later later;
    struct upgrade *upgrade;
};

static void on_verdict(void *arg)
{
    rpc_later_wake(&((struct waiting *)arg)->later);
}

static enum rpc_outcome look(struct rpc_later *l, struct rpc_ctx *ctx,
                             const struct rpc_news *news)
{
    struct waiting *w = container_of(l, struct waiting, later);
    UNUSED(news);
    switch (upgrade_state(w->upgrade)) {
    case UPGRADE_TRIAL:
        return RPC_LATER;
    case UPGRADE_ACCEPTED:
        write_build(
            ctx,
            upgrade_reason(
                w->upgrade)); /* the one that was: it is executed when this is sent */
        upgrade_go(w->upgrade);
        return RPC_DONE;
    case UPGRADE_REFUSED:
    case UPGRADE_NONE:
    case UPGRADE_DUE:
        break;
    }
    return rpc_fault(ctx, FAULT_FAILED, upgrade_reason(w->upgrade));
}

/* Nobody waits for it any more: then it is not to happen behind their back. */
static void drop(struct rpc_later *l)
{
    struct waiting *w = container_of(l, struct waiting, later);
    upgrade_on_verdict(w->upgrade, NULL, NULL);
    if (upgrade_state(w->upgrade) != UPGRADE_DUE)
        upgrade_cancel(w->upgrade);
    free(w);
}

RPC_METHOD(rpc_upgrade)
{
    struct upgrade *u = super_engine(ctx->super)->upgrade;
    struct err err = {0};
    const char *path = args->count > 0 ? rpc_arg_str(args, 0) : "";
    if (!u)
        return rpc_fault(ctx, FAULT_FAILED, "there is no record to hand over");
    if (upgrade_begin(u, path[0] ? path : NULL, &err) < 0)
        return rpc_fault(ctx, err.sys == ENOENT ? FAULT_NO_FILE : FAULT_FAILED, err.text);
    struct waiting *w = xcalloc(1, sizeof *w);
    w->later.look = look;
    w->later.drop = drop;
    w->upgrade = u;
    upgrade_on_verdict(u, on_verdict, w);
    ctx->later = &w->later;
    return RPC_LATER;
}
