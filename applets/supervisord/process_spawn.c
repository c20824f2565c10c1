#include "applets/supervisord/process_priv.h"

#include "applets/supervisord/child_env.h"
#include "applets/supervisord/group.h"
#include "core/base/alloc.h"
#include "core/base/log.h"
#include "core/base/pytext.h"
#include "core/base/words.h"
#include "core/io/fd.h"
#include "core/io/journal.h"
#include "core/io/spawn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* argv and the file to execute. 0, or -1 with err. */
static int resolve_command(struct process *p, struct strv *argv, char **file,
                           struct err *err)
{
    struct err why;
    if (words_split(p->conf->command, argv, &why) < 0) {
        char *shown = py_repr(span_of(p->conf->command));
        err_set(err, ERR_SYNTAX, "can't parse command %s: %s", shown, why.text);
        free(shown);
        return -1;
    }
    if (argv->len == 0)
        return err_set(err, ERR_SYNTAX, "command is empty");
    return spawn_find_command(argv->items[0], child_env_path(p->conf, p->engine->path),
                              file, err);
}

int process_check_command(struct process *p, struct err *err)
{
    struct strv argv = {0};
    char *file = NULL;
    int rc = resolve_command(p, &argv, &file, err);
    strv_free(&argv);
    free(file);
    return rc;
}

struct pipes { /* both ends of each; -1: none */
    int in[2], out[2], err[2];
};

static void close_pair(int ends[2])
{
    fd_close(&ends[0]);
    fd_close(&ends[1]);
}

static void close_pipes(struct pipes *pipes)
{
    close_pair(pipes->in);
    close_pair(pipes->out);
    close_pair(pipes->err);
}

static int open_pipes(struct pipes *pipes, bool with_stderr, bool survivable,
                      struct err *err)
{
    *pipes = (struct pipes){{-1, -1}, {-1, -1}, {-1, -1}};
    if (fd_pipe(pipes->in, err) == 0 && fd_pipe(pipes->out, err) == 0 &&
        (!with_stderr || fd_pipe(pipes->err, err) == 0)) {
        if (survivable) {
            fd_open_both_ways(&pipes->in[0]);
            fd_open_both_ways(&pipes->out[1]);
            fd_open_both_ways(&pipes->err[1]);
        }
        return 0;
    }
    int saved = errno;
    close_pipes(pipes);
    errno = saved;
    return -1;
}

/* A FastCGI program has the group's listening socket as its standard input, so there is
 * no pipe to it. 0, or -1 with err. */
static int plan_stdin(struct process *p, const struct pipes *pipes, int *fd,
                      struct err *err)
{
    *fd = pipes->in[0];
    if (group_conf(p->group)->kind != GROUP_FCGI)
        return 0;
    stdin_queue_close(&p->in);
    *fd = group_fcgi_fd(p->group, err);
    return *fd < 0 ? -1 : 0;
}

/* Our ends go to the channels and the queue, which own them from then on. */
static int watch_pipes(struct process *p, struct pipes *pipes)
{
    if (stdin_queue_open(&p->in, p->engine->loop, pipes->in[1]) < 0)
        return -1;
    pipes->in[1] = -1;
    if (channel_open(&p->out, pipes->out[0]) < 0)
        return -1;
    pipes->out[0] = -1;
    if (pipes->err[0] >= 0) {
        if (channel_open(&p->err, pipes->err[0]) < 0)
            return -1;
        pipes->err[0] = -1;
    }
    return 0;
}

static int fail(struct process *p, char *text)
{
    log_info("spawnerr: %s", text);
    process_set_spawn_error(p, text);
    return -1;
}

static int fail_pipes(struct process *p, int number)
{
    const char *name = p->conf->name;
    if (number == EMFILE)
        return fail(p, xasprintf("too many open files to spawn '%s'", name));
    const char *symbol = err_errno_name(number);
    return fail(p, xasprintf("unknown error making dispatchers for '%s': %s", name,
                             symbol ? symbol : "?"));
}

static int fail_fork(struct process *p, int number)
{
    const char *name = p->conf->name;
    if (number == EAGAIN)
        return fail(p,
                    xasprintf("Too many processes in process table to spawn '%s'", name));
    const char *symbol = err_errno_name(number);
    return fail(p, xasprintf("unknown error during fork for '%s': %s", name,
                             symbol ? symbol : "?"));
}

/* Ids for the child, if it is to have others than ours. 0, or -1 with err. */
static int plan_user(struct process *p, struct spawn_plan *plan, gid_t **groups,
                     char *label, size_t label_bytes, struct err *err)
{
    if (!p->conf->has_uid || p->conf->uid == getuid())
        return 0;
    plan->has_uid = true;
    plan->uid = p->conf->uid;
    snprintf(label, label_bytes, "%lu", (unsigned long)p->conf->uid);
    plan->user_label = label;
    if (spawn_groups_of(p->conf->user, p->conf->uid, &plan->gid, groups,
                        &plan->group_count, err) < 0)
        return -1;
    plan->groups = *groups;
    return 0;
}

/* Under a keeper our death is an incident that programs do not notice. */
static int death_signal_of(const struct process *p)
{
    const struct server_conf *server = &p->engine->conf->server;
    bool tied = server->on_supervisor_death == ON_DEATH_STOP && !p->engine->kept;
    return tied ? p->conf->stopsignal : 0;
}

/* The kernel tells the journal of the child before it tells us. 0, or an errno. */
static int run_plan(struct process *p, struct spawn_plan *plan)
{
    struct journal_entry *e = journal_begin(JOURNAL_SPAWN);
    struct err err;

    if (e) {
        e->u.spawn = (struct journal_spawn){.process_id = p->id,
                                            .started_ms = p->started_ms,
                                            .start_secs = p->start_secs,
                                            .in_fd = p->in.fd,
                                            .out_fd = p->out.fd,
                                            .err_fd = p->err.fd};
        journal_note_fd(p->in.fd);
        journal_note_fd(p->out.fd);
        journal_note_fd(p->err.fd);
        plan->pid_at = &e->u.spawn.pid;
    }
    pid_t pid = spawn_run(plan, &err);
    if (pid < 0) {
        int number = errno;
        journal_cancel(e);
        return number;
    }
    p->pid = pid;
    map_put(&p->engine->by_pid, &p->pid, sizeof p->pid, p);
    journal_done(e);
    return 0;
}

static int fork_child(struct process *p, const char *file, char *const *argv,
                      const struct pipes *pipes)
{
    struct err err;
    gid_t *groups = NULL;
    char label[24];
    struct spawn_plan plan = {
        .file = file,
        .argv = argv,
        .fds = {pipes->in[0], pipes->out[1],
                p->conf->redirect_stderr ? pipes->out[1] : pipes->err[1]},
        .cwd = p->conf->directory,
        .umask = p->conf->umask,
        .own_group = true,
        .sole_table = !p->engine->kept,
        .death_signal = death_signal_of(p),
    };
    if (plan_stdin(p, pipes, &plan.fds[0], &err) < 0)
        return fail(p, xstrdup(err.text));
    if (plan_user(p, &plan, &groups, label, sizeof label, &err) < 0)
        return fail(p, xasprintf("couldn't setuid to %s: %s", label, err.text));

    struct child_env env;
    child_env_build(&env, &(struct child_env_in){p->engine->environ, p->conf,
                                                 group_name(p->group),
                                                 p->engine->conf->serverurl});
    plan.envp = env.envp;
    int number = run_plan(p, &plan);
    child_env_free(&env);
    free(groups);
    return number == 0 ? 0 : fail_fork(p, number);
}

int process_spawn(struct process *p)
{
    static struct strv argv; /* its room is kept: see child_env.c */
    char *file = NULL;
    struct pipes pipes;
    struct err err;
    int rc = -1;

    if (resolve_command(p, &argv, &file, &err) < 0) {
        fail(p, xstrdup(err.text));
        goto out;
    }
    channel_open_log(&p->out);
    if (!p->conf->redirect_stderr)
        channel_open_log(&p->err);
    if (open_pipes(&pipes, !p->conf->redirect_stderr, p->engine->conf->server.adopt,
                   &err) < 0) {
        fail_pipes(p, errno);
        goto out;
    }
    if (watch_pipes(p, &pipes) < 0)
        fail_pipes(p, errno);
    else
        rc = fork_child(p, file, argv.items, &pipes);
    close_pipes(&pipes); /* the child's ends, and ours that found no owner */
    if (rc < 0) {
        stdin_queue_close(&p->in);
        channel_close(&p->out);
        channel_close(&p->err);
        goto out;
    }
    log_info("spawned: '%s' with pid %d", p->conf->name, (int)p->pid);
out:
    strv_clear(&argv);
    free(file);
    return rc;
}
