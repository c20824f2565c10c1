/* The reader in front of inih. inih takes one line at a time and splits it into section,
 * name and value; what needs more than one line, or Python's idea of a line, is decided
 * here: line ends, comments, indentation and continuation, the list of bad lines. Each
 * logical event becomes one canonical line, which inih splits and hands to the handler:
 *
 *   [17]            the section whose name is number 17 in the reader's table (inih cuts
 *                   names at 49 bytes)
 *   \002name=value  a new key; the byte in front keeps "[x]=1" from being a section
 *   \001=text       one more line of the current key's value
 *
 * Source: Python's configparser.RawConfigParser._read; upstream's UnhosedConfigParser. */
#include "config/ini_doc.h"

#include "config/ini_flags.h"
#include "core/base/pytext.h"
#include "core/base/alloc.h"
#include "core/base/buf.h"
#include "core/base/num.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(INI_HANDLER_LINENO == 1, "ini.h must be read with our flags");

enum { MARK_MORE = 1, MARK_KEY = 2, FILE_MAX_BYTES = 256 << 20 };

struct reader {
    struct ini_doc *doc;
    struct span rest; /* not yet read */
    int line;         /* number of the line last read */
    size_t indent;    /* of the current key or section, in characters */
    bool in_section, has_key;
    struct strv names; /* section names of this file, by number */
    struct buf canon;  /* the line for inih */
    size_t given;      /* bytes of it that inih has */
    struct buf bad;    /* the list of bad lines */
    struct err *err;
    bool failed;
    /* what the handler knows */
    struct ini_section *section;
    struct ini_entry *entry; /* the current key, or NULL */
    struct buf value;
};

void ini_doc_init(struct ini_doc *doc)
{
    *doc = (struct ini_doc){0};
    doc->defaults.name = xstrdup("DEFAULT");
}

static void section_clear(struct ini_section *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->entries[i]->key);
        alloc_wipe_text(s->entries[i]->value);
        free(s->entries[i]->value);
        free(s->entries[i]);
    }
    free(s->entries);
    free(s->name);
    map_free(&s->by_key);
}

void ini_doc_free(struct ini_doc *doc)
{
    for (size_t i = 0; i < doc->count; i++) {
        section_clear(doc->sections[i]);
        free(doc->sections[i]);
    }
    free(doc->sections);
    map_free(&doc->by_name);
    section_clear(&doc->defaults);
    strv_free(&doc->files);
    *doc = (struct ini_doc){0};
}

struct ini_section *ini_section_find(const struct ini_doc *doc, const char *name)
{
    return map_get(&doc->by_name, name, strlen(name));
}

const struct ini_entry *ini_find(const struct ini_doc *doc, const struct ini_section *s,
                                 const char *key)
{
    const struct ini_entry *e = map_get(&s->by_key, key, strlen(key));
    return e ? e : map_get(&doc->defaults.by_key, key, strlen(key));
}

const char *ini_file_name(const struct ini_doc *doc, unsigned file)
{
    return file < doc->files.len ? doc->files.items[file] : "?";
}

/* ---- the document ---- */

static struct ini_section *section_get(struct reader *r, const char *name)
{
    struct ini_doc *doc = r->doc;
    if (str_eq(name, "DEFAULT"))
        return &doc->defaults;
    struct ini_section *s = ini_section_find(doc, name);
    if (s)
        return s;
    if (doc->count == doc->cap) {
        doc->cap = doc->cap ? doc->cap * 2 : 16;
        doc->sections = xreallocarray(doc->sections, doc->cap, sizeof(void *));
    }
    s = xcalloc(1, sizeof *s);
    s->name = xstrdup(name);
    s->file = (unsigned)doc->files.len - 1;
    s->line = r->line;
    doc->sections[doc->count++] = s;
    map_put(&doc->by_name, s->name, strlen(s->name), s);
    return s;
}

static struct ini_entry *entry_get(struct ini_section *s, struct span key)
{
    struct ini_entry *e = map_get(&s->by_key, key.ptr, key.len);
    if (e)
        return e;
    if (s->count == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 8;
        s->entries = xreallocarray(s->entries, s->cap, sizeof(void *));
    }
    e = xcalloc(1, sizeof *e);
    e->key = span_dup(key);
    s->entries[s->count++] = e;
    map_put(&s->by_key, e->key, key.len, e);
    return e;
}

/* ---- inih's side: the handler ---- */

static void value_finish(struct reader *r)
{
    if (r->entry) {
        struct span v = py_rstrip((struct span){buf_data(&r->value), r->value.len});
        free(r->entry->value);
        r->entry->value = span_dup(v);
    }
    buf_truncate(&r->value, 0);
    r->entry = NULL;
}

static void key_start(struct reader *r, const char *name, const char *value)
{
    value_finish(r);
    char *lower = span_dup(py_rstrip(span_of(name)));
    for (char *p = lower; *p; p++)
        *p = char_lower(*p);
    r->entry = entry_get(r->section, span_of(lower));
    r->entry->file = (unsigned)r->doc->files.len - 1;
    r->entry->line = r->line;
    r->section->touched = (unsigned)r->doc->files.len;
    struct span v = py_strip(span_of(value));
    buf_append(&r->value, v.ptr, v.len);
    free(lower);
}

static int handle(void *arg, const char *section, const char *name, const char *value,
                  int canon_line)
{
    struct reader *r = arg;
    UNUSED(canon_line);
    if (!name) {
        int64_t number;
        value_finish(r);
        if (parse_int(section, 0, (int64_t)r->names.len - 1, &number) == 0)
            r->section = section_get(r, r->names.items[number]);
        return 1;
    }
    if (!r->section)
        return 1;
    if (name[0] == MARK_KEY)
        key_start(r, name + 1, value ? value : "");
    else if (name[0] == MARK_MORE && r->entry) {
        buf_putc(&r->value, '\n');
        buf_puts(&r->value, value ? value : "");
    }
    return 1;
}

/* ---- our side: from physical lines to canonical ones ---- */

/* Cuts the next line, with \n, \r\n or \r as its end, off the rest. */
static bool line_cut(struct reader *r, struct span *line, bool *has_end)
{
    if (r->rest.len == 0)
        return false;
    size_t n = 0;
    while (n < r->rest.len && r->rest.ptr[n] != '\n' && r->rest.ptr[n] != '\r')
        n++;
    *line = (struct span){r->rest.ptr, n};
    *has_end = n < r->rest.len;
    if (*has_end) {
        bool crlf =
            r->rest.ptr[n] == '\r' && n + 1 < r->rest.len && r->rest.ptr[n + 1] == '\n';
        n += crlf ? 2 : 1;
    }
    r->rest.ptr += n;
    r->rest.len -= n;
    r->line++;
    return true;
}

static bool comment_may_start(struct span line, size_t at)
{
    return at == 0 || py_space_ends((struct span){line.ptr, at});
}

static size_t find_from(struct span line, size_t from, char c)
{
    const char *p = from < line.len ? memchr(line.ptr + from, c, line.len - from) : NULL;
    return p ? (size_t)(p - line.ptr) : line.len;
}

/* Where the comment of a line begins, or its length. Each round looks at the next ';' and
 * the next '#'; the first round that finds a comment ends the search, even where the
 * other sign would have one further left. */
static size_t comment_find(struct span line)
{
    struct span bare = py_strip(line);
    if (bare.len > 0 && (bare.ptr[0] == ';' || bare.ptr[0] == '#'))
        return 0;
    const char signs[2] = {';', '#'};
    size_t from[2] = {0, 0};
    while (from[0] < line.len || from[1] < line.len) {
        size_t start = line.len;
        for (int i = 0; i < 2; i++) {
            size_t at = find_from(line, from[i], signs[i]);
            if (at < start && comment_may_start(line, at))
                start = at;
            from[i] = at + 1;
        }
        if (start < line.len)
            return start;
    }
    return line.len;
}

/* Characters before the first that is no white space; 0 if there is none. */
static size_t indent_of(struct span line)
{
    size_t chars = 0;
    while (line.len > 0) {
        size_t n = py_space_at(line.ptr, line.len);
        if (n == 0)
            return chars;
        line.ptr += n;
        line.len -= n;
        chars++;
    }
    return 0;
}

static void note_bad(struct reader *r, struct span line, bool has_end)
{
    char *text = xasprintf("%.*s%s", (int)(line.len > 200 ? 200 : line.len), line.ptr,
                           has_end ? "\n" : "");
    char *shown = py_repr(span_of(text));
    buf_printf(&r->bad, "\n\t[line %2d]: %s", r->line, shown);
    free(shown);
    free(text);
}

static int no_section(struct reader *r, struct span line, bool has_end)
{
    char *file = py_repr(span_of(r->doc->files.items[r->doc->files.len - 1]));
    char *text = xasprintf("%.*s%s", (int)(line.len > 200 ? 200 : line.len), line.ptr,
                           has_end ? "\n" : "");
    char *shown = py_repr(span_of(text));
    r->failed = true;
    err_set(r->err, ERR_CONFIG,
            "File contains no section headers.\nfile: %s, line: %d\n%s", file, r->line,
            shown);
    free(shown);
    free(text);
    free(file);
    return -1;
}

static void emit(struct reader *r, const char *mark, struct span text)
{
    buf_puts(&r->canon, mark);
    buf_append(&r->canon, text.ptr, text.len);
    buf_putc(&r->canon, '\n');
}

static void emit_section(struct reader *r, struct span name)
{
    buf_printf(&r->canon, "[%zu]\n", r->names.len);
    strv_take(&r->names, span_dup(name));
    r->in_section = true;
    r->has_key = false;
}

static bool is_header(struct span v, struct span *name)
{
    if (v.len < 3 || v.ptr[0] != '[')
        return false;
    size_t end = v.len;
    while (end > 2 && v.ptr[end - 1] != ']')
        end--;
    *name = (struct span){v.ptr + 1, end - 2};
    return end > 2;
}

/* Judges one line; puts at most one canonical line into r->canon. */
static int line_take(struct reader *r, struct span line, bool has_end)
{
    size_t comment = comment_find(line);
    struct span value = py_strip((struct span){line.ptr, comment}), name;

    if (value.len == 0) {
        if (comment == line.len && r->has_key)
            emit(r, "\001=", value);
        return 0;
    }
    size_t indent = indent_of(line);
    if (r->has_key && indent > r->indent) {
        emit(r, "\001=", value);
        return 0;
    }
    r->indent = indent;
    if (is_header(value, &name)) {
        emit_section(r, name);
        return 0;
    }
    if (!r->in_section)
        return no_section(r, line, has_end);
    size_t sep = 0;
    while (sep < value.len && value.ptr[sep] != '=' && value.ptr[sep] != ':')
        sep++;
    if (sep == value.len || sep == 0) {
        note_bad(r, line, has_end);
        /* ":x" gives a key without a name, which nothing continues; a line without a
         * separator leaves the key before it current. */
        if (sep == 0)
            r->has_key = false;
        return 0;
    }
    emit(r, "\002", value);
    r->has_key = true;
    return 0;
}

/* inih's reader: like fgets on the canonical lines. */
static char *give(char *out, int room, void *arg)
{
    struct reader *r = arg;
    struct span line;
    bool has_end;

    while (r->given == r->canon.len) {
        buf_truncate(&r->canon, 0);
        r->given = 0;
        if (r->failed || !line_cut(r, &line, &has_end))
            return NULL;
        if (line.len >= INI_MAX_LINE - 8) {
            r->failed = true;
            err_set(r->err, ERR_LIMIT, "line too long (file: '%s', line %d)",
                    r->doc->files.items[r->doc->files.len - 1], r->line);
            return NULL;
        }
        if (line_take(r, line, has_end) < 0)
            return NULL;
    }
    size_t n = r->canon.len - r->given;
    if (n > (size_t)room - 1)
        n = (size_t)room - 1;
    memcpy(out, buf_data(&r->canon) + r->given, n);
    out[n] = '\0';
    r->given += n;
    return out;
}

static int check_nul(const char *name, const char *text, size_t n, struct err *err)
{
    const char *nul = n > 0 ? memchr(text, '\0', n) : NULL;
    int line = 1;
    if (!nul)
        return 0;
    for (const char *p = text; p < nul; p++)
        if (*p == '\n')
            line++;
    return err_set(err, ERR_CONFIG, "NUL byte in configuration (file: '%s', line %d)",
                   name, line);
}

int ini_doc_add(struct ini_doc *doc, const char *name, const char *text, size_t n,
                struct err *err)
{
    struct err none;
    struct reader r = {.doc = doc, .rest = {text, n}, .err = err ? err : &none};

    strv_push(&doc->files, name);
    if (check_nul(name, text, n, r.err) < 0)
        return -1;
    if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        r.rest.ptr += 3;
        r.rest.len -= 3;
    }
    buf_init(&r.canon, BUF_NO_LIMIT);
    buf_init(&r.value, BUF_NO_LIMIT);
    buf_init(&r.bad, 4096); /* more bad lines than fit a message are not listed */
    int rc = ini_parse_stream(give, &r, handle, &r);
    value_finish(&r);
    if (rc == -2 && !r.failed) {
        r.failed = true;
        err_set(r.err, ERR_LIMIT, "not enough memory to read %s", name);
    }
    if (!r.failed && r.bad.len > 0) {
        char *file = py_repr(span_of(name));
        r.failed = true;
        err_set(r.err, ERR_CONFIG, "Source contains parsing errors: %s%s", file,
                buf_str(&r.bad));
        free(file);
    }
    buf_wipe(&r.canon);
    buf_wipe(&r.value);
    buf_wipe(&r.bad);
    strv_free(&r.names);
    return r.failed ? -1 : 0;
}

/* ---- files ---- */

static int file_read(int fd, const char *path, struct buf *out, struct err *err)
{
    char chunk[4096];
    int rc = 0;
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n == 0)
            break;
        if (n > 0 && buf_append(out, chunk, (size_t)n) < 0)
            rc = err_set(err, ERR_LIMIT, "config file %s is too large", path);
        else if (n < 0 && errno != EINTR)
            rc = err_sys(err, "could not read config file %s", path);
        if (rc < 0)
            break;
    }
    alloc_wipe(chunk, sizeof chunk); /* it may hold passwords */
    return rc;
}

int ini_doc_load(struct ini_doc *doc, const char *path, struct err *err)
{
    int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC); /* musl: one call less */
    if (fd < 0) {
        if (errno == ENOENT || errno == ENOTDIR) {
            err_set(err, ERR_SYS, "could not find config file %s", path);
            return -1;
        }
        return err_sys(err, "could not read config file %s", path);
    }
    struct buf text;
    buf_init(&text, FILE_MAX_BYTES);
    int rc = file_read(fd, path, &text, err);
    close(fd);
    if (rc == 0)
        rc = ini_doc_add(doc, path, buf_data(&text), text.len, err);
    buf_wipe(&text);
    return rc;
}

/* ---- %(here)s ---- */

static const char here_format[] = "%(here)s";

static char *here_replace(const char *value, const char *here)
{
    struct buf out;
    const char *at;
    buf_init(&out, BUF_NO_LIMIT);
    for (; (at = strstr(value, here_format)); value = at + strlen(here_format)) {
        buf_append(&out, value, (size_t)(at - value));
        for (const char *p = here; *p; p++)
            buf_append(&out, *p == '%' ? "%%" : p, *p == '%' ? 2 : 1);
    }
    buf_puts(&out, value);
    return buf_detach(&out);
}

static void section_expand_here(struct ini_doc *doc, struct ini_section *s,
                                const char *here)
{
    for (size_t i = 0; i < doc->defaults.count; i++) {
        const struct ini_entry *d = doc->defaults.entries[i];
        if (!strstr(d->value, here_format) || ini_find(doc, s, d->key) != d)
            continue;
        struct ini_entry *e = entry_get(s, span_of(d->key));
        e->value = xstrdup(d->value);
        e->file = d->file;
        e->line = d->line;
    }
    for (size_t i = 0; i < s->count; i++) {
        struct ini_entry *e = s->entries[i];
        if (!strstr(e->value, here_format))
            continue;
        char *value = here_replace(e->value, here);
        free(e->value);
        e->value = value;
    }
}

void ini_doc_expand_here(struct ini_doc *doc, const char *here)
{
    unsigned newest = (unsigned)doc->files.len;
    /* A section the newest file did not touch was done before, unless [DEFAULT] moved. */
    bool all = doc->defaults.touched == newest;
    for (size_t i = 0; i < doc->count; i++)
        if (all || doc->sections[i]->touched == newest ||
            doc->sections[i]->file + 1 == newest)
            section_expand_here(doc, doc->sections[i], here);
}
