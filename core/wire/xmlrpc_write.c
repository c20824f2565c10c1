/* Writing XML-RPC documents, byte for byte as Python's xmlrpc.client does. The one idea:
 * what is constant is copied by length, a value goes straight into the buffer, and
 * nothing is formatted by printf: an answer for a thousand programs has 17,000 members.
 */
#include "core/wire/xmlrpc.h"

#include "core/base/base64.h"
#include "core/base/num.h"
#include "core/wire/xml.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BASE64_LINE_BYTES = 57 }; /* 76 letters */

void rpc_write_init(struct rpc_writer *w, struct buf *out)
{
    w->out = out;
    w->failed = false;
}

static void put(struct rpc_writer *w, const char *text, size_t n)
{
    if (!w->failed && buf_append(w->out, text, n) < 0)
        w->failed = true;
}

/* A member of a simple type, in pieces. */
#define NAME_OPEN  "<member>\n<name>"
#define NAME_CLOSE "</name>\n"
#define STR_OPEN   NAME_CLOSE "<value><string>"
#define STR_CLOSE  "</string></value>\n</member>\n"
#define INT_OPEN   NAME_CLOSE "<value><int>"
#define INT_CLOSE  "</int></value>\n</member>\n"

#define PUT(w, literal) put((w), (literal), sizeof(literal) - 1)

static void put_escaped(struct rpc_writer *w, const char *text, size_t n)
{
    if (!w->failed && xml_write_text(w->out, text, n) < 0)
        w->failed = true;
}

void rpc_write_nil(struct rpc_writer *w)
{
    PUT(w, "<value><nil/></value>");
}

void rpc_write_bool(struct rpc_writer *w, bool v)
{
    if (v)
        PUT(w, "<value><boolean>1</boolean></value>\n");
    else
        PUT(w, "<value><boolean>0</boolean></value>\n");
}

void rpc_write_int(struct rpc_writer *w, int64_t v)
{
    PUT(w, "<value><int>");
    if (!w->failed && buf_put_int(w->out, v) < 0)
        w->failed = true;
    PUT(w, "</int></value>\n");
}

/* The shortest digits that read back as the same number. */
void rpc_write_double(struct rpc_writer *w, double v)
{
    char digits[40];
    double again;

    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, v);
        if (parse_double(digits, &again) == 0 && !(again < v) && !(again > v))
            break;
    }
    PUT(w, "<value><double>");
    put(w, digits, strlen(digits));
    if (isfinite(v) && !strpbrk(digits, ".e"))
        PUT(w, ".0");
    PUT(w, "</double></value>\n");
}

void rpc_write_str(struct rpc_writer *w, const char *text)
{
    rpc_write_text(w, text ? text : "", text ? strlen(text) : 0);
}

void rpc_write_text(struct rpc_writer *w, const char *text, size_t n)
{
    PUT(w, "<value><string>");
    put_escaped(w, text, n);
    PUT(w, "</string></value>\n");
}

void rpc_write_base64(struct rpc_writer *w, const void *data, size_t n)
{
    const char *bytes = data;

    PUT(w, "<value><base64>\n");
    for (size_t i = 0; i < n && !w->failed; i += BASE64_LINE_BYTES) {
        size_t line = n - i < BASE64_LINE_BYTES ? n - i : BASE64_LINE_BYTES;
        if (base64_encode(w->out, bytes + i, line) < 0)
            w->failed = true;
        PUT(w, "\n");
    }
    PUT(w, "</base64></value>\n");
}

void rpc_write_array_begin(struct rpc_writer *w)
{
    PUT(w, "<value><array><data>\n");
}

void rpc_write_array_end(struct rpc_writer *w)
{
    PUT(w, "</data></array></value>\n");
}

void rpc_write_struct_begin(struct rpc_writer *w)
{
    PUT(w, "<value><struct>\n");
}

void rpc_write_struct_end(struct rpc_writer *w)
{
    PUT(w, "</struct></value>\n");
}

void rpc_write_name(struct rpc_writer *w, const char *name)
{
    PUT(w, NAME_OPEN);
    put(w, name, strlen(name));
    PUT(w, NAME_CLOSE);
}

void rpc_write_member_end(struct rpc_writer *w)
{
    PUT(w, "</member>\n");
}

static char *copy(char *to, const char *text, size_t n)
{
    memcpy(to, text, n);
    return to + n;
}

#define COPY(to, literal) copy((to), (literal), sizeof(literal) - 1)

/* What nearly every member of a process table is: plain text, written in one piece. */
void rpc_write_member_str(struct rpc_writer *w, const char *name, const char *text)
{
    size_t name_n = strlen(name), text_n = text ? strlen(text) : 0;
    size_t total = sizeof NAME_OPEN STR_OPEN STR_CLOSE - 1 + name_n + text_n;
    char *at;

    if (text && xml_plain_run(text, text_n) < text_n) {
        rpc_write_name(w, name);
        rpc_write_text(w, text, text_n);
        rpc_write_member_end(w);
        return;
    }
    if (w->failed || buf_reserve(w->out, total, &at) < 0) {
        w->failed = true;
        return;
    }
    at = COPY(at, NAME_OPEN);
    at = copy(at, name, name_n);
    at = COPY(at, STR_OPEN);
    if (text)
        at = copy(at, text, text_n);
    COPY(at, STR_CLOSE);
    buf_commit(w->out, total);
}

void rpc_write_member_int(struct rpc_writer *w, const char *name, int64_t v)
{
    size_t name_n = strlen(name), total = sizeof NAME_OPEN INT_OPEN - 1 + name_n;
    char *at;

    if (w->failed || buf_reserve(w->out, total, &at) < 0) {
        w->failed = true;
        return;
    }
    at = COPY(at, NAME_OPEN);
    at = copy(at, name, name_n);
    COPY(at, INT_OPEN);
    buf_commit(w->out, total);
    if (buf_put_int(w->out, v) < 0)
        w->failed = true;
    PUT(w, INT_CLOSE);
}

void rpc_write_member_bool(struct rpc_writer *w, const char *name, bool v)
{
    rpc_write_name(w, name);
    rpc_write_bool(w, v);
    rpc_write_member_end(w);
}

void rpc_write_value(struct rpc_writer *w, const struct rpc_value *v)
{
    switch (v->type) {
    case RPC_NIL:
        rpc_write_nil(w);
        break;
    case RPC_BOOL:
        rpc_write_bool(w, v->boolean);
        break;
    case RPC_INT:
        rpc_write_int(w, v->number);
        break;
    case RPC_DOUBLE:
        rpc_write_double(w, v->real);
        break;
    case RPC_STRING:
        rpc_write_text(w, v->text, v->len);
        break;
    case RPC_BASE64:
        rpc_write_base64(w, v->text, v->len);
        break;
    case RPC_DATETIME:
        PUT(w, "<value><dateTime.iso8601>");
        put_escaped(w, v->text, v->len);
        PUT(w, "</dateTime.iso8601></value>\n");
        break;
    case RPC_ARRAY:
        rpc_write_array_begin(w);
        for (size_t i = 0; i < v->count; i++)
            rpc_write_value(w, v->items[i]);
        rpc_write_array_end(w);
        break;
    case RPC_STRUCT:
        rpc_write_struct_begin(w);
        for (size_t i = 0; i < v->count; i++) {
            PUT(w, NAME_OPEN); /* here a name may be anything */
            put_escaped(w, v->names[i], strlen(v->names[i]));
            PUT(w, NAME_CLOSE);
            rpc_write_value(w, v->items[i]);
            rpc_write_member_end(w);
        }
        rpc_write_struct_end(w);
        break;
    }
}

void xmlrpc_write_response_begin(struct rpc_writer *w)
{
    PUT(w, "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n");
}

void xmlrpc_write_response_end(struct rpc_writer *w)
{
    PUT(w, "</param>\n</params>\n</methodResponse>\n");
}

void xmlrpc_write_fault(struct rpc_writer *w, int code, const char *text)
{
    PUT(w, "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n");
    rpc_write_struct_begin(w);
    rpc_write_member_int(w, "faultCode", code);
    rpc_write_member_str(w, "faultString", text);
    rpc_write_struct_end(w);
    PUT(w, "</fault>\n</methodResponse>\n");
}

void xmlrpc_write_call(struct rpc_writer *w, const char *method,
                       const struct rpc_value *params)
{
    PUT(w, "<?xml version='1.0'?>\n<methodCall>\n<methodName>");
    put_escaped(w, method, strlen(method));
    PUT(w, "</methodName>\n<params>\n");
    for (size_t i = 0; params && i < params->count; i++) {
        PUT(w, "<param>\n");
        rpc_write_value(w, params->items[i]);
        PUT(w, "</param>\n");
    }
    PUT(w, "</params>\n</methodCall>\n");
}
