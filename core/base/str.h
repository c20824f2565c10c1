/* Spans (borrowed pieces of text) and string vectors (owned). White space is ASCII's:
 * blank, tab, newline, carriage return, vertical tab, form feed. */
#ifndef CORE_BASE_STR_H
#define CORE_BASE_STR_H

#include "core/base/util.h"

struct span {
    const char *ptr; /* not terminated */
    size_t len;
};

/* A growing, NULL-terminated array of strings it owns; {0} is a valid empty one whose
 * items is NULL. */
struct strv {
    char **items;
    size_t len, cap;
};

struct span span_of(const char *text); /* NULL gives an empty span */
struct span span_trim(struct span s);  /* without white space at both ends */
bool span_eq(struct span s, const char *text);
bool span_eq_nocase(struct span s, const char *text); /* ASCII letters only */
bool span_starts(struct span s, const char *prefix);
/* Cuts the piece before sep (or the rest) off *rest. False when *rest is used up:
 * rest->ptr is then NULL. "a,,b" gives "a", "", "b"; "" gives one empty piece. */
bool span_split(struct span *rest, char sep, struct span *piece);
char *span_dup(struct span s); /* a C string, yours */

bool str_eq(const char *a, const char *b); /* NULL equals NULL only */
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);
bool char_is_space(char c);
char char_lower(char c); /* ASCII */

void strv_push(struct strv *v, const char *text);         /* copies */
void strv_take(struct strv *v, char *text);               /* owns text from now on */
void strv_copy(struct strv *to, const struct strv *from); /* appends copies */
void strv_sort(struct strv *v);                           /* by byte values */
void strv_clear(struct strv *v);                          /* empty; keeps its room */
void strv_free(struct strv *v);                           /* leaves {0} */

#endif
