/* What supervisord does to itself before and after it supervises: user, limits, standard
 * descriptors, the pidfile, old automatic logs. Source: upstream options.py,
 * ServerOptions. */
#ifndef APPLETS_SUPERVISORD_START_UP_H
#define APPLETS_SUPERVISORD_START_UP_H

#include "config/conf_load.h"
#include "core/base/err.h"

/* Reads the file at path, or (NULL) the one that is found where upstream looks, which
 * root is warned of on stderr. With one reference; NULL with err. */
struct conf *start_up_conf(const char *path, const struct conf_overrides *over,
                           const char *program, struct err *err);
/* Becomes the configured user with its groups, and verifies it. 0, or -1 with err in
 * upstream's words. Where there is nothing to become, it only asks to be the last process
 * to be killed when memory runs out (core/io/oom.h). */
int start_up_user(const struct server_conf *server, struct err *err);
/* Raises the soft (and, as root, hard) limits to minfds and minprocs. What it raised is
 * put into notes ("Increased RLIMIT_NOFILE limit to 1024"). 0, or -1 with err. */
int start_up_limits(const struct server_conf *server, struct strv *notes,
                    struct err *err);
/* Forks: the parent exits with 0; the child is a session leader with /dev/null as 0-2,
 * the configured directory and umask. 0, or -1 with err (no fork, no session). */
int start_up_daemonize(const struct server_conf *server, struct err *err);
/* Writes that pid, by which others know us; true if it did, else the reason is logged. */
bool start_up_write_pidfile(const char *path, pid_t pid);
/* The same, silently, when it names another. */
void start_up_renew_pidfile(const char *path, pid_t pid);
/* Removes the automatic child logs of earlier runs with this identifier. */
void start_up_clear_child_logs(const struct server_conf *server);

#endif
