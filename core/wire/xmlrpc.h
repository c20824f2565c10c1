/* XML-RPC documents: reading into rpc_value, writing straight into a buffer.
 * Source: xmlrpc.com's specification, and what Python's xmlrpc.client sends and accepts.
 */
#ifndef CORE_WIRE_XMLRPC_H
#define CORE_WIRE_XMLRPC_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/wire/rpc_value.h"

/* --- reading ----------------------------------------------------------------------- */

/* A methodCall. *method and *params (an RPC_ARRAY; <params> may be missing) are yours.
 * 0, or -1 with err. */
int xmlrpc_read_call(const char *data, size_t n, char **method, struct rpc_value **params,
                     struct err *err);
/* A methodResponse: *value is the result; or, with *is_fault, *value is the fault's
 * struct {faultCode, faultString}. 0, or -1 with err. */
int xmlrpc_read_response(const char *data, size_t n, struct rpc_value **value,
                         bool *is_fault, struct err *err);
/* The same, but structs in the result keep only the members named in `only` (ends in a
 * NULL; NULL: all): of a long list of structs a client needs few. The result refers to
 * these names, which must outlive it. */
int xmlrpc_read_response_only(const char *data, size_t n, const char *const *only,
                              struct rpc_value **value, bool *is_fault, struct err *err);

/* --- writing: one value at a time, no tree ----------------------------------------- */

/* Appends to out; after a failed append everything is ignored and failed stays true, so
 * that only the end needs a check. Values nest by begin/end. */
struct rpc_writer {
    struct buf *out;
    bool failed;
};

void rpc_write_init(struct rpc_writer *w, struct buf *out);
void rpc_write_nil(struct rpc_writer *w);
void rpc_write_bool(struct rpc_writer *w, bool v);
void rpc_write_int(struct rpc_writer *w, int64_t v); /* <int>, also beyond 32 bits */
void rpc_write_double(struct rpc_writer *w, double v);
void rpc_write_str(struct rpc_writer *w, const char *text); /* NULL writes "" */
void rpc_write_text(struct rpc_writer *w, const char *text, size_t n); /* any bytes */
void rpc_write_base64(struct rpc_writer *w, const void *data, size_t n);
void rpc_write_array_begin(struct rpc_writer *w);
void rpc_write_array_end(struct rpc_writer *w);
void rpc_write_struct_begin(struct rpc_writer *w);
void rpc_write_struct_end(struct rpc_writer *w);
/* <member><name>..</name>: the name is plain ASCII without markup. Exactly one value and
 * rpc_write_member_end follow. */
void rpc_write_name(struct rpc_writer *w, const char *name);
void rpc_write_member_end(struct rpc_writer *w);
/* Name, value and end in one, for the simple types. */
void rpc_write_member_str(struct rpc_writer *w, const char *name, const char *text);
void rpc_write_member_int(struct rpc_writer *w, const char *name, int64_t v);
void rpc_write_member_bool(struct rpc_writer *w, const char *name, bool v);
void rpc_write_value(struct rpc_writer *w, const struct rpc_value *v); /* a whole tree */

/* Documents around them. A response holds exactly one value between begin and end. */
void xmlrpc_write_response_begin(struct rpc_writer *w);
void xmlrpc_write_response_end(struct rpc_writer *w);
void xmlrpc_write_fault(struct rpc_writer *w, int code, const char *text);
/* A call with params (an RPC_ARRAY, or NULL for none). */
void xmlrpc_write_call(struct rpc_writer *w, const char *method,
                       const struct rpc_value *params);

#endif
