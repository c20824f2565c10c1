/* The methods as rows: name, function, parameters, help. Nothing else can be reached by a
 * method's name. Source: Supervisor manual, "XML-RPC API"; upstream rpcinterface.py and
 * xmlrpc.py (SystemNamespaceRPCInterface, traverse). */
#ifndef APPLETS_SUPERVISORD_API_RPC_TABLE_H
#define APPLETS_SUPERVISORD_API_RPC_TABLE_H

#include "applets/supervisord/api/rpc_reply.h"

struct rpc_method {
    const char *name; /* "supervisor.getState" */
    /* One letter a parameter, optional ones after '|': s string, c text or bytes, i a
     * whole number (or text that is one), b anything, for its truth, v anything, g a
     * signal, a an array */
    const char *params;
    bool while_stopping; /* answers also after shutdown or restart was asked for */
    /* args: the array, checked against params */
    enum rpc_outcome (*fn)(struct rpc_ctx *ctx, const struct rpc_value *args);
    const char *help; /* with the "@param type name" and "@return type name" lines that
                         system.methodSignature reads */
};

extern const struct rpc_method rpc_methods[]; /* sorted by name */
extern const size_t rpc_method_count;

const struct rpc_method *rpc_method_find(const char *name); /* or NULL */
/* Checks method, number of parameters, mood and types, then calls. params stays the
 * caller's. */
enum rpc_outcome rpc_table_call(struct rpc_ctx *ctx, const char *method,
                                const struct rpc_value *params);

/* --- parameters, in the methods: the types have been checked ----------------------- */

const char *rpc_arg_str(const struct rpc_value *args, size_t i);
int64_t rpc_arg_int(const struct rpc_value *args, size_t i);
bool rpc_arg_true(const struct rpc_value *args, size_t i, bool fallback); /* if missing */

#endif
