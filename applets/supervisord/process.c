#include "applets/supervisord/process_priv.h"

#include "applets/supervisord/group.h"
#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/signame.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { STOP_REPORT_MS = 2000 };

/* A child that ACT_SPAWN is to take instead of making one: it was made by an earlier
 * image. */
static const struct process_spawned *made_before;

static void feed(struct process *p, enum proc_input input);

static enum event_type event_of_state(enum proc_state s)
{
    switch (s) {
    case PROC_STOPPED:
        return EVENT_PROCESS_STATE_STOPPED;
    case PROC_STARTING:
        return EVENT_PROCESS_STATE_STARTING;
    case PROC_RUNNING:
        return EVENT_PROCESS_STATE_RUNNING;
    case PROC_BACKOFF:
        return EVENT_PROCESS_STATE_BACKOFF;
    case PROC_STOPPING:
        return EVENT_PROCESS_STATE_STOPPING;
    case PROC_EXITED:
        return EVENT_PROCESS_STATE_EXITED;
    case PROC_FATAL:
        return EVENT_PROCESS_STATE_FATAL;
    case PROC_UNKNOWN:
        break;
    }
    return EVENT_PROCESS_STATE_UNKNOWN;
}

static bool exit_was_expected(const struct process *p)
{
    return proc_exit_is_expected(p->exit_status, p->conf->exitcodes,
                                 p->conf->exitcode_count);
}

/* The only place where a state is stored. */
static void set_state(struct process *p, enum proc_state to)
{
    enum proc_state from = p->state;
    if (from == to)
        return;
    p->state = to;
    p->engine->state_changes++;
    if (to == PROC_BACKOFF)
        p->tries++;
    event_emit(&p->engine->bus, &(struct event){.type = event_of_state(to),
                                                .process = p,
                                                .from_state = from,
                                                .tries = p->tries,
                                                .pid = p->pid,
                                                .expected = exit_was_expected(p)});
}

static void arm(struct process *p, enum proc_deadline deadline)
{
    int64_t now = mono_ms();
    switch (deadline) {
    case DEADLINE_KEEP:
        return;
    case DEADLINE_NONE:
        timer_cancel(&p->deadline);
        return;
    case DEADLINE_UP:
        timer_set(&p->deadline, p->started_ms + (int64_t)p->conf->startsecs * 1000);
        return;
    case DEADLINE_RETRY:
        timer_set(&p->deadline, now + (int64_t)p->tries * 1000);
        return;
    case DEADLINE_KILL:
        timer_set(&p->deadline, now + (int64_t)p->conf->stopwaitsecs * 1000);
        return;
    case DEADLINE_KILL_AGAIN: /* stopwaitsecs=0 must not turn into a busy loop */
        timer_set(&p->deadline,
                  now + (p->conf->stopwaitsecs > 1 ? (int64_t)p->conf->stopwaitsecs * 1000
                                                   : 1000));
        return;
    case DEADLINE_RESTART:
        /* Not by the clock of now: what is due at once is due in this turn. */
        timer_set(&p->deadline,
                  proc_restart_due_ms(p->started_ms, loop_now_ms(p->engine->loop)));
        return;
    }
}

static bool wants_restart(const struct process *p)
{
    if (!p->engine->starts_allowed || p->conf->autorestart == RESTART_NEVER)
        return false;
    return p->conf->autorestart == RESTART_ALWAYS || !exit_was_expected(p);
}

/* Sends the signal that is to end it. 0, or -1 when the kernel refused. A process that is
 * gone already counts as signalled: its exit comes with the next reaping. */
static int send_stop_signal(struct process *p, int number, bool whole_group)
{
    log_debug("killing %s (pid %d) %swith signal %s", p->conf->name, (int)p->pid,
              whole_group ? "process group " : "", signame_from_number(number));
    if (process_kill(p, whole_group, number) == 0)
        return 0;
    if (errno == ESRCH) {
        log_debug("unable to signal %s (pid %d), it probably just exited on its own: %s",
                  p->conf->name, (int)p->pid, strerror(errno));
        return 0;
    }
    log_crit("unknown problem killing %s (%d):%s", p->conf->name, (int)p->pid,
             strerror(errno));
    return -1;
}

static void act_spawn(struct process *p)
{
    if (made_before)
        process_take_child(p, made_before);
    else if (process_spawn(p) < 0)
        feed(p, IN_SPAWN_FAILED);
}

static void act_count(struct process *p)
{
    if (p->tries > p->conf->startretries)
        feed(p, IN_GIVE_UP);
}

static void act_stop(struct process *p)
{
    p->stop_reported_ms = 0;
    if (send_stop_signal(p, p->conf->stopsignal, p->conf->stopasgroup) < 0)
        feed(p, IN_KILL_REFUSED);
}

static void act_kill(struct process *p)
{
    log_warn("killing '%s' (%d) with SIGKILL", p->conf->name, (int)p->pid);
    if (send_stop_signal(p, SIGKILL, p->conf->killasgroup) < 0)
        feed(p, IN_KILL_REFUSED);
}

static void act_consider(struct process *p)
{
    if (wants_restart(p))
        feed(p, IN_RESTART_LATER);
}

static void act_none(struct process *p)
{
    UNUSED(p);
}

static void (*const actions[])(struct process *p) = {
    [ACT_NONE] = act_none,       [ACT_SPAWN] = act_spawn,  [ACT_COUNT] = act_count,
    [ACT_STOPSIGNAL] = act_stop, [ACT_SIGKILL] = act_kill, [ACT_CONSIDER] = act_consider,
};

/* What people grep for. */
static void log_arrival(const struct process *p, enum proc_state from)
{
    if (p->state == PROC_RUNNING && from == PROC_STARTING)
        log_info("success: %s entered RUNNING state, process has stayed up for > than %d "
                 "seconds (startsecs)",
                 p->conf->name, p->conf->startsecs);
    else if (p->state == PROC_FATAL && from == PROC_BACKOFF)
        log_info("gave up: %s entered FATAL state, too many start retries too quickly",
                 p->conf->name);
}

bool process_is_busy(const struct process *p)
{
    return p->pid != 0 || !proc_state_is_stopped(p->state) ||
           timer_is_set(&p->deadline) || !list_empty(&p->start_link);
}

/* A process that rests holds no descriptors. */
static void close_logs_at_rest(struct process *p)
{
    if (process_is_busy(p))
        return;
    channel_close_log(&p->out);
    channel_close_log(&p->err);
    group_process_rests(p->group);
}

static void feed(struct process *p, enum proc_input input)
{
    enum proc_state from = p->state;
    struct proc_step step = proc_fsm_step(from, input);
    if (!step.taken)
        return;
    if (step.action == ACT_SPAWN) {
        if (!p->engine->starts_allowed && !made_before)
            return;
        list_del(&p->start_link);
        process_set_spawn_error(p, NULL);
        p->exit_status = 0;
        p->starts++;
        p->started_ms = made_before ? made_before->started_ms : mono_ms();
        p->start_secs = made_before ? made_before->start_secs : wall_secs();
    }
    process_mark(p);
    set_state(p, step.to);
    if (step.to == PROC_RUNNING || step.to == PROC_FATAL || step.to == PROC_STOPPED)
        p->tries = 0;
    log_arrival(p, from);
    arm(p, step.deadline);
    actions[step.action](p);
    close_logs_at_rest(p);
}

static void process_on_deadline(struct timer *t, int64_t now_ms)
{
    UNUSED(now_ms);
    feed(container_of(t, struct process, deadline), IN_DEADLINE);
}

struct list *process_dirty_link(struct process *p)
{
    return &p->dirty_link;
}

static void stdin_changed(struct stdin_queue *q)
{
    process_mark(list_item(q, struct process, in));
}

struct process *process_new(struct engine *engine, struct group *group,
                            const struct program_conf *conf)
{
    struct process *p = xcalloc(1, sizeof *p);
    p->engine = engine;
    p->group = group;
    p->conf = conf;
    if (!engine->restoring) { /* else the record knows it */
        p->id = ++engine->last_process_id;
        map_put(&engine->by_id, &p->id, sizeof p->id, p);
    }
    p->state = PROC_STOPPED;
    timer_init(&p->deadline, loop_timers(engine->loop), process_on_deadline);
    list_init(&p->start_link);
    list_init(&p->dirty_link);
    p->pid_fd = -1;
    channel_init(&p->out, engine, p, &conf->out, false);
    channel_init(&p->err, engine, p, &conf->err, true);
    stdin_queue_init(&p->in, stdin_changed);
    return p;
}

void process_free(struct process *p)
{
    timer_cancel(&p->deadline);
    list_del(&p->start_link);
    map_del(&p->engine->by_id, &p->id, sizeof p->id);
    if (p->pid)
        map_del(&p->engine->by_pid, &p->pid, sizeof p->pid);
    stdin_queue_close(&p->in);
    channel_free(&p->out);
    channel_free(&p->err);
    list_del(&p->dirty_link); /* closing marked it */
    process_set_spawn_error(p, NULL);
    free(p);
}

void process_set_spawn_error(struct process *p, char *text)
{
    free(p->spawn_error);
    p->spawn_error = text;
}

void process_mark(struct process *p)
{
    if (list_empty(&p->dirty_link))
        list_append(&p->engine->dirty_processes, &p->dirty_link);
}

struct process *process_of_dirty_link(struct list *link)
{
    return list_item(link, struct process, dirty_link);
}

void process_start(struct process *p)
{
    process_mark(p); /* it may have been queued */
    feed(p, IN_START);
}

void process_start_queued(struct process *p)
{
    if (list_empty(&p->start_link))
        list_append(&p->engine->start_queue, &p->start_link);
    process_mark(p);
    loop_again(p->engine->loop);
}

struct process *process_of_start_link(struct list *link)
{
    return list_item(link, struct process, start_link);
}

void process_stop(struct process *p)
{
    if (!list_empty(&p->start_link))
        process_mark(p);
    list_del(&p->start_link);
    p->renew = false;
    if (p->state == PROC_BACKOFF)
        log_debug("Attempted to kill %s, which is in BACKOFF state.", p->conf->name);
    feed(p, IN_STOP);
}

void process_stop_report(struct process *p)
{
    int64_t now = mono_ms();
    if (p->state != PROC_STOPPING ||
        (p->stop_reported_ms && now - p->stop_reported_ms < STOP_REPORT_MS))
        return;
    p->stop_reported_ms = now;
    log_info("waiting for %s to stop", p->conf->name);
}

void process_give_up(struct process *p)
{
    feed(p, IN_GIVE_UP);
}

int process_signal(struct process *p, int signal_number, struct err *err)
{
    const char *name = signame_from_number(signal_number);
    if (!p->pid) {
        log_debug("attempted to send %s sig %s but it wasn't running", p->conf->name,
                  name);
        return err_set(err, ERR_MISSING,
                       "attempted to send %s sig %s but it wasn't running", p->conf->name,
                       name);
    }
    log_debug("sending %s (pid %d) sig %s", p->conf->name, (int)p->pid, name);
    if (process_kill(p, false, signal_number) == 0)
        return 0;
    if (errno == ESRCH) { /* its exit comes with the next reaping */
        log_debug(
            "unable to signal %s (pid %d), it probably just now exited on its own: %s",
            p->conf->name, (int)p->pid, strerror(errno));
        return 0;
    }
    err_sys(err, "unknown problem sending sig %s (%d)", p->conf->name, (int)p->pid);
    log_crit("unknown problem sending sig %s (%d):%s", p->conf->name, (int)p->pid,
             strerror(errno));
    feed(p, IN_KILL_REFUSED);
    return -1;
}

int process_write_stdin(struct process *p, const void *data, size_t n)
{
    if (!p->pid || p->state == PROC_STOPPING) {
        errno = EPIPE;
        return -1;
    }
    return stdin_queue_write(&p->in, data, n);
}

void process_set_tap(struct process *p, process_tap_fn *fn, void *arg)
{
    channel_set_tap(&p->out, fn, arg);
}

void process_set_note(struct process *p, const char *note)
{
    p->note = note;
}

void process_reopen_logs(struct process *p)
{
    channel_reopen_log(&p->out);
    channel_reopen_log(&p->err);
}

int process_clear_logs(struct process *p, struct err *err)
{
    int out = channel_clear_log(&p->out, err);
    int other = channel_clear_log(&p->err, err);
    return out < 0 || other < 0 ? -1 : 0;
}

/* The words of an exit, and what it leaves in spawnerr and the exit status. */
static void report_exit(struct process *p, bool early, const char *how)
{
    bool expected = exit_was_expected(p);
    if (p->state == PROC_STOPPING) {
        log_at(expected ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "stopped: %s (%s)",
               p->conf->name, how);
    } else if (early) {
        p->exit_status = 0;
        process_set_spawn_error(
            p, xstrdup("Exited too quickly (process log may have details)"));
        log_warn("exited: %s (%s; not expected)", p->conf->name, how);
    } else if (expected) {
        log_info("exited: %s (%s; expected)", p->conf->name, how);
    } else {
        process_set_spawn_error(p, xasprintf("Bad exit code %d", p->exit_status));
        log_warn("exited: %s (%s; not expected)", p->conf->name, how);
    }
}

void process_on_exit(struct process *p, int wait_status)
{
    p->wait_status = wait_status;
    p->dying = true; /* for a record written while its last output is read */
    process_mark(p);
    channel_drain(&p->out);
    channel_drain(&p->err);
    channel_close(&p->out);
    channel_close(&p->err);
    stdin_queue_close(&p->in);

    bool early = p->state == PROC_STARTING &&
                 proc_exit_is_early(mono_ms() - p->started_ms, p->conf->startsecs);
    if (p->state == PROC_STARTING && !early)
        feed(p, IN_DEADLINE); /* RUNNING comes before EXITED */

    char how[80];
    proc_exit_text(wait_status, how, &p->exit_status);
    p->has_ended = true;
    p->stop_secs = wall_secs();
    report_exit(p, early, how);
    map_del(&p->engine->by_pid, &p->pid, sizeof p->pid);
    feed(p, early ? IN_EXIT_EARLY : IN_EXIT); /* its events still carry the pid */
    p->pid = 0;
    p->dying = false;
    process_set_identity(p, 0, -1, false);
    if (p->renew)
        process_start_queued(p);
    p->renew = false;
    close_logs_at_rest(p);
}

void process_on_spawned(struct process *p, const struct process_spawned *spawned)
{
    if (p->pid == spawned->pid)
        return;
    if (p->dying)
        process_on_exit(p, p->wait_status);
    if (p->pid) {
        log_crit("pid %d, made for '%s', is left alone: pid %d is there already",
                 (int)spawned->pid, p->conf->name, (int)p->pid);
        return;
    }
    made_before = spawned;
    if (p->state == PROC_STARTING)
        act_spawn(p); /* the record was written just before the fork */
    else
        feed(p, IN_START);
    made_before = NULL;
}

void process_resume(struct process *p)
{
    if (p->dying)
        process_on_exit(p, p->wait_status);
    if (p->pid || !proc_state_is_signallable(p->state))
        return;
    stdin_queue_close(&p->in);
    channel_close(&p->out);
    channel_close(&p->err);
    if (p->state != PROC_STARTING)
        feed(p, IN_EXIT); /* no record of ours has this */
    else if (p->engine->starts_allowed)
        act_spawn(p);
    else
        feed(p, IN_SPAWN_FAILED);
}

void process_set_identity(struct process *p, uint64_t started, int pid_fd, bool foreign)
{
    p->started_ticks = started;
    p->pid_fd = pid_fd;
    p->foreign = foreign;
    process_mark(p);
}

const struct program_conf *process_conf(const struct process *p)
{
    return p->conf;
}

struct group *process_group(const struct process *p)
{
    return p->group;
}

uint64_t process_id(const struct process *p)
{
    return p->id;
}

uint64_t process_started_ticks(const struct process *p)
{
    return p->started_ticks;
}

int process_pid_fd(const struct process *p)
{
    return p->pid_fd;
}

bool process_is_foreign(const struct process *p)
{
    return p->foreign;
}

enum proc_state process_state(const struct process *p)
{
    return p->state;
}

pid_t process_pid(const struct process *p)
{
    return p->pid;
}

const char *process_spawn_error(const struct process *p)
{
    return p->spawn_error;
}

const char *process_note(const struct process *p)
{
    return p->note;
}

int process_exit_status(const struct process *p)
{
    return p->exit_status;
}

bool process_wait_status(const struct process *p, int *wait_status)
{
    *wait_status = p->wait_status;
    return p->has_ended;
}

unsigned process_starts(const struct process *p)
{
    return p->starts;
}

int64_t process_start_secs(const struct process *p)
{
    return p->start_secs;
}

int64_t process_stop_secs(const struct process *p)
{
    return p->stop_secs;
}

int process_backoff(const struct process *p)
{
    return p->tries;
}

const char *process_log_path(const struct process *p, enum process_channel ch)
{
    return channel_log_path(ch == PROCESS_STDERR ? &p->err : &p->out);
}

int64_t process_deadline_ms(const struct process *p)
{
    return timer_is_set(&p->deadline) ? p->deadline.due_ms : -1;
}
