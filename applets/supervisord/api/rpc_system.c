/* system.listMethods, methodHelp and methodSignature: the table, shown to clients. */
#include "applets/supervisord/api/rpc_methods.h"

#include "applets/supervisord/api/rpc_table.h"
#include "core/base/str.h"

RPC_METHOD(rpc_list_methods)
{
    UNUSED(args);
    rpc_write_array_begin(ctx->out);
    for (size_t i = 0; i < rpc_method_count; i++)
        rpc_write_str(ctx->out, rpc_methods[i].name);
    rpc_write_array_end(ctx->out);
    return RPC_DONE;
}

RPC_METHOD(rpc_method_help)
{
    const struct rpc_method *m = rpc_method_find(rpc_arg_str(args, 0));
    if (!m)
        return rpc_fault(ctx, FAULT_SIGNATURE_UNSUPPORTED, NULL);
    rpc_write_str(ctx->out, m->help);
    return RPC_DONE;
}

/* The type in a line "@param type name" or "@return type name"; tag includes the '@'. */
static bool tag_type(struct span line, const char *tag, struct span *type)
{
    struct span rest = span_trim(line), word;
    if (!span_split(&rest, ' ', &word) || !span_eq(word, tag))
        return false;
    return span_split(&rest, ' ', type);
}

/* The types of all lines of the help with that tag; returns how many there are. */
static size_t write_types(struct rpc_ctx *ctx, const char *help, const char *tag)
{
    struct span rest = span_of(help), line, type;
    size_t count = 0;
    while (span_split(&rest, '\n', &line)) {
        if (!tag_type(line, tag, &type))
            continue;
        rpc_write_text(ctx->out, type.ptr, type.len);
        count++;
    }
    return count;
}

RPC_METHOD(rpc_method_signature)
{
    const struct rpc_method *m = rpc_method_find(rpc_arg_str(args, 0));
    if (!m)
        return rpc_fault(ctx, FAULT_SIGNATURE_UNSUPPORTED, NULL);
    rpc_write_array_begin(ctx->out);
    if (write_types(ctx, m->help, "@return") == 0)
        return rpc_fault(ctx, FAULT_SIGNATURE_UNSUPPORTED, NULL);
    write_types(ctx, m->help, "@param");
    rpc_write_array_end(ctx->out);
    return RPC_DONE;
}
