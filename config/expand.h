/* %(name)s expansion: Python's % operator with a mapping on its right. Names are looked
 * up in a chain of scopes; what a value holds is never expanded again. Pure. */
#ifndef CONFIG_EXPAND_H
#define CONFIG_EXPAND_H

#include "core/base/err.h"
#include "core/base/str.h"

struct scope_var {
    const char *name; /* borrowed, like text */
    const char *text; /* NULL: the number counts */
    long number;
};

struct scope {
    const struct scope *outer; /* looked at when a name is not here; or NULL */
    struct scope_var *vars;    /* owned */
    size_t count;
    const struct strv *env_keys, *env_values; /* parallel: names ENV_<key>; or NULL */
    char *const *environ;                     /* KEY=value: names ENV_KEY; or NULL */
};

void scope_set_text(struct scope *s, const char *name, const char *text);
void scope_set_number(struct scope *s, const char *name, long number);
void scope_clear(struct scope *s); /* frees vars */

/* text with every %(name)... replaced; yours. On a fault NULL and err ERR_CONFIG in
 * upstream's words, in which `what` names the option. *bare (may be NULL) becomes true if
 * the text has a %s without a name: upstream writes all names and values there, which
 * nobody can want, so here it stands for itself. */
char *expand(const char *text, const struct scope *scope, const char *what, bool *bare,
             struct err *err);

#endif
