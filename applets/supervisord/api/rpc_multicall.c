/* system.multicall: calls in order, each waiting for the one before; results are bare
 * values, faults are structs. Source: upstream xmlrpc.py, multicall. */
#include "applets/supervisord/api/rpc_methods.h"

#include "applets/supervisord/api/rpc_table.h"
#include "core/base/alloc.h"
#include <stdlib.h>
#include <string.h>

/* The results together; a request can ask for the same large answer very often. Past that
 * the remaining calls are not made. */
#define RESULTS_MAX_BYTES (64u << 20)

struct multi {
    struct rpc_later later;
    struct rpc_value *params; /* of the multicall: holds the calls */
    const struct rpc_value *calls;
    size_t next;
    struct rpc_later *current; /* the one that is waited for, or NULL */
    struct buf results;
    struct rpc_writer writer;
};

static void multi_drop(struct rpc_later *l)
{
    struct multi *m = container_of(l, struct multi, later);
    if (m->current)
        m->current->drop(m->current);
    rpc_free(m->params);
    buf_free(&m->results);
    free(m);
}

/* Ends one member of the results, which began at mark. */
static void multi_result(struct multi *m, const struct rpc_ctx *ctx,
                         enum rpc_outcome outcome, size_t mark)
{
    if (outcome == RPC_DONE || m->writer.failed)
        return;
    buf_truncate(&m->results, mark);
    if (outcome == RPC_LATER)
        return;
    rpc_write_struct_begin(&m->writer);
    rpc_write_member_int(&m->writer, "faultCode", ctx->fault);
    rpc_write_member_str(&m->writer, "faultString", buf_str(&ctx->fault_text));
    rpc_write_struct_end(&m->writer);
}

static enum rpc_outcome multi_call(struct rpc_ctx *ctx, const struct rpc_value *call)
{
    static const struct rpc_value none = {.type = RPC_ARRAY};
    const struct rpc_value *name = rpc_get(call, "methodName");
    const struct rpc_value *params = rpc_get(call, "params");
    if (!name || name->type != RPC_STRING)
        return rpc_fault(ctx, FAULT_INCORRECT_PARAMETERS, "No methodName");
    if (strcmp(name->text, "system.multicall") == 0)
        return rpc_fault(ctx, FAULT_INCORRECT_PARAMETERS,
                         "Recursive system.multicall forbidden");
    if (params && params->type != RPC_ARRAY)
        return rpc_fault(ctx, FAULT_INCORRECT_PARAMETERS, NULL);
    return rpc_table_call(ctx, name->text, params ? params : &none);
}

static void multi_next(struct multi *m, struct super *super)
{
    struct rpc_ctx ctx;
    size_t mark = m->results.len;
    rpc_ctx_init(&ctx, super, &m->writer);
    enum rpc_outcome outcome = multi_call(&ctx, m->calls->items[m->next++]);
    multi_result(m, &ctx, outcome, mark);
    m->current = ctx.later;
    ctx.later = NULL;
    rpc_ctx_clear(&ctx);
}

static enum rpc_outcome multi_run(struct multi *m, struct rpc_ctx *ctx)
{
    while (!m->current && !m->writer.failed && m->next < m->calls->count)
        multi_next(m, ctx->super);
    if (m->current)
        return RPC_LATER;
    rpc_write_array_begin(ctx->out);
    if (m->writer.failed ||
        buf_append(ctx->out->out, buf_data(&m->results), m->results.len) < 0)
        ctx->out->failed = true;
    rpc_write_array_end(ctx->out);
    return RPC_DONE;
}

static enum rpc_outcome multi_look(struct rpc_later *l, struct rpc_ctx *ctx,
                                   const struct rpc_news *news)
{
    struct multi *m = container_of(l, struct multi, later);
    struct rpc_ctx one;
    size_t mark = m->results.len;
    rpc_ctx_init(&one, ctx->super, &m->writer);
    enum rpc_outcome outcome = m->current->look(m->current, &one, news);
    multi_result(m, &one, outcome, mark);
    rpc_ctx_clear(&one);
    if (outcome == RPC_LATER)
        return RPC_LATER;
    m->current->drop(m->current);
    m->current = NULL;
    return multi_run(m, ctx);
}

RPC_METHOD(rpc_multicall)
{
    const struct rpc_value *calls = args->items[0];
    for (size_t i = 0; i < calls->count; i++)
        if (calls->items[i]->type != RPC_STRUCT)
            return rpc_fault(ctx, FAULT_INCORRECT_PARAMETERS, NULL);
    struct multi *m = xcalloc(1, sizeof *m);
    m->later = (struct rpc_later){.look = multi_look, .drop = multi_drop};
    m->params = ctx->params;
    ctx->params = NULL;
    m->calls = calls;
    buf_init(&m->results, RESULTS_MAX_BYTES);
    rpc_write_init(&m->writer, &m->results);
    enum rpc_outcome outcome = multi_run(m, ctx);
    if (outcome == RPC_LATER)
        ctx->later = &m->later;
    else
        multi_drop(&m->later);
    return outcome;
}
