/* Versioned text records: the format in which supervisord hands its state to the next
 * image of itself. One object a line, "type key=LEN:BYTES key=LEN:BYTES\n"; values are
 * any bytes and carry their length, so that a child's text can never look like a field. A
 * reader skips fields it does not know. Pure. */
#ifndef CORE_BASE_TEXT_RECORD_H
#define CORE_BASE_TEXT_RECORD_H

#include "core/base/buf.h"
#include "core/base/str.h"

/* --- writing ----------------------------------------------------------------------- */

/* After a failed append everything is ignored and failed stays true: check it at the end.
 */
struct record_writer {
    struct buf *out;
    bool failed;
    int max_fd; /* the highest descriptor put so far */
};

/* type and keys are plain words: letters, digits, '-' and '_'. */
void record_begin(struct record_writer *w, const char *type);
void record_put(struct record_writer *w, const char *key, const void *data, size_t n);
void record_put_str(struct record_writer *w, const char *key,
                    const char *text); /* NULL:
                                 no field at all */
void record_put_int(struct record_writer *w, const char *key, int64_t v);
/* For a field that has its usual value where it is missing. */
void record_put_unless(struct record_writer *w, const char *key, int64_t v,
                       int64_t usual);
/* A descriptor that is to stay open; the key ends in "_fd". */
void record_put_fd(struct record_writer *w, const char *key, int fd);
void record_end(struct record_writer *w);
/* A value that is written piece by piece into w->out: what follows record_put_open is its
 * bytes, up to record_put_close with what that returned. */
size_t record_put_open(struct record_writer *w, const char *key);
void record_put_close(struct record_writer *w, size_t opened);

/* --- reading ----------------------------------------------------------------------- */

#define RECORD_MAX_FIELDS 48

struct record_field {
    struct span key, value;
};

struct record_reader {
    const char *at, *end; /* what is not read yet; borrowed */
    struct span type;     /* of the present object */
    struct record_field fields[RECORD_MAX_FIELDS];
    size_t count;
};

void record_open(struct record_reader *r, const char *data, size_t n);
/* The next object: 1; 0 at the end; -1: cut, altered or with too many fields (and again
 * then). The object's spans point into the data. */
int record_next(struct record_reader *r);
bool record_is(const struct record_reader *r, const char *type);
/* The next object of that type; what lies between is skipped and not looked at more
 * closely than that takes. As record_next. r->type.ptr is where the object begins. */
int record_next_of(struct record_reader *r, const char *type);
/* The value of the first field of that key; false when there is none. */
bool record_get(const struct record_reader *r, const char *key, struct span *value);
/* A copy that is yours, or NULL when there is none. */
char *record_get_str(const struct record_reader *r, const char *key);
/* fallback when there is none, or none within min..max. */
int64_t record_get_int(const struct record_reader *r, const char *key, int64_t min,
                       int64_t max, int64_t fallback);
/* The same of a field that was found otherwise. */
int64_t record_value_int(struct span value, int64_t min, int64_t max, int64_t fallback);

/* --- integrity --------------------------------------------------------------------- */

/* 64 bits, after FNV-1a, but eight bytes at a time: tells damage, not malice. */
uint64_t record_checksum(const void *data, size_t n);

#endif
