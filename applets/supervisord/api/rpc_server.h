/* POST /RPC2: reads the call, runs the method, answers now or leaves it to rpc_wait. */
#ifndef APPLETS_SUPERVISORD_API_RPC_SERVER_H
#define APPLETS_SUPERVISORD_API_RPC_SERVER_H

#include "applets/supervisord/api/rpc_wait.h"
#include "core/http/http_exchange.h"

struct rpc_server {
    struct super *super;
    struct rpc_waits *waits;
};

/* A handler of core/http/http_server.h; arg is a struct rpc_server. */
void rpc_handle(struct http_exchange *x, void *arg);

#endif
