/* Command-line options as a table shared by the applets; help.txt explains them. Long
 * options may be abbreviated, as getopt_long does. */
#ifndef CONFIG_ARGS_H
#define CONFIG_ARGS_H

#include "core/base/err.h"

enum arg_kind { ARG_FLAG, ARG_TEXT };

struct arg {
    char letter;      /* 0: long form only */
    const char *name; /* without dashes; NULL: short form only */
    enum arg_kind kind;
    size_t where; /* offset into the target: bool (FLAG) or const char * (TEXT) */
};

/* Parses argv[1..] into target; stops at the first word that is no option (POSIX) or at
 * "--". *rest is its index. 0, or -1 with err ERR_USAGE in getopt's words ("option --foo
 * not recognized", "option -c requires argument"), as upstream prints them. */
int args_parse(const struct arg *table, size_t count, int argc, char *const *argv,
               void *target, int *rest, struct err *err);

#endif
