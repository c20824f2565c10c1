#include "core/wire/rpc_fields.h"

#include "core/wire/xml.h"
#include <assert.h>
#include <string.h>

#define STRUCT_OPEN  "<value><struct>\n"
#define STRUCT_CLOSE "</struct></value>\n"
#define STR_CLOSE    "</string></value>\n</member>\n"
#define INT_CLOSE    "</int></value>\n</member>\n"

enum { FIELD_BYTES = BUF_DIGITS + 1 + sizeof STR_CLOSE };

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
    size_t n = sizeof STRUCT_OPEN + sizeof STRUCT_CLOSE + RPC_HEAD_ROOM;
    for (size_t i = 0; i < count; i++) {
        lengths[i] = fields[i].type == RPC_STRING ? strlen(text_at(&fields[i], base)) : 0;
        n += fields[i].head_bytes + FIELD_BYTES + lengths[i];
    }
    return n;
}

#define PUT(at, literal)                                                                 \
    (memcpy((at), (literal), sizeof(literal) - 1), (at) + (sizeof(literal) - 1))

/* Most are short, and memcpy's own start costs more than they do. */
static char *put_text(char *at, const char *text, size_t n)
{
    size_t i = 0;
    for (; n - i >= 16; i += 16)
        memcpy(at + i, text + i, 16);
    if (n & 8) {
        memcpy(at + i, text + i, 8);
        i += 8;
    }
    for (; i < n; i++)
        at[i] = text[i];
    return at + n;
}

static char *put_int(char *at, int64_t v)
{
    char digits[BUF_DIGITS];
    if (v < 0)
        *at++ = '-';
    char *end = digits + sizeof digits;
    char *first = buf_digits(end, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
    return put_text(at, first, (size_t)(end - first));
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
    at = PUT(room, STRUCT_OPEN);
    for (size_t i = 0; i < count; i++) {
        const struct rpc_field *f = &fields[i];
        memcpy(at, f->head, RPC_HEAD_ROOM);
        at += f->head_bytes;
        if (f->type == RPC_INT) {
            int64_t v;
            memcpy(&v, (const char *)base + f->where, sizeof v);
            at = put_int(at, v);
            at = PUT(at, INT_CLOSE);
            continue;
        }
        const char *text = text_at(f, base);
        size_t n = lengths[i];
        if (xml_plain_run(text, n) == n) {
            at = put_text(at, text, n);
        } else {
            room = at = put_escaped(w, room, at, text, n, size);
            if (w->failed)
                return;
        }
        at = PUT(at, STR_CLOSE);
    }
    at = PUT(at, STRUCT_CLOSE);
    buf_commit(w->out, (size_t)(at - room));
}
