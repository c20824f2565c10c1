/* XML-RPC over the client: text out, a tree or a fault back. */
#include "core/http/rpc_client.h"

#include "core/base/alloc.h"
#include "core/wire/xmlrpc.h"
#include <stdlib.h>
#include <string.h>

static void take_fault(struct rpc_reply *reply, struct rpc_value *fault)
{
    reply->result = RPC_FAULT;
    reply->fault_code = (int)rpc_get_int(fault, "faultCode", 0);
    reply->fault_text = xstrdup(rpc_get_str(fault, "faultString", ""));
    rpc_free(fault);
}

static void read_answer(const struct http_answer *answer, const char *const *only,
                        struct rpc_reply *reply)
{
    struct rpc_value *value = NULL;
    bool is_fault = false;

    if (answer->status != 200) {
        reply->result = RPC_HTTP;
        reply->http_status = answer->status;
        memcpy(reply->http_reason, answer->reason, sizeof reply->http_reason);
    } else if (xmlrpc_read_response_only(buf_data(&answer->body), answer->body.len, only,
                                         &value, &is_fault, &reply->err) < 0) {
        err_wrap(&reply->err, "the server's answer is not XML-RPC");
    } else if (is_fault) {
        take_fault(reply, value);
    } else {
        reply->result = RPC_OK;
        reply->value = value;
    }
}

enum rpc_result rpc_call_only(struct http_client *c, const char *method,
                              struct rpc_value *params, const char *const *only,
                              struct rpc_reply *reply)
{
    struct http_answer answer;
    struct rpc_writer w;
    struct buf call;

    *reply = (struct rpc_reply){.result = RPC_NO_ANSWER};
    buf_init(&call, BUF_NO_LIMIT);
    rpc_write_init(&w, &call);
    xmlrpc_write_call(&w, method, params);
    rpc_free(params);
    if (w.failed) {
        err_set(&reply->err, ERR_LIMIT, "the call is too long");
    } else if (http_client_request(c, "POST", "/RPC2", "text/xml", buf_data(&call),
                                   call.len, NULL, NULL, &answer, &reply->err) == 0) {
        read_answer(&answer, only, reply);
        http_answer_free(&answer);
    }
    buf_free(&call);
    return reply->result;
}

enum rpc_result rpc_call(struct http_client *c, const char *method,
                         struct rpc_value *params, struct rpc_reply *reply)
{
    return rpc_call_only(c, method, params, NULL, reply);
}

void rpc_reply_free(struct rpc_reply *reply)
{
    rpc_free(reply->value);
    free(reply->fault_text);
    reply->value = NULL;
    reply->fault_text = NULL;
}
