/* XML-RPC calls over the HTTP client. */
#ifndef CORE_HTTP_RPC_CLIENT_H
#define CORE_HTTP_RPC_CLIENT_H

#include "core/http/http_client.h"
#include "core/wire/rpc_value.h"

enum rpc_result {
    RPC_OK,
    RPC_FAULT,    /* fault_code and fault_text are set */
    RPC_HTTP,     /* the server answered with another status: http_status is set */
    RPC_NO_ANSWER /* err tells why */
};

struct rpc_reply {
    enum rpc_result result;
    struct rpc_value *value; /* RPC_OK */
    int fault_code;
    char *fault_text;
    int http_status;
    char http_reason[64];
    struct err err;
};

/* Calls method with params (an RPC_ARRAY, freed here; NULL for none). Returns
 * reply->result. reply is freed by rpc_reply_free. */
enum rpc_result rpc_call(struct http_client *c, const char *method,
                         struct rpc_value *params, struct rpc_reply *reply);
/* The same; structs in the answer keep only the members named in `only` (ends in a NULL).
 */
enum rpc_result rpc_call_only(struct http_client *c, const char *method,
                              struct rpc_value *params, const char *const *only,
                              struct rpc_reply *reply);
void rpc_reply_free(struct rpc_reply *reply);

#endif
