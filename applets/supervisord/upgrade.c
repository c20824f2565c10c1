/* The trial of a new binary. The one idea: it alone knows whether it can read our state,
 * so it is asked, with a sealed copy, where nothing can go wrong for us. It answers with
 * a line on its standard output; everything but "accepted ..." is a refusal. */
#include "applets/supervisord/upgrade.h"

#include "applets/applet.h"
#include "core/base/alloc.h"
#include "core/base/build.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "core/io/fd.h"
#include "core/io/reexec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIAL_MS = 5000, TRIAL_ALARM_SECS = 10, ANSWER_BYTES = 2000 };

struct upgrade {
    struct upgrade_opts opts;
    enum upgrade_state state;
    char *path, *reason;
    int binary;
    pid_t pid, pid_before; /* of the trial; of the last one that ended */
    struct watch watch;    /* of what it says */
    int answer_fd;
    struct buf answer;
    struct timer deadline;
    void (*on_verdict)(void *arg);
    void *on_verdict_arg;
};

const char *upgrade_version(void)
{
    static char text[80];
    snprintf(text, sizeof text, "%s (build %s)", SUPERVISOR_OWN_VERSION, build_id());
    return text;
}

static void on_deadline(struct timer *t, int64_t now_ms);

struct upgrade *upgrade_new(const struct upgrade_opts *opts)
{
    struct upgrade *u = xcalloc(1, sizeof *u);
    u->opts = *opts;
    u->binary = u->answer_fd = -1;
    buf_init(&u->answer, ANSWER_BYTES);
    timer_init(&u->deadline, loop_timers(opts->loop), on_deadline);
    return u;
}

/* What belongs to the trial alone. */
static void end_trial(struct upgrade *u)
{
    loop_del(&u->watch);
    fd_close(&u->answer_fd);
    timer_cancel(&u->deadline);
    if (u->pid > 0) {
        kill(u->pid, SIGKILL); /* a zombie at worst: it is reaped by the loop alone */
        u->pid_before = u->pid;
    }
    u->pid = 0;
    buf_free(&u->answer);
}

void upgrade_cancel(struct upgrade *u)
{
    if (u->state == UPGRADE_TRIAL)
        log_info("the upgrade to %s is called off", u->path);
    end_trial(u);
    fd_close(&u->binary);
    u->state = UPGRADE_NONE;
    u->on_verdict = NULL;
}

void upgrade_free(struct upgrade *u)
{
    if (!u)
        return;
    upgrade_cancel(u);
    free(u->path);
    free(u->reason);
    free(u);
}

/* --- the verdict ------------------------------------------------------------------- */

static void decide(struct upgrade *u, enum upgrade_state state, char *reason)
{
    void (*fn)(void *) = u->on_verdict;
    end_trial(u);
    u->state = state;
    free(u->reason);
    u->reason = reason;
    if (state == UPGRADE_REFUSED) {
        fd_close(&u->binary);
        log_error("the upgrade to %s is refused: %s", u->path, reason);
    } else {
        log_info("the trial run of %s went well: %s", u->path, reason);
    }
    u->on_verdict = NULL;
    if (fn)
        fn(u->on_verdict_arg);
}

static void on_deadline(struct timer *t, int64_t now_ms)
{
    struct upgrade *u = container_of(t, struct upgrade, deadline);
    UNUSED(now_ms);
    decide(u, UPGRADE_REFUSED,
           xasprintf("its trial run did not end within %d seconds", TRIAL_MS / 1000));
}

/* The first line counts. */
static void judge(struct upgrade *u)
{
    const char *said = buf_str(&u->answer);
    size_t n = strcspn(said, "\n");
    static const char yes[] = "accepted ";
    if (n == 0)
        decide(u, UPGRADE_REFUSED, xstrdup("its trial run ended without a word"));
    else if (said[n] != '\n' || strncmp(said, yes, strlen(yes)) != 0)
        decide(u, UPGRADE_REFUSED, xasprintf("its trial run says: %.*s", (int)n, said));
    else
        decide(u, UPGRADE_ACCEPTED, xstrndup(said + strlen(yes), n - strlen(yes)));
}

static void on_answer(struct watch *w, unsigned ready)
{
    struct upgrade *u = container_of(w, struct upgrade, watch);
    char chunk[512];
    ssize_t n = read(w->fd, chunk, sizeof chunk);
    UNUSED(ready);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 || buf_append(&u->answer, chunk, (size_t)n) < 0)
        judge(u); /* what says too much is none of ours */
}

/* --- the beginning ----------------------------------------------------------------- */

static int open_binary(const char *path, struct err *err)
{
    struct stat st;
    int fd = fd_open(path, O_PATH, 0);
    if (fd < 0)
        return err_sys(err, "%s", path);
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return fd;
    fd_close(&fd);
    return err_set(err, ERR_MISSING, "%s is not a file", path);
}

/* A copy that the trial cannot change, read from its beginning. */
static int sealed_copy(const struct buf *text, struct err *err)
{
    int fd = memfd_create("supervisord-trial", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return err_sys(err, "no memory file for the trial");
    if (fd_write_all(fd, buf_data(text), text->len) < 0 || lseek(fd, 0, SEEK_SET) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) <
            0) {
        err_sys(err, "cannot copy the record for the trial");
        fd_close(&fd);
    }
    return fd;
}

static int start_trial(struct upgrade *u, int record, struct err *err)
{
    static char option[] = "--handoff-check";
    char *argv[] = {(char[]){"supervisord"}, option, NULL};
    int ends[2];
    if (fd_pipe(ends, err) < 0)
        return -1;
    int pid = reexec_trial(u->binary, argv, (int[]){record, ends[1], ends[1]},
                           TRIAL_ALARM_SECS, err);
    fd_close(&ends[1]);
    if (pid < 0) {
        fd_close(&ends[0]);
        return -1;
    }
    u->pid = pid;
    u->answer_fd = ends[0];
    buf_init(&u->answer, ANSWER_BYTES);
    fd_set_nonblock(u->answer_fd, true);
    if (loop_add(u->opts.loop, &u->watch, u->answer_fd, WATCH_READ, on_answer) < 0) {
        err_sys(err, "cannot watch the trial");
        end_trial(u);
        return -1;
    }
    timer_set(&u->deadline, mono_ms() + TRIAL_MS);
    return 0;
}

int upgrade_begin(struct upgrade *u, const char *path, struct err *err)
{
    struct buf text;
    int record = -1, rc = -1;
    if (u->state == UPGRADE_TRIAL || u->state >= UPGRADE_ACCEPTED)
        return err_set(err, ERR_LIMIT, "an upgrade is under way already");
    if (!path)
        path = reexec_path();
    if (!path)
        return err_set(err, ERR_MISSING, "which file? our own was not found at start");
    int binary = open_binary(path, err);
    if (binary < 0)
        return -1;
    upgrade_cancel(u);
    free(u->path);
    u->path = xstrdup(path);
    u->binary = binary;
    buf_init(&text, BUF_NO_LIMIT);
    if (u->opts.save(u->opts.arg, &text, err) == 0 &&
        (record = sealed_copy(&text, err)) >= 0)
        rc = start_trial(u, record, err);
    fd_close(&record);
    buf_free(&text);
    if (rc < 0) {
        fd_close(&u->binary);
        return -1;
    }
    u->state = UPGRADE_TRIAL;
    log_info("upgrade to %s: its trial run has pid %d", path, (int)u->pid);
    return 0;
}

/* --- afterwards -------------------------------------------------------------------- */

void upgrade_on_verdict(struct upgrade *u, void (*fn)(void *arg), void *arg)
{
    u->on_verdict = fn;
    u->on_verdict_arg = arg;
}

enum upgrade_state upgrade_state(const struct upgrade *u)
{
    return u->state;
}

const char *upgrade_reason(const struct upgrade *u)
{
    return u->reason ? u->reason : "";
}

void upgrade_go(struct upgrade *u)
{
    if (u->state != UPGRADE_ACCEPTED)
        return;
    u->state = UPGRADE_DUE;
    u->opts.due(u->opts.arg);
}

int upgrade_take(struct upgrade *u, const char **path)
{
    if (u->state != UPGRADE_DUE)
        return -1;
    int fd = u->binary;
    u->binary = -1;
    u->state = UPGRADE_NONE;
    *path = u->path;
    return fd;
}

bool upgrade_is_trial(const struct upgrade *u, pid_t pid)
{
    return pid > 0 && (pid == u->pid || pid == u->pid_before);
}
