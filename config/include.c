/* File patterns. */
#include "config/include.h"

#include "core/base/alloc.h"
#include "core/base/utf8.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Takes one character off s; a byte that is not UTF-8 counts as one. */
static uint32_t take_char(struct span *s)
{
    uint32_t c;
    size_t n = utf8_decode(s->ptr, s->len, &c);
    if (n == 0) {
        c = 0x110000u + (unsigned char)*s->ptr;
        n = 1;
    }
    s->ptr += n;
    s->len -= n;
    return c;
}

/* The length of "[...]" at the head of p, or 0 if it is not closed: then '[' is itself.
 */
static size_t set_len(struct span p)
{
    size_t i = 1;
    if (i < p.len && p.ptr[i] == '!')
        i++;
    if (i < p.len && p.ptr[i] == ']')
        i++;
    while (i < p.len && p.ptr[i] != ']')
        i++;
    return i < p.len ? i + 1 : 0;
}

/* set is what stands between the brackets. */
static bool set_has(struct span set, uint32_t c)
{
    bool negated = set.len > 0 && set.ptr[0] == '!', found = false;
    if (negated) {
        set.ptr++;
        set.len--;
    }
    while (set.len > 0) {
        uint32_t low = take_char(&set), high = low;
        if (set.len > 1 && set.ptr[0] == '-') {
            set.ptr++;
            set.len--;
            high = take_char(&set);
        }
        if (c >= low && c <= high)
            found = true;
    }
    return found != negated;
}

/* Matches what is no '*' at the head of p against one character. */
static bool match_one(struct span *p, uint32_t c)
{
    size_t n = p->ptr[0] == '[' ? set_len(*p) : 0;
    if (n > 0) {
        bool ok = set_has((struct span){p->ptr + 1, n - 2}, c);
        p->ptr += n;
        p->len -= n;
        return ok;
    }
    if (p->ptr[0] == '?') {
        take_char(p);
        return true;
    }
    return take_char(p) == c;
}

bool include_match(struct span p, const char *name)
{
    struct span s = span_of(name), star = {0}, star_s = {0};
    bool has_star = false;
    for (;;) {
        struct span next_p = p, next_s = s;
        if (p.len > 0 && p.ptr[0] == '*') {
            p.ptr++;
            p.len--;
            has_star = true;
            star = p;
            star_s = s;
            continue;
        }
        if (s.len == 0 && p.len == 0)
            return true;
        if (s.len > 0 && p.len > 0 && match_one(&next_p, take_char(&next_s))) {
            p = next_p;
            s = next_s;
            continue;
        }
        /* The last star takes one character more; stars before it never need to. */
        if (!has_star || star_s.len == 0)
            return false;
        take_char(&star_s);
        p = star;
        s = star_s;
    }
}

static bool has_magic(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (strchr("*?[", s.ptr[i]))
            return true;
    return false;
}

static void glob_at(const char *prefix, struct span rest, struct strv *out);

static void glob_dir(const char *prefix, struct span part, bool last, struct span rest,
                     struct strv *out)
{
    DIR *dir = opendir(prefix[0] ? prefix : ".");
    if (!dir)
        return;
    for (struct dirent *d; (d = readdir(dir));) {
        bool hidden = d->d_name[0] == '.' && part.ptr[0] != '.';
        if (hidden || str_eq(d->d_name, ".") || str_eq(d->d_name, "..") ||
            !include_match(part, d->d_name))
            continue;
        char *path = xasprintf("%s%s%s", prefix, d->d_name, last ? "" : "/");
        struct stat st;
        if (last)
            strv_push(out, path);
        else if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
            glob_at(path, rest, out);
        free(path);
    }
    closedir(dir);
}

/* prefix is "" or ends in a slash. */
static void glob_at(const char *prefix, struct span rest, struct strv *out)
{
    const char *slash = rest.len > 0 ? memchr(rest.ptr, '/', rest.len) : NULL;
    struct span part = {rest.ptr, slash ? (size_t)(slash - rest.ptr) : rest.len};
    bool last = !slash;
    if (slash) {
        rest.len -= part.len + 1;
        rest.ptr = slash + 1;
    }
    if (has_magic(part)) {
        glob_dir(prefix, part, last, rest, out);
        return;
    }
    char *path = xasprintf("%s%.*s%s", prefix, (int)part.len, part.ptr, last ? "" : "/");
    struct stat st;
    if (!last)
        glob_at(path, rest, out);
    else if (lstat(path, &st) == 0)
        strv_push(out, path);
    free(path);
}

void include_glob(const char *pattern, struct strv *out)
{
    struct strv found = {0};
    glob_at("", span_of(pattern), &found);
    strv_sort(&found);
    for (size_t i = 0; i < found.len; i++)
        strv_take(out, found.items[i]);
    free(found.items);
}
