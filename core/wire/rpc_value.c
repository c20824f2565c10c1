/* A tagged tree of XML-RPC values. The one idea: one struct for all types; arrays and
 * structs differ only in having names. */
#include "core/wire/rpc_value.h"

#include "core/base/alloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct rpc_value *make(enum rpc_type type)
{
    struct rpc_value *v = xmalloc(sizeof *v);

    *v = (struct rpc_value){.type = type};
    return v;
}

struct rpc_value *rpc_nil(void)
{
    return make(RPC_NIL);
}

struct rpc_value *rpc_bool(bool b)
{
    struct rpc_value *v = make(RPC_BOOL);

    v->boolean = b;
    return v;
}

struct rpc_value *rpc_int(int64_t number)
{
    struct rpc_value *v = make(RPC_INT);

    v->number = number;
    return v;
}

struct rpc_value *rpc_double(double real)
{
    struct rpc_value *v = make(RPC_DOUBLE);

    v->real = real;
    return v;
}

struct rpc_value *rpc_str(const char *text)
{
    return rpc_bytes(RPC_STRING, text, strlen(text));
}

struct rpc_value *rpc_bytes(enum rpc_type type, const char *text, size_t n)
{
    struct rpc_value *v = xmalloc(sizeof *v + n + 1);

    *v = (struct rpc_value){.type = type, .text = (char *)(v + 1), .len = n};
    if (n > 0)
        memcpy(v->text, text, n);
    v->text[n] = '\0';
    return v;
}

struct rpc_value *rpc_array(void)
{
    return make(RPC_ARRAY);
}

struct rpc_value *rpc_struct(void)
{
    return make(RPC_STRUCT);
}

static void add(struct rpc_value *to, char *name, struct rpc_value *item)
{
    if (to->count == to->cap) {
        to->cap = to->cap ? to->cap * 2 : 8;
        to->items = xreallocarray(to->items, to->cap, sizeof *to->items);
        if (to->type == RPC_STRUCT)
            to->names = xreallocarray(to->names, to->cap, sizeof *to->names);
    }
    if (to->type == RPC_STRUCT)
        to->names[to->count] = name;
    to->items[to->count++] = item;
}

void rpc_push(struct rpc_value *array, struct rpc_value *item)
{
    assert(array->type == RPC_ARRAY);
    add(array, NULL, item);
}

void rpc_set(struct rpc_value *st, const char *name, struct rpc_value *item)
{
    assert(st->type == RPC_STRUCT);
    for (size_t i = 0; i < st->count; i++)
        if (strcmp(st->names[i], name) == 0) {
            rpc_free(st->items[i]);
            st->items[i] = item;
            return;
        }
    add(st, st->names_lent ? (char *)(uintptr_t)name : xstrdup(name), item);
}

const struct rpc_value *rpc_get(const struct rpc_value *st, const char *name)
{
    if (!st || st->type != RPC_STRUCT)
        return NULL;
    for (size_t i = 0; i < st->count; i++)
        if (strcmp(st->names[i], name) == 0)
            return st->items[i];
    return NULL;
}

const char *rpc_get_str(const struct rpc_value *st, const char *name,
                        const char *fallback)
{
    const struct rpc_value *v = rpc_get(st, name);

    return v && v->type == RPC_STRING ? v->text : fallback;
}

int64_t rpc_get_int(const struct rpc_value *st, const char *name, int64_t fallback)
{
    const struct rpc_value *v = rpc_get(st, name);

    return v && v->type == RPC_INT ? v->number : fallback;
}

void rpc_free(struct rpc_value *v)
{
    if (!v)
        return;
    for (size_t i = 0; i < v->count; i++) {
        rpc_free(v->items[i]);
        if (v->names && !v->names_lent)
            free(v->names[i]);
    }
    free(v->items);
    free(v->names);
    free(v);
}
