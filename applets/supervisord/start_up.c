#include "applets/supervisord/start_up.h"

#include "core/base/alloc.h"
#include "core/base/log.h"
#include "core/io/fd.h"
#include "core/io/oom.h"
#include "core/io/spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OOM_SCORE = -900 }; /* late, but not never: a leak of ours must end somewhere */

struct conf *start_up_conf(const char *path, const struct conf_overrides *over,
                           const char *program, struct err *err)
{
    char *found = path ? NULL : conf_find(program, err);
    if (!path && !found)
        return NULL;
    if (found && getuid() == 0)
        fprintf(stderr,
                "%s: Supervisord is running as root and it is searching for its "
                "configuration file in default locations (including its current "
                "working directory); you probably want to specify a \"-c\" argument "
                "specifying an absolute path to a configuration file for improved "
                "security. Found: %s\n",
                program, found);
    struct conf *conf = conf_load(path ? path : found, over, err);
    free(found);
    return conf;
}

int start_up_user(const struct server_conf *server, struct err *err)
{
    gid_t gid, *groups = NULL;
    size_t count = 0;
    if (!server->has_user || server->uid == getuid()) {
        oom_lower(OOM_SCORE); /* as another user we could not raise it for the programs */
        return 0;
    }
    if (getuid() != 0)
        return err_set(err, ERR_USAGE, "Can't drop privilege as nonroot user");
    if (spawn_groups_of(server->user, server->uid, &gid, &groups, &count, err) < 0)
        return -1;
    int rc = setgroups(count, groups);
    free(groups);
    if (rc < 0)
        return err_set(err, ERR_USAGE, "Could not set groups of effective user");
    if (setgid(gid) < 0)
        return err_set(err, ERR_USAGE, "Could not set group id of effective user");
    if (setuid(server->uid) < 0 || getuid() != server->uid || geteuid() != server->uid ||
        getgid() != gid || setuid(0) == 0)
        return err_set(err, ERR_USAGE, "Could not set user id to %s", server->user);
    return 0;
}

static const struct limit {
    bool of_processes;
    const char *name, *option;
    const char *of_what; /* in "the minimum number of ..." */
} limits[] = {
    {false, "RLIMIT_NOFILE", "minfds", "file descriptors"},
    {true, "RLIMIT_NPROC", "minprocs", "processes"},
};

/* Constants, not a field: glibc's type of a resource is not musl's. */
static int get_limit(const struct limit *l, struct rlimit *value)
{
    return l->of_processes ? getrlimit(RLIMIT_NPROC, value)
                           : getrlimit(RLIMIT_NOFILE, value);
}

static int set_limit(const struct limit *l, const struct rlimit *value)
{
    return l->of_processes ? prlimit(0, RLIMIT_NPROC, value, NULL)
                           : prlimit(0, RLIMIT_NOFILE, value, NULL);
}

static int raise_limit(const struct limit *l, rlim_t wanted, struct strv *notes,
                       struct err *err)
{
    struct rlimit now;
    if (get_limit(l, &now) < 0)
        return err_sys(err, "getrlimit %s", l->name);
    if (now.rlim_cur == RLIM_INFINITY || now.rlim_cur >= wanted)
        return 0;
    rlim_t allowed = now.rlim_max;
    now.rlim_cur = wanted;
    if (now.rlim_max != RLIM_INFINITY && now.rlim_max < wanted)
        now.rlim_max = wanted; /* root may */
    if (set_limit(l, &now) < 0)
        return err_set(
            err, ERR_USAGE,
            "The minimum number of %s required to run this process is %llu as "
            "per the \"%s\" command-line argument or config file setting. The "
            "current environment will only allow you to open %llu %s.  Either "
            "raise the number of usable %s in your environment or lower the %s "
            "setting in the config file to allow the process to start.",
            l->of_what, (unsigned long long)wanted, l->option,
            (unsigned long long)allowed, l->of_what, l->of_what, l->option);
    char *note =
        xasprintf("Increased %s limit to %llu", l->name, (unsigned long long)wanted);
    strv_take(notes, note);
    return 0;
}

int start_up_limits(const struct server_conf *server, struct strv *notes, struct err *err)
{
    if (raise_limit(&limits[0], (rlim_t)server->minfds, notes, err) < 0)
        return -1;
    return raise_limit(&limits[1], (rlim_t)server->minprocs, notes, err);
}

static int null_standard_fds(struct err *err)
{
    int fd = fd_open("/dev/null", O_RDWR, 0);
    if (fd < 0)
        return err_sys(err, "/dev/null");
    for (int i = 0; i <= 2; i++)
        dup2(fd, i);
    if (fd > 2)
        close(fd);
    return 0;
}

int start_up_daemonize(const struct server_conf *server, struct err *err)
{
    pid_t pid = fork();
    if (pid < 0)
        return err_sys(err, "fork");
    if (pid > 0)
        _exit(0);
    log_info("daemonizing the supervisord process");
    if (server->directory) {
        if (chdir(server->directory) < 0)
            log_crit("can't chdir into '%s': %s", server->directory, strerror(errno));
        else
            log_info("set current directory: '%s'", server->directory);
    }
    if (null_standard_fds(err) < 0)
        return -1;
    if (setsid() < 0)
        return err_sys(err, "setsid");
    umask((mode_t)server->umask);
    return 0;
}

static bool write_pidfile(const char *path, pid_t pid)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%d\n", (int)pid);
    int fd = fd_open_log(path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK, 0666);
    bool written = fd >= 0 && fd_write_all(fd, text, (size_t)n) == 0;
    fd_close(&fd);
    if (!written) {
        log_crit("could not write pidfile %s", path); /* upstream's words, as they are */
        log_warn("pidfile %s: %s", path, strerror(errno));
    }
    return written;
}

bool start_up_write_pidfile(const char *path, pid_t pid)
{
    if (!write_pidfile(path, pid))
        return false;
    log_info("supervisord started with pid %d", (int)pid);
    return true;
}

void start_up_renew_pidfile(const char *path, pid_t pid)
{
    char text[24] = "", wanted[24];
    snprintf(wanted, sizeof wanted, "%d\n", (int)pid);
    int fd = fd_open_log(path, O_RDONLY | O_NONBLOCK, 0);
    if (fd >= 0 && read(fd, text, sizeof text - 1) < 0)
        text[0] = '\0';
    fd_close(&fd);
    if (strcmp(text, wanted) != 0)
        write_pidfile(path, pid);
}

/* NAME-CHANNEL---IDENTIFIER-RANDOM.log, also followed by .1 and so on. */
static bool is_child_log(const char *file, const char *mark)
{
    const char *at = strstr(file, mark);
    if (!at || at == file)
        return false;
    at += strlen(mark);
    const char *end = strstr(at, ".log");
    return end && end > at && strcspn(at, " \t\n\r\v\f") >= (size_t)(end - at);
}

void start_up_clear_child_logs(const struct server_conf *server)
{
    DIR *dir = opendir(server->childlogdir);
    if (!dir) {
        log_warn("Could not clear childlog dir");
        return;
    }
    char *mark = xasprintf("---%s-", server->identifier);
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL)
        if (is_child_log(entry->d_name, mark) &&
            unlinkat(dirfd(dir), entry->d_name, 0) < 0)
            log_warn("Failed to clean up '%s/%s'", server->childlogdir, entry->d_name);
    free(mark);
    closedir(dir);
}
