/* A whole XML-RPC struct from a C struct, by a table of its fields: for answers that hold
 * thousands of them. Same bytes as the writer of xmlrpc.h member by member, but space is
 * asked for once a struct and everything constant is copied in one piece. */
#ifndef CORE_WIRE_RPC_FIELDS_H
#define CORE_WIRE_RPC_FIELDS_H

#include "core/wire/xmlrpc.h"

#define RPC_FIELDS_MAX 32

#define RPC_HEAD_ROOM 64

struct rpc_field {
    char head[RPC_HEAD_ROOM]; /* up to the value; copied with what is behind it, since a
                                 copy whose size is known is four moves */
    unsigned head_bytes;
    enum rpc_type type; /* RPC_STRING: a const char *, not NULL; RPC_INT: an int64_t */
    size_t where;
};

#define RPC_FIELD_HEAD(name, tag) "<member>\n<name>" name "</name>\n<value><" tag ">"
#define RPC_FIELD(name, tag, kind, type, member)                                         \
    {                                                                                    \
        RPC_FIELD_HEAD(name, tag), sizeof RPC_FIELD_HEAD(name, tag) - 1, kind,           \
            offsetof(type, member)                                                       \
    }
/* name is a literal: plain ASCII without markup, at most 26 bytes. */
#define RPC_FIELD_STR(name, type, member)                                                \
    RPC_FIELD(name, "string", RPC_STRING, type, member)
#define RPC_FIELD_INT(name, type, member) RPC_FIELD(name, "int", RPC_INT, type, member)

void rpc_write_fields(struct rpc_writer *w, const struct rpc_field *fields, size_t count,
                      const void *base);

#endif
