#include "core/base/text_record.h"

#include "core/base/num.h"

#include <string.h>

/* --- writing ----------------------------------------------------------------------- */

static void note(struct record_writer *w, int rc)
{
    if (rc < 0)
        w->failed = true;
}

void record_begin(struct record_writer *w, const char *type)
{
    if (!w->failed)
        note(w, buf_puts(w->out, type));
}

/* Done dozens of times for each object and turn: one reservation, and no calls. */
void record_put(struct record_writer *w, const char *key, const void *data, size_t n)
{
    char digits[20], *room;
    size_t key_len = strlen(key), digit_count = 0, left = n, all;
    if (w->failed)
        return;
    do
        digits[sizeof digits - ++digit_count] = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (!size_add(n, key_len + digit_count + 3, &all) ||
        buf_reserve(w->out, all, &room) < 0) {
        w->failed = true;
        return;
    }
    *room++ = ' ';
    memcpy(room, key, key_len);
    room += key_len;
    *room++ = '=';
    memcpy(room, digits + sizeof digits - digit_count, digit_count);
    room += digit_count;
    *room++ = ':';
    if (n > 0)
        memcpy(room, data, n);
    buf_commit(w->out, all);
}

void record_put_str(struct record_writer *w, const char *key, const char *text)
{
    if (text)
        record_put(w, key, text, strlen(text));
}

void record_put_int(struct record_writer *w, const char *key, int64_t v)
{
    char room[24];
    size_t n = 0;
    uint64_t left = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do
        room[sizeof room - ++n] = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (v < 0)
        room[sizeof room - ++n] = '-';
    record_put(w, key, room + sizeof room - n, n);
}

void record_put_unless(struct record_writer *w, const char *key, int64_t v, int64_t usual)
{
    if (v != usual)
        record_put_int(w, key, v);
}

void record_put_fd(struct record_writer *w, const char *key, int fd)
{
    if (fd > w->max_fd)
        w->max_fd = fd;
    record_put_int(w, key, fd);
}

void record_end(struct record_writer *w)
{
    if (!w->failed)
        note(w, buf_putc(w->out, '\n'));
}

/* The length comes last and has a fixed place: zeros before it do not hurt a reader. */
enum { OPEN_DIGITS = 12 };

size_t record_put_open(struct record_writer *w, const char *key)
{
    static const char zeros[OPEN_DIGITS] = "000000000000";
    if (w->failed)
        return 0;
    note(w, buf_putc(w->out, ' '));
    note(w, buf_puts(w->out, key));
    note(w, buf_putc(w->out, '='));
    note(w, buf_append(w->out, zeros, sizeof zeros));
    note(w, buf_putc(w->out, ':'));
    return w->out->len;
}

void record_put_close(struct record_writer *w, size_t opened)
{
    if (w->failed)
        return;
    char *digit = buf_data(w->out) + opened - 1;
    size_t left = w->out->len - opened;
    for (int i = 0; i < OPEN_DIGITS; i++, left /= 10)
        *--digit = (char)('0' + left % 10);
    w->failed = left > 0;
}

/* --- reading ----------------------------------------------------------------------- */

void record_open(struct record_reader *r, const char *data, size_t n)
{
    *r = (struct record_reader){.at = data, .end = data + n};
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '_';
}

static bool read_word(struct record_reader *r, struct span *word)
{
    word->ptr = r->at;
    while (r->at < r->end && is_word(*r->at))
        r->at++;
    word->len = (size_t)(r->at - word->ptr);
    return word->len > 0;
}

/* LEN: and LEN bytes. */
static bool read_value(struct record_reader *r, struct span *value)
{
    size_t n = 0;
    const char *first = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9') {
        if (!size_mul(n, 10, &n) || !size_add(n, (size_t)(*r->at - '0'), &n))
            return false;
        r->at++;
    }
    if (r->at == first || r->at == r->end || *r->at != ':')
        return false;
    r->at++;
    if (n > (size_t)(r->end - r->at))
        return false;
    *value = (struct span){r->at, n};
    r->at += n;
    return true;
}

static bool read_field(struct record_reader *r)
{
    struct record_field *f = &r->fields[r->count];
    if (r->count == RECORD_MAX_FIELDS || !read_word(r, &f->key) || r->at == r->end ||
        *r->at++ != '=' || !read_value(r, &f->value))
        return false;
    r->count++;
    return true;
}

int record_next(struct record_reader *r)
{
    const char *begin = r->at;
    r->count = 0;
    if (r->at == r->end)
        return 0;
    if (read_word(r, &r->type)) {
        while (r->at < r->end && *r->at == ' ') {
            r->at++;
            if (!read_field(r))
                goto bad;
        }
        if (r->at < r->end && *r->at == '\n') {
            r->at++;
            return 1;
        }
    }
bad:
    r->at = begin;
    r->count = 0;
    return -1;
}

/* To the end of an object whose fields nobody wants. */
static bool skip_fields(struct record_reader *r)
{
    struct span value;
    while (r->at < r->end && *r->at == ' ') {
        const char *equals = memchr(r->at, '=', (size_t)(r->end - r->at));
        if (!equals)
            return false;
        r->at = equals + 1;
        if (!read_value(r, &value))
            return false;
    }
    return r->at < r->end && *r->at++ == '\n';
}

int record_next_of(struct record_reader *r, const char *type)
{
    for (;;) {
        const char *begin = r->at;
        r->count = 0;
        if (r->at == r->end)
            return 0;
        bool is_word = read_word(r, &r->type);
        if (is_word && record_is(r, type)) {
            r->at = begin;
            return record_next(r);
        }
        if (!is_word || !skip_fields(r)) {
            r->at = begin;
            return -1;
        }
    }
}

bool record_is(const struct record_reader *r, const char *type)
{
    return span_eq(r->type, type);
}

bool record_get(const struct record_reader *r, const char *key, struct span *value)
{
    size_t n = strlen(key);
    for (size_t i = 0; i < r->count; i++) {
        if (r->fields[i].key.len == n && memcmp(r->fields[i].key.ptr, key, n) == 0) {
            *value = r->fields[i].value;
            return true;
        }
    }
    return false;
}

char *record_get_str(const struct record_reader *r, const char *key)
{
    struct span value;
    return record_get(r, key, &value) ? span_dup(value) : NULL;
}

int64_t record_get_int(const struct record_reader *r, const char *key, int64_t min,
                       int64_t max, int64_t fallback)
{
    struct span value;
    return record_get(r, key, &value) ? record_value_int(value, min, max, fallback)
                                      : fallback;
}

int64_t record_value_int(struct span value, int64_t min, int64_t max, int64_t fallback)
{
    char text[24];
    int64_t v;
    if (value.len >= sizeof text)
        return fallback;
    memcpy(text, value.ptr, value.len);
    text[value.len] = '\0';
    return parse_int(text, min, max, &v) == 0 ? v : fallback;
}

/* --- integrity --------------------------------------------------------------------- */

uint64_t record_checksum(const void *data, size_t n)
{
    const unsigned char *p = data, *end = p + n;
    uint64_t h = UINT64_C(14695981039346656037), word;
    for (; end - p >= 8; p += 8) {
        memcpy(&word, p, 8);
        h = (h ^ word) * UINT64_C(1099511628211);
        h ^= h >> 32; /* a product carries upwards alone */
    }
    for (; p < end; p++)
        h = (h ^ *p) * UINT64_C(1099511628211);
    return h;
}
