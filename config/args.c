/* Command-line options. Source of the grammar and the words: Python's getopt.getopt,
 * which upstream calls. */
#include "config/args.h"

#include "core/base/str.h"

#include <stdio.h>
#include <string.h>

static int store(const struct arg *a, const char *typed, const char *value, void *target,
                 struct err *err)
{
    char *field = (char *)target + a->where;
    bool *flag = (void *)field;
    const char **text = (void *)field;

    if (a->kind == ARG_FLAG ? *flag : *text != NULL)
        return err_set(err, ERR_USAGE, "conflicting command line option '%s'", typed);
    if (a->kind == ARG_FLAG)
        *flag = true;
    else
        *text = value;
    return 0;
}

/* The row whose long name is word or, if only one does, begins with it. */
static const struct arg *find_long(const struct arg *table, size_t count,
                                   struct span word, struct err *err)
{
    const struct arg *found = NULL;
    size_t matches = 0;
    for (size_t i = 0; i < count; i++) {
        const char *name = table[i].name;
        if (!name || strncmp(name, word.ptr, word.len) != 0)
            continue;
        if (strlen(name) == word.len)
            return &table[i];
        found = &table[i];
        matches++;
    }
    if (matches == 1)
        return found;
    err_set(err, ERR_USAGE, "option --%.*s %s", (int)word.len, word.ptr,
            matches == 0 ? "not recognized" : "not a unique prefix");
    return NULL;
}

static int take_long(const struct arg *table, size_t count, int argc, char *const *argv,
                     int *at, void *target, struct err *err)
{
    const char *word = argv[(*at)++] + 2;
    const char *equals = strchr(word, '=');
    struct span name = {word, equals ? (size_t)(equals - word) : strlen(word)};
    const struct arg *a = find_long(table, count, name, err);
    const char *value = equals ? equals + 1 : NULL;
    char typed[64];

    if (!a)
        return -1;
    if (a->kind == ARG_FLAG && value)
        return err_set(err, ERR_USAGE, "option --%s must not have an argument", a->name);
    if (a->kind == ARG_TEXT && !value) {
        if (*at >= argc)
            return err_set(err, ERR_USAGE, "option --%s requires argument", a->name);
        value = argv[(*at)++];
    }
    snprintf(typed, sizeof typed, "--%s", a->name);
    return store(a, typed, value, target, err);
}

/* A word of letters, "-ns" or "-cFILE" or "-c FILE". */
static int take_short(const struct arg *table, size_t count, int argc, char *const *argv,
                      int *at, void *target, struct err *err)
{
    const char *word = argv[(*at)++];
    for (const char *p = word + 1; *p; p++) {
        char typed[] = {'-', *p, '\0'};
        const struct arg *a = NULL;
        const char *value = NULL;
        for (size_t i = 0; !a && i < count; i++)
            if (table[i].letter == *p)
                a = &table[i];
        if (!a)
            return err_set(err, ERR_USAGE, "option %s not recognized", typed);
        if (a->kind == ARG_TEXT) {
            value = p[1] ? p + 1 : *at < argc ? argv[(*at)++] : NULL;
            if (!value)
                return err_set(err, ERR_USAGE, "option %s requires argument", typed);
        }
        if (store(a, typed, value, target, err) < 0)
            return -1;
        if (value)
            break;
    }
    return 0;
}

int args_parse(const struct arg *table, size_t count, int argc, char *const *argv,
               void *target, int *rest, struct err *err)
{
    int at = 1;
    while (at < argc && argv[at][0] == '-' && argv[at][1] != '\0') {
        if (str_eq(argv[at], "--")) {
            at++;
            break;
        }
        int rc = argv[at][1] == '-'
                     ? take_long(table, count, argc, argv, &at, target, err)
                     : take_short(table, count, argc, argv, &at, target, err);
        if (rc < 0)
            return -1;
    }
    *rest = at;
    return 0;
}
