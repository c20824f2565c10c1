/* Options as table rows, and the engine that fills a structure from a section by them:
 * look up, expand, parse, store; defaults are text and take the same way. */
#ifndef CONFIG_OPTION_H
#define CONFIG_OPTION_H

#include "config/expand.h"
#include "config/ini_doc.h"
#include "config/value.h"

enum option_flags {
    OPT_RAW = 1 /* not expanded: whoever uses the text expands it */
};

struct option {
    const char *name;
    value_parser *parse;  /* NULL: a known name that is read elsewhere */
    size_t where;         /* offset into the target, passed on to parse */
    const char *fallback; /* the default as text; NULL: the field stays as it is */
    unsigned flags;
};

/* Where the text of options comes from. */
struct option_source {
    const struct ini_doc *doc;
    const struct ini_section *section;
    const struct scope *scope;
    struct pool *pool;
    struct strv *warnings; /* gets notes on what was accepted with doubt; or NULL */
};

/* Fills target by the rows, in their order; the first fault ends it. 0, or -1 with err,
 * located as option_located says. */
int option_apply(const struct option_source *src, const struct option *rows, size_t count,
                 void *target, struct err *err);

/* The text of one option, expanded unless raw; yours. NULL with *err cleared if neither
 * the section nor fallback gives one, NULL with *err filled on a fault. */
char *option_text(const struct option_source *src, const char *name, const char *fallback,
                  bool raw, struct err *err);

/* Adds where a fault lies to err's text, which keeps upstream's form as its beginning:
 * " in section 'program:x' (file: '/etc/x.conf', line 12, option 'user')". option may be
 * NULL. Returns -1. */
int option_located(const struct option_source *src, const char *option, struct err *err);
/* The same without the section, for texts that name it: "(file: ..., line 12)". */
int option_located_only(const struct option_source *src, const char *option,
                        struct err *err);

struct option_table {
    const struct option *rows;
    size_t count;
};
/* Adds a warning for each key of the section that no row of the tables knows, with the
 * nearest name that one does. */
void option_warn_unknown(const struct option_source *src,
                         const struct option_table *tables, size_t count);

/* The nearest of names to text, by edits, or NULL when none is near. */
struct option_nearest {
    const char *best;
    size_t distance;
};
void option_nearest_try(struct option_nearest *n, const char *text, const char *name);

#endif
