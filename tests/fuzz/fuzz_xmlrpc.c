/* XML-RPC documents. What was read, written again and read again must be written the
 * same; and reading keeps nothing when it fails. */
#include "core/wire/xmlrpc.h"

#include <stdlib.h>
#include <string.h>

static void write_call(struct buf *out, const char *method,
                       const struct rpc_value *params)
{
    struct rpc_writer w;

    buf_init(out, BUF_NO_LIMIT);
    rpc_write_init(&w, out);
    xmlrpc_write_call(&w, method, params);
    if (w.failed)
        abort();
}

static void check_call(const char *data, size_t size)
{
    struct rpc_value *params, *params_again;
    char *method, *method_again;
    struct buf first, second;
    struct err err = {0};

    if (xmlrpc_read_call(data, size, &method, &params, &err) < 0) {
        if (method || params || err.code == ERR_NONE)
            abort();
        return;
    }
    write_call(&first, method, params);
    if (xmlrpc_read_call(buf_data(&first), first.len, &method_again, &params_again,
                         NULL) < 0)
        abort();
    write_call(&second, method_again, params_again);
    if (first.len != second.len ||
        memcmp(buf_data(&first), buf_data(&second), first.len) != 0)
        abort();
    free(method);
    free(method_again);
    rpc_free(params);
    rpc_free(params_again);
    buf_free(&first);
    buf_free(&second);
}

/* What the reader keeps whole it also keeps in part. (The reverse need not hold: text
 * that is not wanted is not looked at.) */
static void check_response_only(const char *data, size_t size)
{
    static const char *const only[] = {"name", "state", "description", NULL};
    struct rpc_value *value;
    struct err err = {0};
    bool is_fault;

    if (xmlrpc_read_response_only(data, size, only, &value, &is_fault, &err) < 0)
        abort();
    rpc_free(value);
}

static void check_response(const char *data, size_t size)
{
    struct rpc_value *value;
    struct err err = {0};
    bool is_fault;

    if (xmlrpc_read_response(data, size, &value, &is_fault, &err) < 0) {
        if (value || err.code == ERR_NONE)
            abort();
        return;
    }
    if (is_fault && value->type != RPC_STRUCT)
        abort();
    rpc_free(value);
    check_response_only(data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size ? size : 1);

    memcpy(copy, data, size);
    check_call(copy, size);
    check_response(copy, size);
    free(copy);
    return 0;
}
