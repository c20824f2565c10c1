/* An operation on processes, for one of them, a group, or all: the table row of what is
 * done, and the one walk that does it. Waiting ones become a struct rpc_later. */
#ifndef APPLETS_SUPERVISORD_API_RPC_OP_H
#define APPLETS_SUPERVISORD_API_RPC_OP_H

#include "applets/supervisord/api/rpc_reply.h"
#include "applets/supervisord/group.h"
#include "applets/supervisord/process.h"

struct rpc_op_args {
    bool wait;                      /* until it is started or stopped */
    const struct rpc_value *signal; /* name or number */
    int64_t signal_number;          /* if signal is no text */
};

struct rpc_op {
    /* Group and all pass over those it does not apply to. */
    bool (*applies)(const struct process *p);
    /* name: as faults quote it. RPC_DONE and RPC_LATER write nothing here. */
    enum rpc_outcome (*begin)(struct rpc_ctx *ctx, struct process *p, const char *name,
                              const struct rpc_op_args *args);
    /* After RPC_LATER: is it there now? p NULL: it was removed. NULL if never later. */
    enum rpc_outcome (*look)(struct rpc_ctx *ctx, struct process *p, const char *name);
    /* Is done to those that are passed over; NULL: nothing. */
    void (*pass_over)(struct process *p);
};

/* Resolves "name", "group:name" and, with *p NULL, "group:*" and "group:". RPC_DONE, or
 * the fault BAD_NAME. */
enum rpc_outcome rpc_find(struct rpc_ctx *ctx, const char *name, struct group **g,
                          struct process **p);
/* The same, where a whole group is BAD_NAME too. */
enum rpc_outcome rpc_find_process(struct rpc_ctx *ctx, const char *name,
                                  struct process **p);

/* By name: the value is True, or for a whole group what rpc_op_group gives. */
enum rpc_outcome rpc_op_named(struct rpc_ctx *ctx, const struct rpc_op *op,
                              const char *name, const struct rpc_op_args *args);
/* The value is an array of {name, group, status, description}, in the order in which they
 * were done. Group by group in order of priority. */
enum rpc_outcome rpc_op_group(struct rpc_ctx *ctx, const struct rpc_op *op,
                              const char *name, const struct rpc_op_args *args);
enum rpc_outcome rpc_op_all(struct rpc_ctx *ctx, const struct rpc_op *op,
                            const struct rpc_op_args *args);

#endif
