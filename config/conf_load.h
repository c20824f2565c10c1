/* From a file to a whole, checked struct conf. */
#ifndef CONFIG_CONF_LOAD_H
#define CONFIG_CONF_LOAD_H

#include "config/conf.h"
#include "core/base/err.h"

/* What the command line says over the file: NULL or false means "not given". */
struct conf_overrides {
    const char *logfile, *logfile_maxbytes, *logfile_backups, *loglevel, *pidfile, *umask,
        *user, *directory, *identifier, *childlogdir, *minfds, *minprocs;
    bool nodaemon, silent, nocleanup, strip_ansi;
};

/* Reads path with its includes and checks everything a supervisord needs. Environment
 * variables are those of the caller (%(ENV_x)s). Returns a configuration with one
 * reference, or NULL with err (upstream's words where it has some, with file:line).
 * Starts nothing, creates nothing. */
struct conf *conf_load(const char *path, const struct conf_overrides *over,
                       struct err *err);
/* The same for supervisorctl: only [supervisorctl] is looked at, without includes. path
 * NULL gives the defaults alone. */
struct conf *conf_load_ctl(const char *path, struct err *err);

/* The first existing file of upstream's search path for the program that was started as
 * argv0 (../etc, .., ., ./etc, /etc, /etc/supervisor), absolute and yours; NULL with err.
 * Root passes over a file of the working directory that is not root's alone. */
char *conf_find(const char *argv0, struct err *err);

struct conf *conf_ref(struct conf *c);
void conf_unref(struct conf *c); /* NULL is fine */

const struct group_conf *conf_find_group(const struct conf *c, const char *name);

#endif
