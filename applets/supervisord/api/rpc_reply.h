/* How a method answers: a value written straight into the answer, a fault, or "later".
 * A method decides about faults before it writes; what it wrote before a fault is cut off
 * by its caller. */
#ifndef APPLETS_SUPERVISORD_API_RPC_REPLY_H
#define APPLETS_SUPERVISORD_API_RPC_REPLY_H

#include "applets/supervisord/super.h"
#include "core/base/buf.h"
#include "core/http/http_exchange.h"
#include "core/wire/faults.h"
#include "core/wire/xmlrpc.h"

enum rpc_outcome {
    RPC_DONE,  /* exactly one value was written */
    RPC_FAULT, /* ctx->fault and ctx->fault_text tell */
    RPC_LATER  /* ctx->later goes on */
};

struct rpc_later;

struct rpc_ctx {
    struct super *super;
    struct rpc_writer *out;   /* where the value goes */
    struct rpc_value *params; /* the array the method was called with; a method that needs
                                 it for longer takes it and leaves NULL */
    int fault;
    struct buf fault_text;
    struct rpc_later *later;
};

/* Processes that changed state since the last look. */
struct rpc_news {
    bool all; /* look at everything, whatever the list says */
    const uint64_t *ids;
    size_t count;
};

/* An answer that waits for processes. It keeps their ids, never pointers: a process may
 * be removed meanwhile. */
struct rpc_later {
    /* Looks again. RPC_LATER: goes on waiting; else the caller drops it. */
    enum rpc_outcome (*look)(struct rpc_later *l, struct rpc_ctx *ctx,
                             const struct rpc_news *news);
    void (*drop)(struct rpc_later *l); /* frees it */
    struct rpc_wait *wait; /* set when it is waited for; NULL inside a multicall */
};

/* Something other than a process's state has changed: look at it again this turn (inside
 * a multicall: within two seconds). */
void rpc_later_wake(struct rpc_later *l);

void rpc_ctx_init(struct rpc_ctx *ctx, struct super *super, struct rpc_writer *out);
void rpc_ctx_clear(struct rpc_ctx *ctx); /* frees what it holds, params and later too */

/* Notes "NAME" or "NAME: extra" (extra NULL: none) and returns RPC_FAULT. */
enum rpc_outcome rpc_fault(struct rpc_ctx *ctx, int code, const char *extra);
enum rpc_outcome rpc_fault_value(struct rpc_ctx *ctx, int code,
                                 const struct rpc_value *extra);
enum rpc_outcome rpc_true(struct rpc_ctx *ctx); /* the value True */

/* --- a whole answer ---------------------------------------------------------------- */

struct rpc_reply {
    struct http_exchange *x;
    struct rpc_writer w;
    struct rpc_ctx ctx;
};

/* Begins the response document in the exchange's body; the value is written by ctx. */
void rpc_reply_begin(struct rpc_reply *r, struct super *super, struct http_exchange *x);
/* RPC_DONE and RPC_FAULT: sends the answer, which ends the exchange. RPC_LATER: empties
 * the body again; ctx.later must have been taken. Frees what r holds. */
void rpc_reply_end(struct rpc_reply *r, enum rpc_outcome outcome);

#endif
