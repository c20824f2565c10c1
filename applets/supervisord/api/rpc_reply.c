#include "applets/supervisord/api/rpc_reply.h"

#include "core/base/log.h"
#include <string.h>

void rpc_ctx_init(struct rpc_ctx *ctx, struct super *super, struct rpc_writer *out)
{
    *ctx = (struct rpc_ctx){.super = super, .out = out};
    buf_init(&ctx->fault_text, BUF_NO_LIMIT); /* bounded by the request it quotes */
}

void rpc_ctx_clear(struct rpc_ctx *ctx)
{
    buf_free(&ctx->fault_text);
    rpc_free(ctx->params);
    if (ctx->later)
        ctx->later->drop(ctx->later);
    ctx->params = NULL;
    ctx->later = NULL;
}

static enum rpc_outcome fault_bytes(struct rpc_ctx *ctx, int code, const char *extra,
                                    size_t n)
{
    ctx->fault = code;
    buf_truncate(&ctx->fault_text, 0);
    if (buf_puts(&ctx->fault_text, fault_name(code)) == 0 && extra &&
        buf_puts(&ctx->fault_text, ": ") == 0)
        buf_append(&ctx->fault_text, extra, n); /* without memory: the name alone */
    return RPC_FAULT;
}

enum rpc_outcome rpc_fault(struct rpc_ctx *ctx, int code, const char *extra)
{
    return fault_bytes(ctx, code, extra, extra ? strlen(extra) : 0);
}

enum rpc_outcome rpc_fault_value(struct rpc_ctx *ctx, int code,
                                 const struct rpc_value *extra)
{
    enum rpc_outcome outcome = fault_bytes(ctx, code, "", 0);
    switch (extra->type) {
    case RPC_STRING:
    case RPC_BASE64:
    case RPC_DATETIME:
        return fault_bytes(ctx, code, extra->text, extra->len);
    case RPC_INT:
        buf_put_int(&ctx->fault_text, extra->number);
        return outcome;
    case RPC_BOOL:
        return fault_bytes(ctx, code, extra->boolean ? "True" : "False",
                           extra->boolean ? 4 : 5);
    case RPC_NIL:
    case RPC_DOUBLE:
    case RPC_ARRAY:
    case RPC_STRUCT:
        break;
    }
    return fault_bytes(ctx, code, NULL, 0);
}

enum rpc_outcome rpc_true(struct rpc_ctx *ctx)
{
    rpc_write_bool(ctx->out, true);
    return RPC_DONE;
}

void rpc_reply_begin(struct rpc_reply *r, struct super *super, struct http_exchange *x)
{
    r->x = x;
    rpc_write_init(&r->w, http_exchange_body(x));
    rpc_ctx_init(&r->ctx, super, &r->w);
    xmlrpc_write_response_begin(&r->w);
}

void rpc_reply_end(struct rpc_reply *r, enum rpc_outcome outcome)
{
    struct buf *body = r->w.out;
    switch (outcome) {
    case RPC_DONE:
        xmlrpc_write_response_end(&r->w);
        break;
    case RPC_FAULT:
        buf_truncate(body, 0);
        rpc_write_init(&r->w, body);
        xmlrpc_write_fault(&r->w, r->ctx.fault, buf_str(&r->ctx.fault_text));
        break;
    case RPC_LATER:
        buf_truncate(body, 0);
        rpc_ctx_clear(&r->ctx);
        return;
    }
    rpc_ctx_clear(&r->ctx);
    if (r->w.failed) {
        log_error("XML-RPC answer is larger than the memory allows");
        http_respond_error(r->x, 500, "The answer is too large");
        return;
    }
    http_respond(r->x, 200, "text/xml");
}
