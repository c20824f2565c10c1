/* A process's life as a record, and back: what the next image of supervisord needs to go
 * on with the same child, its pipes, its deadline and what is under way in both
 * directions. */
#include "applets/supervisord/process_priv.h"

#include "applets/supervisord/group.h"
#include "core/base/alloc.h"
#include "core/io/fd.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* "out_fd" and so on, in a static room: dies with the next call. */
static const char *key_of(const char *prefix, const char *key)
{
    static char room[40];
    snprintf(room, sizeof room, "%s_%s", prefix, key);
    return room;
}

static void save_channel(const struct channel *ch, const char *prefix,
                         struct record_writer *w)
{
    record_put_str(w, key_of(prefix, "auto"), ch->auto_path);
    record_put_int(w, key_of(prefix, "fd"), ch->fd);
    if (ch->fd < 0)
        return;
    record_put_int(w, key_of(prefix, "inside"), ch->capture.inside);
    record_put_int(w, key_of(prefix, "matched"), (int64_t)ch->capture.matched);
    record_put_int(w, key_of(prefix, "ansi"), ch->ansi.phase);
    if (ch->captured.len > 0)
        record_put(w, key_of(prefix, "captured"), buf_data(&ch->captured),
                   ch->captured.len);
}

void process_save(const struct process *p, struct record_writer *w)
{
    record_begin(w, "process");
    record_put_str(w, "group", group_name(p->group));
    record_put_str(w, "name", p->conf->name);
    record_put_int(w, "state", p->state);
    record_put_int(w, "pid", p->pid);
    record_put_int(w, "exit_status", p->exit_status);
    record_put_int(w, "wait_status", p->wait_status);
    record_put_int(w, "has_ended", p->has_ended);
    record_put_int(w, "starts", p->starts);
    record_put_int(w, "tries", p->tries);
    record_put_str(w, "spawn_error", p->spawn_error);
    record_put_int(w, "started_ms", p->started_ms);
    record_put_int(w, "start_secs", p->start_secs);
    record_put_int(w, "stop_secs", p->stop_secs);
    record_put_int(w, "deadline_ms", process_deadline_ms(p));
    record_put_int(w, "queued", !list_empty(&p->start_link));
    save_channel(&p->out, "out", w);
    save_channel(&p->err, "err", w);
    record_put_int(w, "in_fd", p->in.fd);
    if (p->in.waiting.len > 0)
        record_put(w, "in_waiting", buf_data(&p->in.waiting), p->in.waiting.len);
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

/* The number stands for an open pipe, or -1. */
static int pipe_of(const struct record_reader *r, const char *key)
{
    struct stat st;
    int fd = (int)record_get_int(r, key, -1, INT_MAX, -1);
    return fd >= 0 && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) ? fd : -1;
}

static int restore_buf(const struct record_reader *r, const char *key, struct buf *out)
{
    struct span bytes;
    return record_get(r, key, &bytes) ? buf_append(out, bytes.ptr, bytes.len) : 0;
}

static int restore_channel(struct channel *ch, const char *prefix,
                           const struct record_reader *r)
{
    int fd = pipe_of(r, key_of(prefix, "fd"));
    free(ch->auto_path);
    ch->auto_path = record_get_str(r, key_of(prefix, "auto"));
    if (fd < 0)
        return 0;
    if (fd_set_cloexec(fd, true) < 0 || channel_open(ch, fd) < 0)
        return -1;
    channel_open_log(ch);
    capture_resume(&ch->capture, number(r, key_of(prefix, "inside"), 0) == 1,
                   (size_t)record_get_int(r, key_of(prefix, "matched"), 0, 64, 0));
    ch->ansi.phase = (int)record_get_int(r, key_of(prefix, "ansi"), 0, 2, 0);
    return restore_buf(r, key_of(prefix, "captured"), &ch->captured);
}

static int restore_stdin(struct stdin_queue *q, struct loop *loop,
                         const struct record_reader *r)
{
    int fd = pipe_of(r, "in_fd");
    if (fd < 0)
        return 0;
    if (fd_set_cloexec(fd, true) < 0 || stdin_queue_open(q, loop, fd) < 0 ||
        restore_buf(r, "in_waiting", &q->waiting) < 0)
        return -1;
    if (q->waiting.len > 0)
        loop_want(&q->watch, WATCH_WRITE);
    return 0;
}

int process_restore(struct process *p, const struct record_reader *r, struct err *err)
{
    int64_t state = number(r, "state", -1), deadline_ms = number(r, "deadline_ms", -1);
    if (!is_state(state))
        return err_set(err, ERR_SYNTAX, "the saved state of '%s' is none", p->conf->name);
    p->state = (enum proc_state)state;
    p->pid = (pid_t)record_get_int(r, "pid", 0, INT_MAX, 0);
    p->exit_status = (int)number(r, "exit_status", 0);
    p->wait_status = (int)number(r, "wait_status", 0);
    p->has_ended = number(r, "has_ended", 0) == 1;
    p->starts = (unsigned)record_get_int(r, "starts", 0, UINT_MAX, 0);
    p->tries = (int)record_get_int(r, "tries", 0, INT_MAX, 0);
    process_set_spawn_error(p, record_get_str(r, "spawn_error"));
    p->started_ms = number(r, "started_ms", 0);
    p->start_secs = number(r, "start_secs", 0);
    p->stop_secs = number(r, "stop_secs", 0);
    if (p->pid)
        map_put(&p->engine->by_pid, &p->pid, sizeof p->pid, p);
    if (deadline_ms >= 0)
        timer_set(&p->deadline, deadline_ms);
    if (number(r, "queued", 0) == 1)
        process_start_queued(p);
    if (restore_channel(&p->out, "out", r) < 0 ||
        restore_channel(&p->err, "err", r) < 0 ||
        restore_stdin(&p->in, p->engine->loop, r) < 0)
        return err_sys(err, "the pipes of '%s'", p->conf->name);
    return 0;
}
