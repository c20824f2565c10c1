/* The table engine. */
#include "config/option.h"

#include "core/base/pytext.h"
#include "core/base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void warn_bare(const struct option_source *src, const struct ini_entry *e)
{
    if (src->warnings)
        strv_take(src->warnings,
                  xasprintf("%s:%d: a percent sign without a name in '%s' stands for "
                            "itself; write %%%% for it",
                            ini_file_name(src->doc, e->file), e->line, e->key));
}

char *option_text(const struct option_source *src, const char *name, const char *fallback,
                  bool raw, struct err *err)
{
    const struct ini_entry *e = ini_find(src->doc, src->section, name);
    const char *text = e ? e->value : fallback;
    bool bare = false;

    err_clear(err);
    if (!text)
        return NULL;
    if (raw || !strchr(text, '%'))
        return xstrdup(text);
    char *what = xasprintf("%s.%s", src->section->name, name);
    char *out = expand(text, src->scope, what, &bare, err);
    free(what);
    if (bare && e)
        warn_bare(src, e);
    if (!out)
        option_located(src, name, err);
    return out;
}

static int located(const struct option_source *src, const char *option, bool with_section,
                   struct err *err)
{
    const struct ini_entry *e = option ? ini_find(src->doc, src->section, option) : NULL;
    char *file =
        py_repr(span_of(ini_file_name(src->doc, e ? e->file : src->section->file)));
    char *section = py_repr(span_of(src->section->name));
    char *where = xasprintf(
        "%s%.200s (file: %.300s, line %d%s%s%s)", with_section ? " in section " : "",
        with_section ? section : "", file, e ? e->line : src->section->line,
        option ? ", option '" : "", option ? option : "", option ? "'" : "");
    size_t n = strlen(err->text), m = strlen(where);
    if (n + m >= sizeof err->text) { /* the place is worth more than the whole text */
        n = sizeof err->text - m - 4;
        memcpy(err->text + n, "...", 4);
        n += 3;
    }
    snprintf(err->text + n, sizeof err->text - n, "%s", where);
    free(where);
    free(section);
    free(file);
    return -1;
}

int option_located(const struct option_source *src, const char *option, struct err *err)
{
    return located(src, option, true, err);
}

int option_located_only(const struct option_source *src, const char *option,
                        struct err *err)
{
    return located(src, option, false, err);
}

int option_apply(const struct option_source *src, const struct option *rows, size_t count,
                 void *target, struct err *err)
{
    for (const struct option *row = rows; row < rows + count; row++) {
        if (!row->parse)
            continue;
        char *text =
            option_text(src, row->name, row->fallback, row->flags & OPT_RAW, err);
        if (!text && err->code != ERR_NONE)
            return -1;
        if (!text)
            continue;
        int rc = row->parse(src->pool, text, (char *)target + row->where, err);
        free(text);
        if (rc < 0)
            return option_located(src, row->name, err);
    }
    return 0;
}

/* Edits between two short texts: insert, delete, replace, swap of neighbours. */
static size_t edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 40 };
    size_t n = strlen(a), m = strlen(b);
    size_t d[3][LONGEST + 1];
    if (n > LONGEST || m > LONGEST)
        return LONGEST;
    for (size_t j = 0; j <= m; j++)
        d[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = d[i % 3], *above = d[(i + 2) % 3], *above2 = d[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                above2[j - 2] + 1 < best)
                best = above2[j - 2] + 1;
            row[j] = best;
        }
    }
    return d[n % 3][m];
}

void option_nearest_try(struct option_nearest *n, const char *text, const char *name)
{
    size_t limit = strlen(text) / 3 + 1;
    size_t distance = edit_distance(text, name);
    if (distance <= limit && (!n->best || distance < n->distance)) {
        n->best = name;
        n->distance = distance;
    }
}

static bool is_known(const char *key, const struct option_table *tables, size_t count)
{
    for (size_t t = 0; t < count; t++)
        for (size_t i = 0; i < tables[t].count; i++)
            if (str_eq(tables[t].rows[i].name, key))
                return true;
    return false;
}

static void warn_unknown_key(const struct option_source *src, const struct ini_entry *e,
                             const struct option_table *tables, size_t count)
{
    struct option_nearest nearest = {0};
    for (size_t t = 0; t < count; t++)
        for (size_t i = 0; i < tables[t].count; i++)
            option_nearest_try(&nearest, e->key, tables[t].rows[i].name);
    char *key = py_repr(span_of(e->key));
    strv_take(src->warnings,
              xasprintf("%s:%d: unknown option %.200s in [%.200s]%s%s%s",
                        ini_file_name(src->doc, e->file), e->line, key,
                        src->section->name, nearest.best ? "; did you mean '" : "",
                        nearest.best ? nearest.best : "", nearest.best ? "'?" : ""));
    free(key);
}

void option_warn_unknown(const struct option_source *src,
                         const struct option_table *tables, size_t count)
{
    for (size_t i = 0; src->warnings && i < src->section->count; i++)
        if (!is_known(src->section->entries[i]->key, tables, count))
            warn_unknown_key(src, src->section->entries[i], tables, count);
}
