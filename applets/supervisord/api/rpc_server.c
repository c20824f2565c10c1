#include "applets/supervisord/api/rpc_server.h"

#include "applets/supervisord/api/rpc_table.h"
#include "applets/supervisord/api/same_origin.h"
#include "core/base/log.h"
#include "core/io/journal.h"
#include <stdlib.h>
#include <string.h>

/* How much of a bad request the log quotes. */
#define QUOTE_BYTES 200

static void refuse(struct http_exchange *x, const char *why)
{
    const struct http_request *rq = http_exchange_request(x);
    int n = rq->body_bytes > QUOTE_BYTES ? QUOTE_BYTES : (int)rq->body_bytes;
    log_error("XML-RPC request data '%.*s' is invalid: %s", n, rq->body ? rq->body : "",
              why);
    http_respond_error(x, 400, why);
}

static void run(struct http_exchange *x, struct rpc_server *s, const char *method,
                struct rpc_value *params)
{
    struct rpc_reply reply;
    rpc_reply_begin(&reply, s->super, x);
    reply.ctx.params = params;
    log_trace("XML-RPC method called: %s()", method);
    enum rpc_outcome outcome = rpc_table_call(&reply.ctx, method, params);
    if (outcome == RPC_FAULT)
        log_trace("XML-RPC method %s() returned fault: [%d] %s", method, reply.ctx.fault,
                  buf_str(&reply.ctx.fault_text));
    else if (outcome == RPC_DONE)
        log_trace("XML-RPC method %s() returned successfully", method);
    struct rpc_later *later = reply.ctx.later;
    reply.ctx.later = NULL;
    if (outcome == RPC_DONE)
        journal_record(); /* what the client is told must outlive us */
    rpc_reply_end(&reply, outcome);
    if (outcome == RPC_LATER)
        rpc_waits_add(s->waits, x, later);
}

void rpc_handle(struct http_exchange *x, void *arg)
{
    struct rpc_server *s = arg;
    const struct http_request *rq = http_exchange_request(x);
    char *method = NULL;
    struct rpc_value *params = NULL;
    struct err err; /* a failed read fills it */
    if (strcmp(rq->method, "POST") != 0) {
        http_respond_error(x, 400, "XML-RPC calls come by POST");
        return;
    }
    if (!origin_allows(x, super_conf(s->super), false))
        return;
    if (xmlrpc_read_call(rq->body, rq->body_bytes, &method, &params, &err) < 0) {
        refuse(x, err.text);
        return;
    }
    if (!method || method[0] == '\0') {
        refuse(x, "no method name");
        rpc_free(params);
    } else {
        run(x, s, method, params);
    }
    free(method);
}
