#include "core/wire/rpc_fields.h"

#include "core/wire/xml.h"
#include <assert.h>
#include <string.h>

#define STRUCT_OPEN  "<value><struct>\n"
#define STRUCT_CLOSE "</struct></value>\n"
#define STR_CLOSE    "</string></value>\n</member>\n"
#define INT_CLOSE    "</int></value>\n</member>\n"

enum {
    INT_BYTES = 20, /* -9223372036854775808 */
    FIELD_BYTES = INT_BYTES + sizeof STR_CLOSE
};

static const char *text_at(const struct rpc_field *f, const void *base)
{
    const char *text;
    memcpy(&text, (const char *)base + f->where, sizeof text);
    return text;
}

/* Room for the whole struct, its texts as they are; notes their lengths. */
static size_t size_of(const struct rpc_field *fields, size_t count, const void *base,
                      size_t *lengths)
{
    size_t n = sizeof STRUCT_OPEN + sizeof STRUCT_CLOSE;
    for (size_t i = 0; i < count; i++) {
        lengths[i] = fields[i].type == RPC_STRING ? strlen(text_at(&fields[i], base)) : 0;
        n += fields[i].head_bytes + FIELD_BYTES + lengths[i];
    }
    return n;
}

static char *put(char *at, const char *text, size_t n)
{
    memcpy(at, text, n);
    return at + n;
}

static char *put_int(char *at, int64_t v)
{
    char digits[INT_BYTES];
    size_t i = sizeof digits;
    uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do
        digits[--i] = (char)('0' + rest % 10);
    while (rest /= 10);
    if (v < 0)
        digits[--i] = '-';
    return put(at, digits + i, sizeof digits - i);
}

/* Text with markup or foreign bytes in it grows: the slow way, after which there must be
 * room for the rest again. */
static char *put_escaped(struct rpc_writer *w, char *room, char *at, const char *text,
                         size_t n, size_t rest)
{
    buf_commit(w->out, (size_t)(at - room));
    if (xml_write_text(w->out, text, n) < 0 || buf_reserve(w->out, rest, &at) < 0)
        w->failed = true;
    return at;
}

void rpc_write_fields(struct rpc_writer *w, const struct rpc_field *fields, size_t count,
                      const void *base)
{
    char *room, *at;
    size_t lengths[RPC_FIELDS_MAX];
    assert(count <= RPC_FIELDS_MAX);
    size_t size = size_of(fields, count, base, lengths);
    if (w->failed || buf_reserve(w->out, size, &room) < 0) {
        w->failed = true;
        return;
    }
    at = put(room, STRUCT_OPEN, sizeof STRUCT_OPEN - 1);
    for (size_t i = 0; i < count; i++) {
        const struct rpc_field *f = &fields[i];
        at = put(at, f->head, f->head_bytes);
        if (f->type == RPC_INT) {
            int64_t v;
            memcpy(&v, (const char *)base + f->where, sizeof v);
            at = put_int(at, v);
            at = put(at, INT_CLOSE, sizeof INT_CLOSE - 1);
            continue;
        }
        const char *text = text_at(f, base);
        size_t n = lengths[i];
        if (xml_plain_run(text, n) == n) {
            at = put(at, text, n);
        } else {
            room = at = put_escaped(w, room, at, text, n, size);
            if (w->failed)
                return;
        }
        at = put(at, STR_CLOSE, sizeof STR_CLOSE - 1);
    }
    at = put(at, STRUCT_CLOSE, sizeof STRUCT_CLOSE - 1);
    buf_commit(w->out, (size_t)(at - room));
}
