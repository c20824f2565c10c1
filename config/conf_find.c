/* Where a configuration is looked for when nobody names one.
 * Source: upstream options.py, Options.__init__ and default_configfile. */
#include "config/conf_load.h"

#include "config/path.h"
#include "core/base/alloc.h"
#include "core/base/buf.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char file_name[] = "supervisord.conf";

/* The program's own path: Python's argv[0] always has one, ours may be a bare name that
 * the shell found on PATH. */
static char *program_path(const char *argv0)
{
    const char *path = getenv("PATH");
    struct span rest = span_of(path), dir;
    if (strchr(argv0, '/') || !path)
        return xstrdup(argv0);
    while (span_split(&rest, ':', &dir)) {
        char *try = xasprintf("%.*s/%s", (int)dir.len, dir.ptr, argv0);
        if (dir.len > 0 && access(try, X_OK) == 0)
            return try;
        free(try);
    }
    return xstrdup(argv0);
}

/* Nobody named the file, so what is in it may be anybody's idea: root takes one only if
 * nobody else can have put it there or change it. */
static bool is_trusted(const char *path)
{
    struct stat link, file;
    if (getuid() != 0)
        return true;
    return lstat(path, &link) == 0 && stat(path, &file) == 0 && link.st_uid == 0 &&
           file.st_uid == 0 && (file.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static void list_candidates(const char *argv0, struct strv *out)
{
    char *program = program_path(argv0);
    char *bin = path_dirname(program), *top = path_dirname(bin);
    char *etc = path_join(top, "etc");
    strv_take(out, path_join(etc, file_name));
    strv_take(out, path_join(top, file_name));
    strv_push(out, "supervisord.conf");
    strv_push(out, "etc/supervisord.conf");
    strv_push(out, "/etc/supervisord.conf");
    strv_push(out, "/etc/supervisor/supervisord.conf");
    free(etc);
    free(top);
    free(bin);
    free(program);
}

static void report(const struct strv *list, const char *refused, struct err *err)
{
    struct buf names;
    buf_init(&names, BUF_NO_LIMIT);
    for (size_t i = 0; i < list->len; i++)
        buf_printf(&names, "%s%s", i > 0 ? ", " : "", list->items[i]);
    err_set(err, ERR_USAGE,
            "No config file found at default paths (%s); use the -c option to specify a "
            "config file at a different path%s%s%s",
            buf_str(&names), refused ? " (" : "", refused ? refused : "",
            refused ? " is passed over: it is not root's alone)" : "");
    buf_free(&names);
}

char *conf_find(const char *argv0, struct err *err)
{
    struct strv list = {0};
    const char *refused = NULL;
    char *found = NULL;

    list_candidates(argv0, &list);
    for (size_t i = 0; i < list.len; i++) {
        const char *file = list.items[i];
        if (access(file, F_OK) < 0)
            continue;
        if (is_trusted(file)) {
            found = path_absolute(file);
            break;
        }
        refused = file;
        if (file[0] == '/')
            break; /* meant to be the one: no other is run in its place */
    }
    if (!found && refused && refused[0] == '/')
        err_set(err, ERR_USAGE,
                "The config file %s was found by search, but others than root can write "
                "it or own it; make it root's alone, or name it with the -c option",
                refused);
    else if (!found)
        report(&list, refused, err);
    strv_free(&list);
    return found;
}
