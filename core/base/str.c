/* Spans and string vectors. The one idea: what is borrowed is a span and never freed,
 * what is owned is a string in a vector or a copy the caller frees. */
#include "core/base/str.h"

#include "core/base/alloc.h"

#include <stdlib.h>
#include <string.h>

bool char_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

char char_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

struct span span_of(const char *text)
{
    return (struct span){text, text ? strlen(text) : 0};
}

struct span span_trim(struct span s)
{
    while (s.len > 0 && char_is_space(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && char_is_space(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

/* Both without strlen: most comparisons end at the first byte, and requests make dozens.
 */
bool span_eq(struct span s, const char *text)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] != text[i] || text[i] == '\0')
            return false;
    return text[s.len] == '\0';
}

bool span_eq_nocase(struct span s, const char *text)
{
    for (size_t i = 0; i < s.len; i++) {
        char a = s.ptr[i], b = text[i];
        if (b == '\0' || (a != b && char_lower(a) != char_lower(b)))
            return false;
    }
    return text[s.len] == '\0';
}

bool span_starts(struct span s, const char *prefix)
{
    size_t n = strlen(prefix);

    return s.len >= n && (n == 0 || memcmp(s.ptr, prefix, n) == 0);
}

bool span_split(struct span *rest, char sep, struct span *piece)
{
    const char *at;

    if (!rest->ptr)
        return false;
    at = rest->len ? memchr(rest->ptr, sep, rest->len) : NULL;
    if (at) {
        *piece = (struct span){rest->ptr, (size_t)(at - rest->ptr)};
        rest->ptr = at + 1;
        rest->len -= piece->len + 1;
    } else {
        *piece = *rest;
        *rest = (struct span){NULL, 0};
    }
    return true;
}

char *span_dup(struct span s)
{
    return xstrndup(s.ptr, s.len);
}

bool str_eq(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool str_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
    size_t n = strlen(text), k = strlen(suffix);

    return n >= k && memcmp(text + n - k, suffix, k) == 0;
}

void strv_push(struct strv *v, const char *text)
{
    strv_take(v, xstrdup(text));
}

void strv_take(struct strv *v, char *text)
{
    if (v->len + 1 >= v->cap) { /* one place stays for the NULL */
        v->cap = v->cap ? v->cap * 2 : 8;
        v->items = xreallocarray(v->items, v->cap, sizeof *v->items);
    }
    v->items[v->len++] = text;
    v->items[v->len] = NULL;
}

void strv_copy(struct strv *to, const struct strv *from)
{
    size_t n = from->len; /* to may be from */

    for (size_t i = 0; i < n; i++)
        strv_push(to, from->items[i]);
}

static int compare_items(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *v)
{
    if (v->len > 1)
        qsort(v->items, v->len, sizeof *v->items, compare_items);
}

void strv_clear(struct strv *v)
{
    for (size_t i = 0; i < v->len; i++)
        free(v->items[i]);
    v->len = 0;
    if (v->items)
        v->items[0] = NULL;
}

void strv_free(struct strv *v)
{
    strv_clear(v);
    free(v->items);
    *v = (struct strv){0};
}
