/* A process's life as a record, and back: what the next image of supervisord needs to go
 * on with the same child, its pipes, its deadline and what is under way in both
 * directions. Saving is done in every turn in which a process changed: it must be cheap,
 * so what has its usual value is left out. */
#include "applets/supervisord/process_priv.h"

#include "applets/supervisord/group.h"
#include "core/base/alloc.h"
#include "core/base/log.h"
#include "core/io/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct channel_keys {
    const char *auto_path, *fd, *inside, *matched, *ansi, *captured;
};

static const struct channel_keys out_keys = {"out_auto",    "out_fd",   "out_inside",
                                             "out_matched", "out_ansi", "out_captured"};
static const struct channel_keys err_keys = {"err_auto",    "err_fd",   "err_inside",
                                             "err_matched", "err_ansi", "err_captured"};

static void put_fd(struct record_writer *w, const char *key, int fd)
{
    if (fd >= 0)
        record_put_fd(w, key, fd);
}

static void save_channel(const struct channel *ch, const struct channel_keys *key,
                         bool with_fds, struct record_writer *w)
{
    record_put_str(w, key->auto_path, ch->auto_path);
    if (ch->fd < 0 || !with_fds)
        return;
    record_put_fd(w, key->fd, ch->fd);
    record_put_unless(w, key->inside, ch->capture.inside, 0);
    record_put_unless(w, key->matched, (int64_t)ch->capture.matched, 0);
    record_put_unless(w, key->ansi, ch->ansi.phase, 0);
    if (ch->captured && ch->captured->len > 0)
        record_put(w, key->captured, buf_data(ch->captured), ch->captured->len);
}

void process_save(const struct process *p, bool with_fds, struct record_writer *w)
{
    record_begin(w, "process");
    record_put_str(w, "group", group_name(p->group));
    record_put_str(w, "name", p->conf->name);
    record_put_int(w, "id", (int64_t)p->id);
    record_put_int(w, "state", p->state);
    record_put_unless(w, "pid", p->pid, 0);
    record_put_unless(w, "started", (int64_t)p->started_ticks, 0);
    record_put_unless(w, "foreign", p->foreign, 0);
    record_put_unless(w, "dying", p->dying, 0);
    record_put_unless(w, "renew", p->renew, 0);
    record_put_unless(w, "exit_status", p->exit_status, 0);
    record_put_unless(w, "wait_status", p->wait_status, 0);
    record_put_unless(w, "has_ended", p->has_ended, 0);
    record_put_unless(w, "starts", p->starts, 0);
    record_put_unless(w, "tries", p->tries, 0);
    record_put_str(w, "spawn_error", p->spawn_error);
    record_put_unless(w, "started_ms", p->started_ms, 0);
    record_put_unless(w, "start_secs", p->start_secs, 0);
    record_put_unless(w, "stop_secs", p->stop_secs, 0);
    record_put_unless(w, "reported_ms", p->stop_reported_ms, 0);
    record_put_unless(w, "deadline_ms", process_deadline_ms(p), -1);
    record_put_unless(w, "queued", !list_empty(&p->start_link), 0);
    save_channel(&p->out, &out_keys, with_fds, w);
    save_channel(&p->err, &err_keys, with_fds, w);
    if (with_fds) {
        put_fd(w, "pid_fd", p->pid_fd);
        put_fd(w, "in_fd", p->in.fd);
        if (p->in.waiting.len > 0)
            record_put(w, "in_waiting", buf_data(&p->in.waiting), p->in.waiting.len);
    }
    record_end(w);
}

/* --- restoring --------------------------------------------------------------------- */

static int64_t number(const struct record_reader *r, const char *key, int64_t fallback)
{
    return record_get_int(r, key, INT64_MIN, INT64_MAX, fallback);
}

static bool is_state(int64_t v)
{
    static const enum proc_state all[] = {PROC_STOPPED, PROC_STARTING, PROC_RUNNING,
                                          PROC_BACKOFF, PROC_STOPPING, PROC_EXITED,
                                          PROC_FATAL,   PROC_UNKNOWN};
    for (size_t i = 0; i < array_len(all); i++)
        if (v == all[i])
            return true;
    return false;
}

static bool is_pipe(int fd)
{
    return fd > STDERR_FILENO && fcntl(fd, F_GETPIPE_SZ) >= 0; /* else EBADF */
}

/* The number stands for an open pipe, or -1. */
static int pipe_of(const struct record_reader *r, const char *key)
{
    int fd = (int)record_get_int(r, key, -1, INT_MAX, -1);
    return is_pipe(fd) ? fd : -1;
}

/* The kernel knows its own: any other descriptor is EBADF here. */
static int pid_fd_of(const struct record_reader *r)
{
    int fd = (int)record_get_int(r, "pid_fd", -1, INT_MAX, -1);
    if (fd < 0 || (syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) < 0 && errno != ESRCH &&
                   errno != EPERM))
        return -1;
    return fd;
}

static int restore_buf(const struct record_reader *r, const char *key, struct buf *out)
{
    struct span bytes;
    return record_get(r, key, &bytes) ? buf_append(out, bytes.ptr, bytes.len) : 0;
}

/* Hundreds of pipes are taken at once, while everybody waits: nothing is done here that
 * can be done later (the log is opened with the first output). */
static int take_output(struct channel *ch, int fd)
{
    if (ch->fd == fd)
        return 0;
    channel_close(ch);
    return channel_open(ch, fd);
}

static int restore_channel(struct channel *ch, const struct channel_keys *key,
                           const struct record_reader *r)
{
    int fd = pipe_of(r, key->fd);
    if (ch->engine->restoring) { /* else it has a new log already */
        free(ch->auto_path);
        ch->auto_path = record_get_str(r, key->auto_path);
    }
    if (fd < 0)
        return 0;
    if (take_output(ch, fd) < 0)
        return -1;
    capture_resume(&ch->capture, number(r, key->inside, 0) == 1,
                   (size_t)record_get_int(r, key->matched, 0, 64, 0));
    ch->ansi.phase = (int)record_get_int(r, key->ansi, 0, 2, 0);
    struct span captured;
    return record_get(r, key->captured, &captured)
               ? buf_append(channel_captured(ch), captured.ptr, captured.len)
               : 0;
}

static int take_input(struct process *p, int fd)
{
    if (p->in.fd == fd)
        return 0;
    stdin_queue_close(&p->in);
    return stdin_queue_open(&p->in, p->engine->loop, fd);
}

static int restore_stdin(struct process *p, const struct record_reader *r)
{
    int fd = pipe_of(r, "in_fd");
    if (fd < 0)
        return 0;
    p->in.waiting.max = BUF_NO_LIMIT; /* what comes alone may be of any size */
    if (take_input(p, fd) < 0 || restore_buf(r, "in_waiting", &p->in.waiting) < 0)
        return -1;
    if (p->in.waiting.len > 0)
        loop_want(&p->in.watch, WATCH_WRITE);
    return 0;
}

/* A number that another process has is not taken: then it gets a new one. */
static void restore_id(struct process *p, uint64_t id)
{
    struct engine *engine = p->engine;
    map_del(&engine->by_id, &p->id, sizeof p->id);
    if (id == 0 || map_get(&engine->by_id, &id, sizeof id))
        id = engine->last_process_id + 1;
    if (id > engine->last_process_id)
        engine->last_process_id = id;
    p->id = id;
    map_put(&engine->by_id, &p->id, sizeof p->id, p);
}

static void restore_child(struct process *p, const struct record_reader *r)
{
    pid_t pid = (pid_t)record_get_int(r, "pid", 1, INT_MAX, 0);
    if (pid == 0 || (!proc_state_is_signallable(p->state) && p->state != PROC_UNKNOWN))
        return;
    p->pid = pid;
    p->dying = number(r, "dying", 0) == 1;
    map_put(&p->engine->by_pid, &p->pid, sizeof p->pid, p);
    process_set_identity(p, (uint64_t)record_get_int(r, "started", 0, INT64_MAX, 0),
                         pid_fd_of(r), number(r, "foreign", 0) == 1);
}

bool process_can_restore(const struct record_reader *r)
{
    return is_state(number(r, "state", -1));
}

int process_restore(struct process *p, const struct record_reader *r, struct err *err)
{
    int64_t state = number(r, "state", -1), deadline_ms = number(r, "deadline_ms", -1);
    if (!process_can_restore(r))
        return err_set(err, ERR_SYNTAX, "the saved state of '%s' is none", p->conf->name);
    restore_id(p, (uint64_t)record_get_int(r, "id", 0, INT64_MAX, 0));
    p->state = (enum proc_state)state;
    restore_child(p, r);
    p->exit_status = (int)record_get_int(r, "exit_status", INT_MIN, INT_MAX, 0);
    p->wait_status = (int)record_get_int(r, "wait_status", INT_MIN, INT_MAX, 0);
    p->has_ended = number(r, "has_ended", 0) == 1;
    p->renew = number(r, "renew", 0) == 1;
    p->starts = (unsigned)record_get_int(r, "starts", 0, UINT_MAX, 0);
    p->tries = (int)record_get_int(r, "tries", 0, INT_MAX, 0);
    process_set_spawn_error(p, record_get_str(r, "spawn_error"));
    p->started_ms = number(r, "started_ms", 0);
    p->start_secs = number(r, "start_secs", 0);
    p->stop_secs = number(r, "stop_secs", 0);
    p->stop_reported_ms = number(r, "reported_ms", 0);
    if (deadline_ms >= 0)
        timer_set(&p->deadline, deadline_ms);
    if (number(r, "queued", 0) == 1)
        process_start_queued(p);
    if (restore_channel(&p->out, &out_keys, r) < 0 ||
        restore_channel(&p->err, &err_keys, r) < 0 || restore_stdin(p, r) < 0)
        return err_sys(err, "the pipes of '%s'", p->conf->name);
    return 0;
}

void process_finish_chunk(struct process *p, const struct journal_chunk *chunk)
{
    channel_finish_chunk(chunk->is_stderr ? &p->err : &p->out, chunk);
}

void process_take_child(struct process *p, const struct process_spawned *child)
{
    p->pid = child->pid;
    map_put(&p->engine->by_pid, &p->pid, sizeof p->pid, p);
    if ((is_pipe(child->in_fd) && take_input(p, child->in_fd) < 0) ||
        (is_pipe(child->out_fd) && take_output(&p->out, child->out_fd) < 0) ||
        (is_pipe(child->err_fd) && take_output(&p->err, child->err_fd) < 0))
        log_crit("the pipes of '%s' are lost: %s", p->conf->name, strerror(errno));
    log_info("spawned: '%s' with pid %d", p->conf->name, (int)p->pid);
}
