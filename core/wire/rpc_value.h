/* A tagged tree of XML-RPC values, for what is read: requests, and answers in the client.
 * The array or struct owns its members; rpc_free frees all. (What the server answers is
 * written straight by the writer in xmlrpc.h, without a tree.) */
#ifndef CORE_WIRE_RPC_VALUE_H
#define CORE_WIRE_RPC_VALUE_H

#include "core/base/util.h"

enum rpc_type {
    RPC_NIL,
    RPC_BOOL,
    RPC_INT,
    RPC_DOUBLE,
    RPC_STRING,
    RPC_BASE64,   /* decoded bytes */
    RPC_DATETIME, /* text as it came */
    RPC_ARRAY,
    RPC_STRUCT
};

struct rpc_value {
    enum rpc_type type;
    bool boolean;
    bool names_lent; /* STRUCT: its names outlive it, and are not copied */
    int64_t number;
    double real;
    char *text;               /* STRING, BASE64, DATETIME: NUL added, may hold NULs; lies
                                 behind the value, in one piece with it */
    size_t len;               /* of text */
    struct rpc_value **items; /* ARRAY and STRUCT */
    char **names;             /* STRUCT: parallel to items */
    size_t count, cap;
};

struct rpc_value *rpc_nil(void);
struct rpc_value *rpc_bool(bool v);
struct rpc_value *rpc_int(int64_t v);
struct rpc_value *rpc_double(double v);
struct rpc_value *rpc_str(const char *text);
struct rpc_value *rpc_bytes(enum rpc_type type, const char *text, size_t n);
struct rpc_value *rpc_array(void);
struct rpc_value *rpc_struct(void);
void rpc_push(struct rpc_value *array, struct rpc_value *item); /* takes item */
void rpc_set(struct rpc_value *st, const char *name, struct rpc_value *item); /* likewise;
                                                        a second of that name replaces */
/* The member, or NULL (also when st is no struct). Borrowed. */
const struct rpc_value *rpc_get(const struct rpc_value *st, const char *name);
/* Convenience for clients: fallback when missing or of another type. */
const char *rpc_get_str(const struct rpc_value *st, const char *name,
                        const char *fallback);
int64_t rpc_get_int(const struct rpc_value *st, const char *name, int64_t fallback);
void rpc_free(struct rpc_value *v); /* NULL is fine */

#endif
