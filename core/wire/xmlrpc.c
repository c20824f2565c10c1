/* Reading XML-RPC documents. The one idea: a descent over the tokens of xml.h in which
 * each function is entered with its element's OPEN at hand and left with its CLOSE at
 * hand. The tokenizer bounds the depth, the reader the number of values. */
#include "core/wire/xmlrpc.h"

#include "core/base/alloc.h"
#include "core/base/base64.h"
#include "core/base/num.h"
#include "core/wire/xml.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_CALL_VALUES = 100 * 1000,
    MAX_RESPONSE_VALUES = 4 * 1000 * 1000,
    MAX_MEMBERS = 1024 /* of one struct: names are looked up one after the other */
};

struct reader {
    struct xml xml;
    enum xml_token token; /* the one at hand */
    size_t values_left;
    const char *const *only; /* members of structs worth keeping; NULL: all */
    struct err *err;
};

/* Text is never longer than the document. */
static void reader_init(struct reader *r, const char *data, size_t n, size_t max_values,
                        struct err *err)
{
    xml_init(&r->xml, data, n, n);
    r->values_left = max_values;
    r->only = NULL;
    r->err = err;
}

static int bad(struct reader *r, const char *what)
{
    if (r->token != XML_ERROR)
        return err_set(r->err, ERR_SYNTAX, "%s at byte %zu", what,
                       (size_t)(r->xml.at - r->xml.begin));
    if (r->err)
        *r->err = r->xml.err;
    return -1;
}

static struct rpc_value *no_value(struct reader *r, const char *what)
{
    bad(r, what);
    return NULL;
}

static struct span text_of(const struct reader *r)
{
    return (struct span){buf_data(&r->xml.text), r->xml.text.len};
}

static void next(struct reader *r)
{
    r->token = xml_next(&r->xml);
}

static void next_tag(struct reader *r)
{
    r->token = xml_next_tag(&r->xml);
}

static bool at_open(const struct reader *r, const char *name)
{
    return r->token == XML_OPEN && r->xml.name.ptr[0] == name[0] &&
           span_eq(r->xml.name, name);
}

static int want_open(struct reader *r, const char *name, const char *otherwise)
{
    next_tag(r);
    return at_open(r, name) ? 0 : bad(r, otherwise);
}

static int want_close(struct reader *r)
{
    next_tag(r);
    return r->token == XML_CLOSE ? 0 : bad(r, "end of element expected");
}

/* An element with nothing but text: text_of(r) until the next step. */
static int take_plain(struct reader *r)
{
    next(r);
    if (r->token == XML_TEXT)
        next(r);
    return r->token == XML_CLOSE ? 0 : bad(r, "only text expected");
}

static struct rpc_value *read_value(struct reader *r);

static struct rpc_value *read_nil(struct reader *r)
{
    return want_close(r) < 0 ? NULL : rpc_nil();
}

static struct rpc_value *read_bool(struct reader *r)
{
    bool v;

    if (take_plain(r) < 0)
        return NULL;
    if (parse_bool(buf_str(&r->xml.text), &v) < 0)
        return no_value(r, "not a boolean");
    return rpc_bool(v);
}

static struct rpc_value *read_int(struct reader *r)
{
    int64_t v;

    if (take_plain(r) < 0)
        return NULL;
    if (parse_int(buf_str(&r->xml.text), INT64_MIN, INT64_MAX, &v) < 0)
        return no_value(r, "not an integer");
    return rpc_int(v);
}

static struct rpc_value *read_double(struct reader *r)
{
    double v;

    if (take_plain(r) < 0)
        return NULL;
    if (parse_double(buf_str(&r->xml.text), &v) < 0)
        return no_value(r, "not a number");
    return rpc_double(v);
}

static struct rpc_value *read_text(struct reader *r, enum rpc_type type)
{
    if (take_plain(r) < 0)
        return NULL;
    return rpc_bytes(type, buf_data(&r->xml.text), r->xml.text.len);
}

static struct rpc_value *read_string(struct reader *r)
{
    return read_text(r, RPC_STRING);
}

static struct rpc_value *read_datetime(struct reader *r)
{
    return read_text(r, RPC_DATETIME);
}

static struct rpc_value *read_base64(struct reader *r)
{
    struct rpc_value *v = NULL;
    struct buf bytes;

    if (take_plain(r) < 0)
        return NULL;
    buf_init(&bytes, BUF_NO_LIMIT);
    if (base64_decode(&bytes, buf_data(&r->xml.text), r->xml.text.len) < 0)
        bad(r, "not base64");
    else
        v = rpc_bytes(RPC_BASE64, buf_data(&bytes), bytes.len);
    buf_free(&bytes);
    return v;
}

static struct rpc_value *read_array(struct reader *r)
{
    struct rpc_value *array, *item;

    if (want_open(r, "data", "<data> expected") < 0)
        return NULL;
    array = rpc_array();
    for (next_tag(r); at_open(r, "value"); next_tag(r)) {
        item = read_value(r);
        if (!item)
            goto wrong;
        rpc_push(array, item);
    }
    if (r->token != XML_CLOSE)
        bad(r, "<value> expected");
    else if (want_close(r) == 0)
        return array;
wrong:
    rpc_free(array);
    return NULL;
}

/* The name as the caller's list has it, or NULL: not worth keeping. */
static const char *wanted_name(const struct reader *r, struct span name)
{
    for (size_t i = 0; r->only[i]; i++)
        if (name.len > 0 && r->only[i][0] == name.ptr[0] && span_eq(name, r->only[i]))
            return r->only[i];
    return NULL;
}

static int read_member(struct reader *r, struct rpc_value *to)
{
    char known[64], *name = known; /* the usual name needs no copy of its own */
    struct rpc_value *item;
    const char *kept;

    if (to->count == MAX_MEMBERS)
        return bad(r, "too many members");
    if (want_open(r, "name", "<name> expected") < 0 || take_plain(r) < 0)
        return -1;
    if (r->xml.text.len < sizeof known)
        memcpy(known, buf_str(&r->xml.text), r->xml.text.len + 1);
    else
        name = span_dup(text_of(r));
    item = want_open(r, "value", "<value> expected") < 0 ? NULL : read_value(r);
    bool read = item != NULL;
    kept = r->only ? wanted_name(r, span_of(name)) : name;
    if (read && kept)
        rpc_set(to, kept, item);
    else
        rpc_free(item);
    if (name != known)
        free(name);
    return read ? want_close(r) : -1;
}

/* --- plain members ----------------------------------------------------------------- */

/* Past white space and then exactly this. */
#define STEP_OVER(at, end, literal)                                                      \
    step_over(at, end, (struct span){literal, sizeof literal - 1})

static bool step_over(const char **at, const char *end, struct span what)
{
    const char *from = *at;

    while (from < end && *from <= ' ' && char_is_space(*from))
        from++;
    if ((size_t)(end - from) < what.len || memcmp(from, what.ptr, what.len) != 0)
        return false;
    *at = from + what.len;
    return true;
}

/* Takes what stands before the next such mark, and the mark: a few bytes, for which a
 * call of memchr would cost more. */
static bool take_until(const char **at, const char *end, char mark, struct span *what)
{
    const char *found = *at;

    while (found < end && *found != mark)
        found++;
    if (found == end)
        return false;
    *what = (struct span){*at, (size_t)(found - *at)};
    *at = found + 1;
    return true;
}

struct plain_member {
    struct span name, type, text;
};

/* "<member><name>n</name><value><type>text</type></value></member>", with white space
 * between the tags, as servers write nearly all. */
static bool take_plain_member(const char **at, const char *end, struct plain_member *m)
{
    return STEP_OVER(at, end, "<member>") && STEP_OVER(at, end, "<name>") &&
           take_until(at, end, '<', &m->name) && STEP_OVER(at, end, "/name>") &&
           STEP_OVER(at, end, "<value><") && take_until(at, end, '>', &m->type) &&
           m->type.len > 0 && m->type.ptr[m->type.len - 1] != '/' &&
           take_until(at, end, '<', &m->text) && STEP_OVER(at, end, "/") &&
           step_over(at, end, m->type) && STEP_OVER(at, end, "></value>") &&
           STEP_OVER(at, end, "</member>");
}

/* NULL: not one of the two types, or a text that is not its own value. */
static struct rpc_value *plain_value(const struct plain_member *m)
{
    char digits[24];
    int64_t v;

    if (span_eq(m->type, "string"))
        return xml_plain_run(m->text.ptr, m->text.len) == m->text.len
                   ? rpc_bytes(RPC_STRING, m->text.ptr, m->text.len)
                   : NULL;
    if (!span_eq(m->type, "int") || m->text.len >= sizeof digits)
        return NULL;
    memcpy(digits, m->text.ptr, m->text.len);
    digits[m->text.len] = '\0';
    return parse_int(digits, INT64_MIN, INT64_MAX, &v) == 0 ? rpc_int(v) : NULL;
}

/* Where only some members are wanted there are many: a plain one is taken, or stepped
 * over, without making tokens of it. False, and nothing is done, where it is not plain.
 */
static bool read_plain_member(struct reader *r, struct rpc_value *to)
{
    const char *at = r->xml.at, *name;
    struct plain_member m;

    if (!r->only || r->values_left == 0 || to->count == MAX_MEMBERS ||
        !take_plain_member(&at, r->xml.end, &m))
        return false;
    name = wanted_name(r, m.name);
    if (name) {
        struct rpc_value *item = plain_value(&m);
        if (!item)
            return false;
        r->values_left--;
        rpc_set(to, name, item);
    }
    r->xml.at = at;
    return true;
}

static void next_member(struct reader *r, struct rpc_value *to)
{
    while (read_plain_member(r, to))
        ;
    next_tag(r);
}

static struct rpc_value *read_struct(struct reader *r)
{
    struct rpc_value *st = rpc_struct();

    st->names_lent = r->only != NULL; /* they are the caller's */
    for (next_member(r, st); at_open(r, "member"); next_member(r, st))
        if (read_member(r, st) < 0)
            goto wrong;
    if (r->token == XML_CLOSE)
        return st;
    bad(r, "<member> expected");
wrong:
    rpc_free(st);
    return NULL;
}

static struct rpc_value *read_typed(struct reader *r)
{
    static const struct {
        const char *name;
        struct rpc_value *(*read)(struct reader *);
    } types[] = {
        {"string", read_string}, {"int", read_int},
        {"i4", read_int},        {"boolean", read_bool},
        {"struct", read_struct}, {"array", read_array},
        {"i8", read_int},        {"double", read_double},
        {"base64", read_base64}, {"nil", read_nil},
        {"ex:nil", read_nil},    {"dateTime.iso8601", read_datetime},
    };

    for (size_t i = 0; i < array_len(types); i++)
        if (at_open(r, types[i].name))
            return types[i].read(r);
    return no_value(r, "unknown type");
}

/* A value without a type is a string, white space and all. */
static struct rpc_value *read_value(struct reader *r)
{
    struct rpc_value *v;

    if (r->values_left == 0)
        return no_value(r, "too many values");
    r->values_left--;
    next(r);
    if (r->token == XML_TEXT) {
        bool blank = span_trim(text_of(r)).len == 0;
        next(r);
        if (r->token == XML_OPEN && !blank)
            return no_value(r, "text before a type");
    }
    if (r->token == XML_CLOSE)
        return rpc_bytes(RPC_STRING, buf_data(&r->xml.text), r->xml.text.len);
    if (r->token != XML_OPEN)
        return no_value(r, "value expected");
    v = read_typed(r);
    if (v && want_close(r) < 0) {
        rpc_free(v);
        return NULL;
    }
    return v;
}

/* <param><value/></param>: its value. */
static struct rpc_value *read_param(struct reader *r)
{
    struct rpc_value *v;

    if (want_open(r, "value", "<value> expected") < 0)
        return NULL;
    v = read_value(r);
    if (v && want_close(r) < 0) {
        rpc_free(v);
        return NULL;
    }
    return v;
}

static struct rpc_value *read_params(struct reader *r)
{
    struct rpc_value *params = rpc_array(), *item;

    for (next_tag(r); at_open(r, "param"); next_tag(r)) {
        item = read_param(r);
        if (!item)
            goto wrong;
        rpc_push(params, item);
    }
    if (r->token == XML_CLOSE)
        return params;
    bad(r, "<param> expected");
wrong:
    rpc_free(params);
    return NULL;
}

static int want_end(struct reader *r)
{
    next_tag(r);
    return r->token == XML_END ? 0 : bad(r, "end of document expected");
}

static int read_call(struct reader *r, char **method, struct rpc_value **params)
{
    if (want_open(r, "methodCall", "<methodCall> expected") < 0)
        return -1;
    if (want_open(r, "methodName", "<methodName> expected") < 0 || take_plain(r) < 0)
        return -1;
    if (r->xml.text.len == 0)
        return bad(r, "no method name");
    *method = span_dup(text_of(r));
    next_tag(r);
    if (at_open(r, "params")) {
        *params = read_params(r);
        if (!*params)
            return -1;
        next_tag(r);
    } else {
        *params = rpc_array();
    }
    return r->token == XML_CLOSE ? want_end(r) : bad(r, "end of element expected");
}

int xmlrpc_read_call(const char *data, size_t n, char **method, struct rpc_value **params,
                     struct err *err)
{
    struct reader r;
    int rc;

    reader_init(&r, data, n, MAX_CALL_VALUES, err);
    *method = NULL;
    *params = NULL;
    rc = read_call(&r, method, params);
    if (rc < 0) {
        free(*method);
        rpc_free(*params);
        *method = NULL;
        *params = NULL;
    }
    xml_free(&r.xml);
    return rc;
}

static int read_response(struct reader *r, struct rpc_value **value, bool *is_fault)
{
    if (want_open(r, "methodResponse", "<methodResponse> expected") < 0)
        return -1;
    next_tag(r);
    *is_fault = at_open(r, "fault");
    if (*is_fault) {
        r->only = NULL; /* a fault is kept whole */
        *value = read_param(r);
        if (*value && (*value)->type != RPC_STRUCT)
            return bad(r, "a fault is a struct");
    } else if (at_open(r, "params")) {
        if (want_open(r, "param", "<param> expected") < 0)
            return -1;
        *value = read_param(r);
        if (*value && want_close(r) < 0)
            return -1;
    } else {
        return bad(r, "<params> or <fault> expected");
    }
    return *value && want_close(r) == 0 ? want_end(r) : -1;
}

int xmlrpc_read_response_only(const char *data, size_t n, const char *const *only,
                              struct rpc_value **value, bool *is_fault, struct err *err)
{
    struct reader r;
    int rc;

    reader_init(&r, data, n, MAX_RESPONSE_VALUES, err);
    r.only = only;
    *value = NULL;
    *is_fault = false;
    rc = read_response(&r, value, is_fault);
    if (rc < 0) {
        rpc_free(*value);
        *value = NULL;
    }
    xml_free(&r.xml);
    return rc;
}

int xmlrpc_read_response(const char *data, size_t n, struct rpc_value **value,
                         bool *is_fault, struct err *err)
{
    return xmlrpc_read_response_only(data, n, NULL, value, is_fault, err);
}
