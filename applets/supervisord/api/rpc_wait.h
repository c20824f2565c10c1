/* Deferred answers: exchanges whose method said "later". They are looked at again at the
 * end of a turn in which a process changed its state, and only then; a client that leaves
 * takes its own along. */
#ifndef APPLETS_SUPERVISORD_API_RPC_WAIT_H
#define APPLETS_SUPERVISORD_API_RPC_WAIT_H

#include "applets/supervisord/api/rpc_reply.h"

struct rpc_waits;

struct rpc_waits *rpc_waits_new(struct super *super); /* super is borrowed */
void rpc_waits_free(
    struct rpc_waits *w); /* its exchanges must have ended; NULL is fine */
/* Takes later; answers x when it is done. */
void rpc_waits_add(struct rpc_waits *w, struct http_exchange *x, struct rpc_later *later);
/* Answers all that wait with the fault FAILED: this image ends. */
void rpc_waits_refuse(struct rpc_waits *w, const char *why);
size_t rpc_waits_count(const struct rpc_waits *w);

#endif
