/* Acting on processes: start, stop, signal, clear logs, standard input. Order of checks
 * and texts of faults: upstream rpcinterface.py. */
#include "applets/supervisord/api/rpc_methods.h"

#include "applets/supervisord/api/rpc_op.h"
#include "applets/supervisord/api/rpc_table.h"
#include "core/base/alloc.h"
#include "core/base/signame.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* --- start ------------------------------------------------------------------------ */

static bool is_not_running(const struct process *p)
{
    return !proc_state_is_running(process_state(p));
}

static enum rpc_outcome start_look(struct rpc_ctx *ctx, struct process *p,
                                   const char *name)
{
    if (!p)
        return rpc_fault(ctx, FAULT_ABNORMAL_TERMINATION, name);
    if (process_spawn_error(p))
        return rpc_fault(ctx, FAULT_SPAWN_ERROR, name);
    switch (process_state(p)) {
    case PROC_RUNNING:
        return RPC_DONE;
    case PROC_STARTING:
        return RPC_LATER;
    case PROC_STOPPED:
    case PROC_BACKOFF:
    case PROC_STOPPING:
    case PROC_EXITED:
    case PROC_FATAL:
    case PROC_UNKNOWN:
        break;
    }
    return rpc_fault(ctx, FAULT_ABNORMAL_TERMINATION, name);
}

static enum rpc_outcome start_begin(struct rpc_ctx *ctx, struct process *p,
                                    const char *name, const struct rpc_op_args *args)
{
    struct err err = {0};
    if (process_check_command(p, &err) < 0)
        return rpc_fault(ctx,
                         err.code == ERR_MISSING ? FAULT_NO_FILE : FAULT_NOT_EXECUTABLE,
                         err.text);
    if (proc_state_is_running(process_state(p)))
        return rpc_fault(ctx, FAULT_ALREADY_STARTED, name);
    if (process_state(p) == PROC_UNKNOWN) {
        char *text = xasprintf("%s is in an unknown process state", name);
        enum rpc_outcome outcome = rpc_fault(ctx, FAULT_FAILED, text);
        free(text);
        return outcome;
    }
    process_start(p);
    if (process_spawn_error(p))
        return rpc_fault(ctx, FAULT_SPAWN_ERROR, name);
    return args->wait ? start_look(ctx, p, name) : RPC_DONE;
}

static const struct rpc_op op_start = {is_not_running, start_begin, start_look, NULL};

RPC_METHOD(rpc_start_process)
{
    struct rpc_op_args op = {.wait = rpc_arg_true(args, 1, true)};
    return rpc_op_named(ctx, &op_start, rpc_arg_str(args, 0), &op);
}

RPC_METHOD(rpc_start_group)
{
    struct rpc_op_args op = {.wait = rpc_arg_true(args, 1, true)};
    return rpc_op_group(ctx, &op_start, rpc_arg_str(args, 0), &op);
}

RPC_METHOD(rpc_start_all)
{
    struct rpc_op_args op = {.wait = rpc_arg_true(args, 0, true)};
    return rpc_op_all(ctx, &op_start, &op);
}

/* --- stop ------------------------------------------------------------------------- */

static bool is_running(const struct process *p)
{
    return proc_state_is_running(process_state(p));
}

static enum rpc_outcome stop_look(struct rpc_ctx *ctx, struct process *p,
                                  const char *name)
{
    UNUSED(ctx);
    UNUSED(name);
    if (!p || proc_state_is_stopped(process_state(p)))
        return RPC_DONE;
    process_stop_report(p);
    return RPC_LATER;
}

static enum rpc_outcome stop_begin(struct rpc_ctx *ctx, struct process *p,
                                   const char *name, const struct rpc_op_args *args)
{
    bool runs = is_running(p);
    process_stop(
        p); /* one that waits for its restart waits no more: somebody said stop */
    if (!runs)
        return rpc_fault(ctx, FAULT_NOT_RUNNING, name);
    return args->wait ? stop_look(ctx, p, name) : RPC_DONE;
}

static const struct rpc_op op_stop = {is_running, stop_begin, stop_look, process_stop};

RPC_METHOD(rpc_stop_process)
{
    struct rpc_op_args op = {.wait = rpc_arg_true(args, 1, true)};
    return rpc_op_named(ctx, &op_stop, rpc_arg_str(args, 0), &op);
}

RPC_METHOD(rpc_stop_group)
{
    struct rpc_op_args op = {.wait = rpc_arg_true(args, 1, true)};
    return rpc_op_group(ctx, &op_stop, rpc_arg_str(args, 0), &op);
}

RPC_METHOD(rpc_stop_all)
{
    struct rpc_op_args op = {.wait = rpc_arg_true(args, 0, true)};
    return rpc_op_all(ctx, &op_stop, &op);
}

/* --- signal ----------------------------------------------------------------------- */

static bool is_signallable(const struct process *p)
{
    return proc_state_is_signallable(process_state(p));
}

static int signal_of(const struct rpc_op_args *args)
{
    if (args->signal->type == RPC_STRING)
        return signame_parse(args->signal->text);
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)args->signal_number);
    return signame_parse(digits);
}

static enum rpc_outcome signal_begin(struct rpc_ctx *ctx, struct process *p,
                                     const char *name, const struct rpc_op_args *args)
{
    int number = signal_of(args);
    if (number < 0)
        return rpc_fault_value(ctx, FAULT_BAD_SIGNAL, args->signal);
    if (!is_signallable(p))
        return rpc_fault(ctx, FAULT_NOT_RUNNING, name);
    struct err err = {0};
    if (process_signal(p, number, &err) < 0)
        return rpc_fault(ctx, FAULT_FAILED, err.text);
    return RPC_DONE;
}

static const struct rpc_op op_signal = {is_signallable, signal_begin, NULL, NULL};

RPC_METHOD(rpc_signal_process)
{
    struct rpc_op_args op = {.signal = args->items[1],
                             .signal_number = rpc_arg_int(args, 1)};
    return rpc_op_named(ctx, &op_signal, rpc_arg_str(args, 0), &op);
}

RPC_METHOD(rpc_signal_group)
{
    struct rpc_op_args op = {.signal = args->items[1],
                             .signal_number = rpc_arg_int(args, 1)};
    return rpc_op_group(ctx, &op_signal, rpc_arg_str(args, 0), &op);
}

RPC_METHOD(rpc_signal_all)
{
    struct rpc_op_args op = {.signal = args->items[0],
                             .signal_number = rpc_arg_int(args, 0)};
    return rpc_op_all(ctx, &op_signal, &op);
}

/* --- logs and standard input ------------------------------------------------------ */

static bool is_any(const struct process *p)
{
    UNUSED(p);
    return true;
}

static enum rpc_outcome clear_begin(struct rpc_ctx *ctx, struct process *p,
                                    const char *name, const struct rpc_op_args *args)
{
    UNUSED(args);
    struct err err = {0};
    if (process_clear_logs(p, &err) < 0)
        return rpc_fault(ctx, FAULT_FAILED, name);
    return RPC_DONE;
}

static const struct rpc_op op_clear = {is_any, clear_begin, NULL, NULL};

RPC_METHOD(rpc_clear_process_logs)
{
    struct process *p;
    const char *name = rpc_arg_str(args, 0);
    enum rpc_outcome outcome = rpc_find_process(ctx, name, &p);
    if (outcome != RPC_DONE)
        return outcome;
    outcome = clear_begin(ctx, p, name, NULL);
    return outcome == RPC_DONE ? rpc_true(ctx) : outcome;
}

RPC_METHOD(rpc_clear_all_process_logs)
{
    UNUSED(args);
    return rpc_op_all(ctx, &op_clear, &(struct rpc_op_args){0});
}

RPC_METHOD(rpc_send_stdin)
{
    const char *name = rpc_arg_str(args, 0);
    const struct rpc_value *chars = args->items[1];
    if (chars->type != RPC_STRING && chars->type != RPC_BASE64)
        return rpc_fault_value(ctx, FAULT_INCORRECT_PARAMETERS, chars);
    struct process *p;
    enum rpc_outcome outcome = rpc_find_process(ctx, name, &p);
    if (outcome != RPC_DONE)
        return outcome;
    if (process_pid(p) == 0 || process_state(p) == PROC_STOPPING)
        return rpc_fault(ctx, FAULT_NOT_RUNNING, name);
    if (process_write_stdin(p, chars->text, chars->len) < 0)
        return rpc_fault(ctx, errno == EPIPE ? FAULT_NO_FILE : FAULT_FAILED, name);
    return rpc_true(ctx);
}
