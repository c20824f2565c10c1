#include "applets/supervisord/adopt.h"

#include "applets/supervisord/keeper.h"
#include "applets/supervisord/process.h"
#include "core/base/alloc.h"
#include "core/base/log.h"
#include "core/base/text_record.h"
#include "core/io/fd.h"
#include "core/io/pidwatch.h"
#include "core/io/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_VERSION = 1, FILE_MAX_BYTES = 256 << 20, WRITE_RETRY_MS = 1000 };

/* What is known of one child beyond its process. */
struct child {
    struct list link; /* in adopt->children */
    struct adopt *adopt;
    uint64_t process_id;
    pid_t pid;
    uint64_t started; /* ticks since the boot; 0: not known */
    ino_t pipes[3];   /* that it was given as 0, 1, 2; 0: none */
    struct pidwatch watch;
    int held;       /* pidfd of one that the keeper tells of; -1: none */
    pid_t held_pid; /* its pid */
};

struct adopt {
    struct super *super;
    struct loop_hook at_end;
    char *path; /* NULL: no file is kept */
    char boot[PROCFS_BOOT_ID_SIZE];
    uint64_t changes_seen; /* engine.state_changes when the file was written */
    bool same_keeper;      /* as before we were restored */
    int fds_max;           /* no pidfd is kept that is higher */
    bool written, failed;  /* failed: and said so */
    struct timer retry;    /* of a write that failed */
    struct map by_process; /* process_id -> struct child */
    struct list children;
};

/* --- children ---------------------------------------------------------------------- */

static void adopt_on_end(struct pidwatch *w, int wait_status)
{
    struct child *c = container_of(w, struct child, watch);
    struct process *p = super_find_process(c->adopt->super, c->process_id);
    if (p && process_pid(p) == c->pid)
        process_on_exit(p, wait_status);
}

/* The entry of p, made when there is none yet. */
static struct child *child_of(struct adopt *a, const struct process *p)
{
    uint64_t id = process_id(p);
    struct child *c = map_get(&a->by_process, &id, sizeof id);
    if (c)
        return c;
    c = xcalloc(1, sizeof *c);
    c->adopt = a;
    c->process_id = id;
    c->held = -1;
    pidwatch_init(&c->watch, super_loop(a->super), adopt_on_end);
    list_append(&a->children, &c->link);
    map_put(&a->by_process, &c->process_id, sizeof c->process_id, c);
    return c;
}

static void child_free(struct child *c)
{
    pidwatch_stop(&c->watch);
    loop_close_fd(super_loop(c->adopt->super), &c->held);
    list_del(&c->link);
    map_del(&c->adopt->by_process, &c->process_id, sizeof c->process_id);
    free(c);
}

/* Takes pidfd, which may be -1. */
static void watch_stranger(struct child *c, struct process *p, int pidfd)
{
    if (pidwatch_start(&c->watch, c->pid, c->started, pidfd) < 0) {
        log_error("the pidfd of '%s' cannot be watched: %s", process_conf(p)->name,
                  strerror(errno));
        pidwatch_start(&c->watch, c->pid, c->started, -1);
    }
    process_set_identity(p, c->started, c->watch.fd, true);
}

/* --- writing ------------------------------------------------------------------------ */

static ino_t inode_of(int fd)
{
    struct stat st;
    return fd >= 0 && fstat(fd, &st) == 0 ? st.st_ino : 0;
}

/* Looks at a child once in its life. */
static void child_learn(struct child *c, const struct process *p)
{
    struct procfs_identity id;
    if (c->pid == process_pid(p))
        return;
    c->pid = process_pid(p);
    c->started = procfs_identify(c->pid, &id) == 0 ? id.started : 0;
    for (int i = 0; i < 3; i++)
        c->pipes[i] = inode_of(process_pipe_fd(p, i));
}

static uid_t uid_of(const struct process *p)
{
    const struct program_conf *conf = process_conf(p);
    return conf->has_uid ? conf->uid : getuid();
}

static void save_child(struct adopt *a, struct process *p, struct record_writer *w)
{
    struct child *c = child_of(a, p);
    child_learn(c, p);
    process_save(p, false, w);
    record_begin(w, "child"); /* of the process before it */
    record_put_int(w, "started", (int64_t)c->started);
    record_put_int(w, "uid", uid_of(p));
    record_put_str(w, "command", process_conf(p)->command);
    record_put_int(w, "in", (int64_t)c->pipes[0]);
    record_put_int(w, "out", (int64_t)c->pipes[1]);
    record_put_int(w, "err", (int64_t)c->pipes[2]);
    record_end(w);
}

static void save_all(struct adopt *a, struct record_writer *w)
{
    struct procfs_identity self;
    record_begin(w, "statefile");
    record_put_int(w, "version", FILE_VERSION);
    record_put_str(w, "boot", a->boot);
    record_put_int(w, "pid", getpid());
    record_put_int(w, "started",
                   procfs_identify(getpid(), &self) == 0 ? (int64_t)self.started : 0);
    record_end(w);
    for (size_t i = 0; i < super_group_count(a->super); i++) {
        struct group *g = super_group_at(a->super, i);
        for (size_t k = 0; k < group_count(g); k++)
            if (process_pid(group_at(g, k)))
                save_child(a, group_at(g, k), w);
    }
    record_begin(w, "end");
    record_end(w);
}

/* Whole or not at all: a reader sees the old one or the new one. 0, or -1 with errno. */
static int replace_file(const char *path, const struct buf *text)
{
    char *fresh = xasprintf("%s.new", path);
    unlink(fresh); /* of one who died while writing it */
    int fd = fd_open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    int rc = fd < 0 ? -1 : fd_write_all(fd, buf_data(text), text->len);
    fd_close(&fd);
    if (rc == 0)
        rc = rename(fresh, path);
    if (rc < 0) {
        int saved = errno;
        unlink(fresh);
        errno = saved;
    }
    free(fresh);
    return rc;
}

static void write_file(struct adopt *a)
{
    struct buf text;
    buf_init(&text, FILE_MAX_BYTES);
    struct record_writer w = {.out = &text};
    save_all(a, &w);
    if (w.failed)
        errno = ENOMEM;
    if (w.failed || replace_file(a->path, &text) < 0) {
        timer_set(&a->retry, loop_now_ms(super_loop(a->super)) + WRITE_RETRY_MS);
        if (!a->failed)
            log_error("the state file %s is not written: %s", a->path, strerror(errno));
        a->failed = true;
    } else {
        if (a->failed)
            log_info("the state file %s is written again", a->path);
        a->failed = false;
        a->written = true;
    }
    buf_free(&text);
}

/* Until it is written it names the wrong pids. */
static void write_again(struct timer *t, int64_t now_ms)
{
    UNUSED(now_ms);
    write_file(container_of(t, struct adopt, retry));
}

static void adopt_at_end(void *arg)
{
    struct adopt *a = arg;
    const struct engine *engine = super_engine(a->super);
    if (a->changes_seen == engine->state_changes)
        return;
    a->changes_seen = engine->state_changes;
    list_each(it, &a->children)
    {
        struct child *c = list_item(it, struct child, link);
        const struct process *p = super_find_process(a->super, c->process_id);
        if (!p)
            child_free(c);
        else if (process_pid(p) != c->held_pid)
            loop_close_fd(super_loop(a->super), &c->held);
    }
    if (a->path)
        write_file(a);
}

/* --- reading ------------------------------------------------------------------------ */

/* Only we may have written it: what it names is signalled and read from. 0, or -1. */
static int read_file(const char *path, struct buf *text)
{
    struct stat st;
    char *room;
    int fd = fd_open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0) {
        if (errno != ENOENT)
            log_warn("nothing is adopted: %s: %s", path, strerror(errno));
        return -1;
    }
    int rc = -1;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
        (st.st_mode & 022) || st.st_size > FILE_MAX_BYTES) {
        log_warn("nothing is adopted: %s is not a file of ours alone", path);
    } else if (buf_reserve(text, (size_t)st.st_size, &room) == 0) {
        ssize_t n = read(fd, room, (size_t)st.st_size);
        if (n == st.st_size) {
            buf_commit(text, (size_t)n);
            rc = 0;
        }
    }
    fd_close(&fd);
    return rc;
}

static int64_t number(const struct record_reader *r, const char *key)
{
    return record_get_int(r, key, 0, INT64_MAX, 0);
}

/* It is the process that was seen then, and not the next one with its pid. */
static bool is_still(pid_t pid, uint64_t started, struct procfs_identity *id)
{
    return pid > 0 && procfs_identify(pid, id) == 0 && id->started == started &&
           id->state != 'Z' && id->state != 'X';
}

/* 0: a file of this boot whose writer is dead. */
static int check_head(struct adopt *a, struct record_reader *r)
{
    struct procfs_identity id;
    pid_t pid;
    if (record_next(r) != 1 || !record_is(r, "statefile") ||
        number(r, "version") != FILE_VERSION) {
        log_warn("nothing is adopted: %s is of another version", a->path);
        return -1;
    }
    char *boot = record_get_str(r, "boot");
    bool same_boot = boot && boot[0] && str_eq(boot, a->boot);
    free(boot);
    if (!same_boot) {
        log_info("nothing is adopted: %s is from before the last boot", a->path);
        return -1;
    }
    pid = (pid_t)record_get_int(r, "pid", 0, INT_MAX, 0);
    if (pid != getpid() && is_still(pid, (uint64_t)number(r, "started"), &id)) {
        log_error("nothing is adopted: %s belongs to the supervisord with pid %d, which "
                  "lives; it is not written to",
                  a->path, (int)pid);
        free(a->path);
        a->path = NULL;
        return -1;
    }
    return 0;
}

/* --- taking over -------------------------------------------------------------------- */

/* The pipe that the child was given, if it still uses it. -1 with errno. */
static int reopen_pipe(pid_t pid, int number_there, ino_t inode, int flags)
{
    char path[48];
    struct stat st;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, number_there);
    /* looked at first: to open a device may do something */
    if (stat(path, &st) < 0)
        return -1;
    if (!S_ISFIFO(st.st_mode) || st.st_ino != inode) {
        errno = ENXIO;
        return -1;
    }
    int fd = fd_open(path, flags | O_NONBLOCK | O_NOCTTY, 0);
    if (fd >= 0 && inode_of(fd) != inode) {
        fd_close(&fd);
        errno = ENXIO;
    }
    return fd;
}

static void take_pipes(struct process *p, const ino_t inodes[3])
{
    static const char *const names[] = {"input", "output", "errors"};
    for (int i = 0; i < 3; i++) {
        if (!inodes[i])
            continue;
        int fd = reopen_pipe(process_pid(p), i, inodes[i], i == 0 ? O_WRONLY : O_RDONLY);
        if (fd < 0 || process_take_pipe(p, i, fd) < 0)
            log_warn("the %s of '%s' cannot be taken over: %s", names[i],
                     process_conf(p)->name,
                     errno == ENXIO ? "it goes elsewhere now" : strerror(errno));
    }
}

/* What the file tells of one child, between its two objects. */
struct found {
    struct process *process;
    char *label; /* group:name */
    pid_t pid;
    struct record_reader saved; /* its process object */
};

/* Why it is not taken over, or NULL. */
static const char *objection(const struct found *f, const struct record_reader *r)
{
    struct procfs_identity id;
    uid_t wanted, was = (uid_t)record_get_int(r, "uid", 0, UINT32_MAX, UINT32_MAX);
    if (!is_still(f->pid, (uint64_t)number(r, "started"), &id))
        return "has ended";
    if (!f->process)
        return "is left alone: the configuration has no such program";
    wanted = uid_of(f->process);
    if (was != wanted || (wanted != 0 && id.uid != wanted)) /* root may become anyone */
        return "is left alone: it does not run as the user it should";
    return NULL;
}

static void take_over(struct adopt *a, const struct found *f,
                      const struct record_reader *r, int *pidfd)
{
    struct procfs_identity id;
    struct err err;
    struct process *p = f->process;
    const struct program_conf *conf = process_conf(p);
    if (process_restore(p, &f->saved, &err) < 0) {
        log_error("%s (pid %d) is left alone: %s", f->label, (int)f->pid, err.text);
        return;
    }
    struct child *c = child_of(a, p);
    c->pid = f->pid;
    c->started = (uint64_t)number(r, "started");
    c->pipes[0] = (ino_t)number(r, "in");
    c->pipes[1] = (ino_t)number(r, "out");
    c->pipes[2] = (ino_t)number(r, "err");
    take_pipes(p, c->pipes);
    if (procfs_identify(f->pid, &id) < 0 || id.parent != getpid()) {
        watch_stranger(c, p, *pidfd);
        *pidfd = -1;
    }
    log_info("adopted: '%s' with pid %d (%s)", conf->name, (int)f->pid,
             proc_state_name(process_state(p)));
    char *command = record_get_str(r, "command");
    if (!command || !str_eq(command, conf->command))
        log_warn("'%s' runs the command of its old configuration until it is restarted",
                 conf->name);
    free(command);
    if (group_conf(process_group(p))->kind != GROUP_PROGRAMS) {
        log_info("'%s' is started anew: what it was doing is not known", conf->name);
        process_renew(p);
    } else if (process_state(p) == PROC_STOPPING && conf->autostart) {
        process_renew(p);
    }
}

static void consider(struct adopt *a, const struct found *f,
                     const struct record_reader *r)
{
    int pidfd = pidwatch_pidfd(f->pid); /* first: now the pid is nobody else's */
    const char *why = objection(f, r);
    if (why)
        log_at(f->process ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "%s (pid %d) %s", f->label,
               (int)f->pid, why);
    else
        take_over(a, f, r, &pidfd);
    fd_close(&pidfd);
}

static void find(struct adopt *a, const struct record_reader *r, struct found *f)
{
    char *group = record_get_str(r, "group"), *name = record_get_str(r, "name");
    struct group *g = group ? super_find_group(a->super, group) : NULL;
    free(f->label);
    f->label = xasprintf("%s:%s", group ? group : "", name ? name : "");
    f->process = g && name ? group_find(g, name) : NULL;
    f->pid = (pid_t)record_get_int(r, "pid", 1, INT_MAX, 0);
    f->saved = *r;
    free(group);
    free(name);
}

/* A file that was cut or altered is refused whole. */
static bool is_whole(const struct buf *text)
{
    struct record_reader r;
    bool ended = false;
    int rc;
    record_open(&r, buf_data(text), text->len);
    while ((rc = record_next(&r)) == 1)
        ended = record_is(&r, "end");
    return rc == 0 && ended;
}

void adopt_programs(struct adopt *a)
{
    struct buf text;
    struct record_reader r;
    struct found f = {0};
    if (!a->path)
        return;
    buf_init(&text, FILE_MAX_BYTES);
    if (read_file(a->path, &text) < 0)
        goto out;
    if (!is_whole(&text)) {
        log_error("nothing is adopted: %s is damaged", a->path);
        goto out;
    }
    record_open(&r, buf_data(&text), text.len);
    if (check_head(a, &r) < 0)
        goto out;
    while (record_next(&r) == 1) {
        if (record_is(&r, "process"))
            find(a, &r, &f);
        else if (record_is(&r, "child") && f.pid > 0)
            consider(a, &f, &r);
    }
    free(f.label);
out:
    buf_free(&text);
}

/* --- life --------------------------------------------------------------------------- */

/* Those that an earlier image of us has adopted, and children of a dead one whose keeper
 * is dead too. */
static void watch_restored(struct adopt *a, struct process *p)
{
    struct child *c = child_of(a, p);
    int pidfd = process_pid_fd(p);
    c->pid = process_pid(p);
    c->started = process_started_ticks(p);
    for (int i = 0; i < 3; i++)
        c->pipes[i] = inode_of(process_pipe_fd(p, i));
    watch_stranger(c, p, pidfd >= 0 ? pidfd : pidwatch_pidfd(c->pid));
}

/* Its end is told by the keeper. Should the keeper die, it is a stranger, which must be
 * known by then: its pidfd stays open over all deaths of ours. False: it is gone. */
static bool hold(struct adopt *a, struct process *p)
{
    struct child *c = child_of(a, p);
    int pidfd = process_pid_fd(p);
    c->held_pid = process_pid(p);
    c->held = pidfd >= 0 ? pidfd : pidwatch_pidfd(c->held_pid);
    bool there = c->held >= 0 || errno != ESRCH;
    if (c->held > a->fds_max)
        fd_close(&c->held); /* pipes of new programs are worth more */
    if (c->held != pidfd)
        process_set_identity(p, process_started_ticks(p), c->held, false);
    return there;
}

/* Children of the supervisords before us are the keeper's. Those of a dead keeper are
 * nobody's; the new one has those that it made when it was supervisord. */
static bool is_the_keepers(const struct adopt *a, const struct process *p)
{
    struct procfs_identity id;
    return a->same_keeper ||
           (procfs_identify(process_pid(p), &id) == 0 && id.parent == keeper_pid());
}

/* Whoever is gone has been told of by the keeper before it let go of it. */
static void inherit(struct adopt *a, struct process *p)
{
    pid_t pid = process_pid(p);
    if (is_the_keepers(a, p) && hold(a, p))
        return;
    keeper_drain();
    if (process_pid(p) == pid)
        watch_restored(a, p);
}

static void each_running(struct adopt *a, void (*fn)(struct adopt *a, struct process *p))
{
    for (size_t i = 0; i < super_group_count(a->super); i++) {
        struct group *g = super_group_at(a->super, i);
        for (size_t k = 0; k < group_count(g); k++)
            if (process_pid(group_at(g, k)))
                fn(a, group_at(g, k));
    }
}

static void look_at_restored(struct adopt *a, struct process *p)
{
    if (process_is_foreign(p))
        watch_restored(a, p);
    else if (keeper_present())
        inherit(a, p);
}

struct adopt *adopt_open(struct super *s, pid_t keeper_before)
{
    const struct server_conf *server = &super_conf(s)->server;
    struct adopt *a = xcalloc(1, sizeof *a);
    a->super = s;
    a->same_keeper = keeper_before == keeper_pid();
    list_init(&a->children);
    timer_init(&a->retry, loop_timers(super_loop(s)), write_again);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < INT_MAX)
        a->fds_max = (int)(limit.rlim_cur / 4 * 3);
    else
        a->fds_max = INT_MAX;
    if (server->adopt && server->statefile)
        a->path = xstrdup(server->statefile);
    else if (server->adopt)
        a->path = xasprintf("%s.state", server->pidfile);
    if (a->path)
        procfs_boot_id(a->boot);
    a->changes_seen = super_engine(s)->state_changes - 1; /* our pid is new to the file */
    each_running(a, look_at_restored);
    loop_add_hook(super_loop(s), HOOK_END, &a->at_end, adopt_at_end, a);
    return a;
}

static bool programs_left(const struct adopt *a)
{
    for (size_t i = 0; i < super_group_count(a->super); i++) {
        struct group *g = super_group_at(a->super, i);
        for (size_t k = 0; k < group_count(g); k++)
            if (process_pid(group_at(g, k)))
                return true;
    }
    return false;
}

void adopt_close(struct adopt *a)
{
    if (!a)
        return;
    loop_del_hook(&a->at_end);
    timer_cancel(&a->retry);
    if (a->written && !programs_left(a))
        unlink(a->path);
    list_each(it, &a->children) child_free(list_item(it, struct child, link));
    map_free(&a->by_process);
    free(a->path);
    free(a);
}
