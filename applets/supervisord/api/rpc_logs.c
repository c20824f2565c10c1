/* Reading logs by offset, and clearing the activity log. Source: upstream
 * rpcinterface.py; options.py readFile, tailFile. */
#include "applets/supervisord/api/rpc_methods.h"

#include "applets/supervisord/api/rpc_op.h"
#include "applets/supervisord/api/rpc_table.h"
#include "core/base/log.h"
#include "core/io/logfile.h"
#include <sys/stat.h>

/* The most that one answer quotes from a log. */
#define READ_MAX_BYTES (256u << 20)

/* False: there is nothing at path. A pipe or terminal is there and cannot be read. */
static bool log_exists(const char *path, bool *readable)
{
    struct stat st;
    if (!path || stat(path, &st) < 0)
        return false;
    *readable = S_ISREG(st.st_mode);
    return true;
}

static enum rpc_outcome read_log(struct rpc_ctx *ctx, const char *path, int64_t offset,
                                 int64_t length)
{
    bool readable;
    if (!log_exists(path, &readable))
        return rpc_fault(ctx, FAULT_NO_FILE, path);
    if ((offset < 0 && length != 0) || (offset >= 0 && length < 0))
        return rpc_fault(ctx, FAULT_BAD_ARGUMENTS, NULL);
    struct buf text;
    struct err err = {0};
    buf_init(&text, READ_MAX_BYTES);
    if (!readable || logfile_read(path, offset, length, &text, &err) < 0) {
        buf_free(&text);
        return rpc_fault(ctx, FAULT_FAILED, NULL);
    }
    rpc_write_text(ctx->out, buf_data(&text), text.len);
    buf_free(&text);
    return RPC_DONE;
}

static enum rpc_outcome read_process_log(struct rpc_ctx *ctx,
                                         const struct rpc_value *args,
                                         enum process_channel ch)
{
    struct process *p;
    enum rpc_outcome outcome = rpc_find_process(ctx, rpc_arg_str(args, 0), &p);
    if (outcome != RPC_DONE)
        return outcome;
    return read_log(ctx, process_log_path(p, ch), rpc_arg_int(args, 1),
                    rpc_arg_int(args, 2));
}

static enum rpc_outcome tail_process_log(struct rpc_ctx *ctx,
                                         const struct rpc_value *args,
                                         enum process_channel ch)
{
    struct process *p;
    enum rpc_outcome outcome = rpc_find_process(ctx, rpc_arg_str(args, 0), &p);
    if (outcome != RPC_DONE)
        return outcome;
    const char *path = process_log_path(p, ch);
    int64_t offset = rpc_arg_int(args, 1), size = 0;
    bool readable = false, overflow = false, there = log_exists(path, &readable);
    struct buf text;
    struct err err = {0};
    buf_init(&text, READ_MAX_BYTES);
    if (!there || !readable ||
        logfile_tail(path, offset, rpc_arg_int(args, 2), &text, &size, &overflow, &err) <
            0) {
        buf_truncate(&text, 0);
        size = there ? offset : 0;
        overflow = false;
    }
    rpc_write_array_begin(ctx->out);
    rpc_write_text(ctx->out, buf_data(&text), text.len);
    rpc_write_int(ctx->out, size);
    rpc_write_bool(ctx->out, overflow);
    rpc_write_array_end(ctx->out);
    buf_free(&text);
    return RPC_DONE;
}

static const char *main_log_path(struct rpc_ctx *ctx)
{
    struct logfile *log = super_log(ctx->super);
    return log ? logfile_path(log) : NULL;
}

RPC_METHOD(rpc_read_log)
{
    return read_log(ctx, main_log_path(ctx), rpc_arg_int(args, 0), rpc_arg_int(args, 1));
}

RPC_METHOD(rpc_clear_log)
{
    UNUSED(args);
    bool readable;
    if (!log_exists(main_log_path(ctx), &readable))
        return rpc_fault(ctx, FAULT_NO_FILE, NULL);
    struct err err = {0};
    if (!readable || logfile_clear(super_log(ctx->super), &err) < 0)
        return rpc_fault(ctx, FAULT_FAILED, NULL);
    log_info("reopening log file");
    return rpc_true(ctx);
}

RPC_METHOD(rpc_read_stdout_log)
{
    return read_process_log(ctx, args, PROCESS_STDOUT);
}

RPC_METHOD(rpc_read_stderr_log)
{
    return read_process_log(ctx, args, PROCESS_STDERR);
}

RPC_METHOD(rpc_tail_stdout_log)
{
    return tail_process_log(ctx, args, PROCESS_STDOUT);
}

RPC_METHOD(rpc_tail_stderr_log)
{
    return tail_process_log(ctx, args, PROCESS_STDERR);
}
