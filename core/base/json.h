/* Writes JSON (RFC 8259), one value at a time, no tree, no reader. Names and values
 * follow each other; commas come by themselves. Text may hold any bytes: invalid UTF-8
 * becomes U+FFFD; "<", ">", "&" and the line separators of JavaScript are escaped, so
 * that the document may stand inside any other. */
#ifndef CORE_BASE_JSON_H
#define CORE_BASE_JSON_H

#include "core/base/buf.h"

/* After a failed append everything is ignored and failed stays true: only the end needs a
 * check. */
struct json {
    struct buf *out; /* borrowed */
    bool failed;
    bool comma; /* the next value of this container is not its first */
};

void json_init(struct json *j, struct buf *out);
void json_object_begin(struct json *j);
void json_object_end(struct json *j);
void json_array_begin(struct json *j);
void json_array_end(struct json *j);
void json_key(struct json *j, const char *name); /* plain ASCII; a value follows */
void json_null(struct json *j);
void json_bool(struct json *j, bool v);
void json_int(struct json *j, int64_t v);
/* v thousandths, with the zeros at its end left out: 1500 is 1.5. */
void json_milli(struct json *j, int64_t v);
void json_text(struct json *j, const char *text, size_t n);
void json_str(struct json *j, const char *text); /* NULL writes null */
/* Name and value in one. */
void json_put_int(struct json *j, const char *name, int64_t v);
void json_put_bool(struct json *j, const char *name, bool v);
void json_put_str(struct json *j, const char *name, const char *text);

#endif
