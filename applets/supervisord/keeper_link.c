/* Supervisord's side of the keeper. */
#include "applets/supervisord/keeper.h"

#include "applets/supervisord/keeper_priv.h"
#include "applets/supervisord/reap.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/io/journal.h"
#include "core/io/reexec.h"
#include "core/rules/proc_fsm.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct engine *engine;
static void (*on_signal)(void *arg, int number);
static void *on_signal_arg;
static struct watch watch;
static bool last_message; /* was taken: the answer to NOTE_UPGRADE */

enum { ANSWER_MS = 2000 };

bool keeper_present(void)
{
    return keeper_birth.keeper != 0;
}

pid_t keeper_pid(void)
{
    return keeper_birth.keeper;
}

pid_t keeper_main_pid(void)
{
    return keeper_birth.keeper ? keeper_birth.keeper : getpid();
}

bool keeper_is_lost(void)
{
    return keeper_birth.keeper && getppid() != keeper_birth.keeper;
}

bool keeper_tell_death(void)
{
    char how[80];
    int exit_status;
    if (!keeper_birth.died)
        return false;
    keeper_birth.died = false;
    proc_exit_text(keeper_birth.dead_status, how, &exit_status);
    log_crit("supervisord (pid %d) was ended (%s); pid %d goes on in its place",
             (int)keeper_birth.dead_pid, how, (int)getpid());
    return true;
}

void keeper_fds(int fds[3])
{
    fds[0] = keeper_birth.socks[0];
    fds[1] = keeper_birth.socks[1];
    fds[2] = keeper_birth.signal_fd;
}

/* --- notes ---------------------------------------------------------------------------
 */

static int send_note(enum keeper_note_kind kind, int number, const char *path)
{
    struct keeper_note note = {.kind = (int32_t)kind, .number = number};
    size_t n = offsetof(struct keeper_note, path) + strlen(path) + 1;
    if (n > sizeof note) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(note.path, path, strlen(path) + 1);
    return send(keeper_birth.socks[1], &note, n, MSG_NOSIGNAL) == (ssize_t)n ? 0 : -1;
}

void keeper_finish(int status)
{
    if (keeper_present() && send_note(NOTE_FINISH, status, "") < 0)
        log_crit("the keeper cannot be told of the end: %s", strerror(errno));
}

void keeper_settle(void)
{
    if (keeper_present())
        send_note(NOTE_SETTLED, 0, "");
}

/* --- messages ------------------------------------------------------------------------
 */

/* Straight into the journal: what was taken from the socket is nowhere else. */
static bool take_message(void)
{
    siginfo_t own;
    struct journal_entry *e = journal_begin(JOURNAL_EXIT);
    siginfo_t *info = e ? &e->u.exit : &own;
    if (recv(keeper_birth.socks[1], info, sizeof *info, MSG_DONTWAIT) !=
        (ssize_t)sizeof *info) {
        journal_cancel(e);
        return false;
    }
    int number = info->si_signo;
    if (number == SIGCHLD)
        reap_child(engine, info->si_pid, journal_wait_status(info));
    else if (number == 0)
        last_message = true;
    else
        on_signal(on_signal_arg, number);
    journal_done(e);
    if (number != SIGCHLD && number != 0)
        send_note(NOTE_TAKEN, number, "");
    return true;
}

void keeper_drain(void)
{
    while (keeper_present() && engine && take_message())
        ;
}

void keeper_leave(void)
{
    keeper_drain();
    log_crit("the keeper (pid %d) is dead; pid %d takes its place",
             (int)keeper_birth.keeper, (int)getpid());
    loop_del(&watch);
    keeper_birth.keeper = 0;
}

static void keeper_on_message(struct watch *w, unsigned ready)
{
    UNUSED(w);
    UNUSED(ready);
    keeper_drain();
}

void keeper_serve(struct engine *e)
{
    engine = e;
}

int keeper_listen(struct engine *e, void (*fn)(void *arg, int number), void *arg,
                  struct err *err)
{
    engine = e;
    on_signal = fn;
    on_signal_arg = arg;
    if (!keeper_present())
        return 0;
    if (keeper_birth.trouble[0])
        log_error("the upgrade came to nothing: %s", keeper_birth.trouble);
    if (loop_add(e->loop, &watch, keeper_birth.socks[1], WATCH_READ, keeper_on_message) <
        0)
        return err_sys(err, "cannot watch the keeper's socket");
    return 0;
}

int keeper_upgrade(int binary, const char *path, struct err *err)
{
    int64_t until = mono_ms() + ANSWER_MS;
    if (send_note(NOTE_UPGRADE, binary, path) < 0)
        return err_sys(err, "the keeper cannot be told");
    while (!last_message && mono_ms() < until) {
        struct pollfd p = {.fd = keeper_birth.socks[1], .events = POLLIN};
        poll(&p, 1, (int)(until - mono_ms()));
        keeper_drain();
    }
    if (last_message)
        return 0;
    keeper_stay();
    return err_set(err, ERR_TIMEOUT, "the keeper does not answer");
}

void keeper_stay(void)
{
    if (keeper_present())
        send_note(NOTE_UPGRADE, -1, "");
    last_message = false;
}

/* --- becoming it ----------------------------------------------------------------------
 */

int keeper_become(struct err *err)
{
    sigset_t all, before;
    if (!journal_active())
        return err_set(err, ERR_MISSING, "there is no memory to hand over");
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    reexec_now(REEXEC_KEEPER, journal_facts()->max_fd);
    err_sys(err, "cannot execute the keeper");
    sigprocmask(SIG_SETMASK, &before, NULL);
    return -1;
}
