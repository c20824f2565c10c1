/* The keeper's side. It owns nothing that supervisord could spoil but the descriptors,
 * has no log, and knows of two things: its one child, and what the child must yet be
 * told. Children are looked at before they are reaped: what cannot be told yet stays a
 * zombie. */
#include "applets/supervisord/keeper.h"

#include "applets/supervisord/handoff.h"
#include "applets/supervisord/keeper_priv.h"
#include "core/base/clock.h"
#include "core/base/num.h"
#include "core/io/fd.h"
#include "core/io/journal.h"
#include "core/io/procfs.h"
#include "core/io/reexec.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CLONE_FILES_ = 0x400, /* of sched.h, which has it for _GNU_SOURCE alone */
    SHORT_LIFE_MS = 1000,
    SHORT_LIFE_KILLED_MS = 20, /* for who is killed: hardly more than a beginning */
    SHORT_LIVES_MAX = 20,      /* in a row; from then on each is followed by a pause */
    PAUSE_MS = 500,
    PAUSE_KILLED_MS = 20, /* it was not its own fault */
    FULL_POLL_MS = 10,
    END_MS = 10 * 1000,
    WAIT_MS = 20,
    FAILURES_MAX = 2, /* of a new binary that has not yet written a record */
    SIGNALS = 65
};

struct keeper_birth keeper_birth = {.socks = {-1, -1}, .signal_fd = -1};

static struct {
    pid_t child; /* 0: none at the moment */
    int64_t born_ms;
    int short_lives, failures;
    struct {
        bool wanted, passed; /* passed: to this child, who has not taken it yet */
    } signals[SIGNALS];
    bool full; /* the child does not read for now */
    bool finish;
    int status;
    int binary; /* to upgrade to; -1: none */
    char path[PATH_MAX];
} k; /* not initialised here: the path would be in the file too */

/* --- signals ------------------------------------------------------------------------ */

/* Not those by which a terminal stops a job, nor what the kernel forces on us. */
static void block_all(sigset_t *set)
{
    static const int left[] = {SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT};
    sigfillset(set);
    for (size_t i = 0; i < array_len(left); i++)
        sigdelset(set, left[i]);
    sigprocmask(SIG_SETMASK, set, NULL);
}

static bool is_passed_on(int number)
{
    return number == SIGTERM || number == SIGINT || number == SIGQUIT ||
           number == SIGHUP || number == SIGUSR2;
}

static void take_signals(void)
{
    struct signalfd_siginfo info;
    while (read(keeper_birth.signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        if (is_passed_on((int)info.ssi_signo)) {
            k.signals[info.ssi_signo].wanted = true;
            k.signals[info.ssi_signo].passed = false;
        }
}

/* --- to and from supervisord ---------------------------------------------------------
 */

static bool tell(const siginfo_t *info)
{
    if (send(keeper_birth.socks[0], info, sizeof *info, MSG_DONTWAIT | MSG_NOSIGNAL) ==
        (ssize_t)sizeof *info)
        return true;
    k.full = true;
    return false;
}

/* Each again to a new child until one says that it has taken it. */
static void pass_signals(void)
{
    for (int i = 1; i < SIGNALS; i++) {
        siginfo_t info;
        if (!k.signals[i].wanted || k.signals[i].passed)
            continue;
        memset(&info, 0, sizeof info);
        info.si_signo = i;
        k.signals[i].passed = tell(&info);
    }
}

static void take_note(const struct keeper_note *note)
{
    switch (note->kind) {
    case NOTE_TAKEN:
        if (note->number > 0 && note->number < SIGNALS && k.signals[note->number].passed)
            k.signals[note->number].wanted = false;
        break;
    case NOTE_FINISH:
        k.finish = true;
        k.status = note->number;
        break;
    case NOTE_UPGRADE:
        k.binary = note->number;
        snprintf(k.path, sizeof k.path, "%s", note->path);
        if (note->number >= 0)
            tell(&(siginfo_t){0}); /* the last message: nobody reads what would follow */
        break;
    case NOTE_SETTLED:
        reexec_forget_fallback();
        break;
    default:
        break;
    }
}

static void take_notes(void)
{
    struct keeper_note note;
    ssize_t n;
    do {
        memset(&note, 0, sizeof note);
        n = recv(keeper_birth.socks[0], &note, sizeof note - 1, MSG_DONTWAIT);
        if (n >= (ssize_t)offsetof(struct keeper_note, path))
            take_note(&note);
    } while (n > 0 || (n < 0 && errno == EINTR));
}

/* --- supervisord's life ---------------------------------------------------------------
 */

/* True in the child. */
static bool make_child(void)
{
    pid_t keeper = getpid();
    for (int i = 0; i < SIGNALS; i++)
        k.signals[i].passed = false;
    long pid = syscall(SYS_clone, (long)(CLONE_FILES_ | SIGCHLD), 0L, 0L, 0L, 0L);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, (unsigned long)KEEPER_LOST_SIGNAL, 0UL, 0UL, 0UL);
        keeper_birth.keeper = keeper;
        return true;
    }
    k.child = pid > 0 ? (pid_t)pid : 0;
    k.born_ms = pid > 0 ? mono_ms() : 0;
    return false;
}

/* Executes the new binary, or goes on with the old one, which logs why. */
static void upgrade(void)
{
    struct err err;
    int binary = k.binary;
    k.binary = -1;
    for (int i = 1; i < SIGNALS; i++)
        if (k.signals[i].wanted)
            kill(getpid(), i); /* waits for the next image */
    reexec_replace(binary, k.path);
    reexec_now(REEXEC_KEEPER, journal_facts()->max_fd);
    err_sys(&err, "cannot execute %.100s", k.path);
    snprintf(keeper_birth.trouble, sizeof keeper_birth.trouble, "%.190s", err.text);
    reexec_replace_undo();
}

/* A new binary that cannot go on is worth less than the old one, which has not failed
 * yet. */
static void fall_back(void)
{
    struct journal_facts *f = journal_facts();
    uint32_t failed = f->restores_failed;
    int fds[2];
    reexec_fds(fds);
    if (fds[1] < 0 || ++k.failures < FAILURES_MAX)
        return;
    f->restores_failed = 0;
    reexec_fall_back(REEXEC_KEEPER, f->max_fd);
    f->restores_failed = failed;
}

static void signal_children(int number)
{
    struct procfs_identity id;
    struct dirent *entry;
    int64_t pid;
    DIR *dir = opendir("/proc");
    while (dir && (entry = readdir(dir)) != NULL)
        if (parse_int(entry->d_name, 1, INT_MAX, &pid) == 0 &&
            procfs_identify((pid_t)pid, &id) == 0 && id.parent == getpid())
            kill((pid_t)pid, number);
    if (dir)
        closedir(dir);
}

/* Reaps those that have ended. */
static bool has_children(void)
{
    pid_t pid;
    do
        pid = waitpid(-1, NULL, WNOHANG);
    while (pid > 0 || (pid < 0 && errno == EINTR));
    return pid == 0;
}

/* Nobody can go on from what there is, so nobody looks after the programs: they are
 * ended, and all begins anew. */
static void begin_anew(void)
{
    int64_t until = mono_ms() + END_MS;
    signal_children(SIGTERM);
    while (mono_ms() < until && has_children())
        poll(NULL, 0, WAIT_MS);
    while (has_children()) {
        signal_children(SIGKILL); /* again: it may not have seen all of them */
        poll(NULL, 0, WAIT_MS);
    }
    reexec_now(REEXEC_NONE, STDERR_FILENO);
    journal_facts()->restores_failed = 0;
}

static bool was_killed(const siginfo_t *info)
{
    return info->si_status == SIGKILL && info->si_code == CLD_KILLED;
}

/* Whoever is killed has not failed; faults of a restore count themselves. */
static void judge(const siginfo_t *info)
{
    struct journal_facts *f = journal_facts();
    f->deaths++;
    if (was_killed(info))
        return;
    if (info->si_code == CLD_EXITED)
        f->restores_failed++;
    fall_back();
    if (f->restores_failed >= HANDOFF_GIVE_UP_AFTER)
        begin_anew();
}

static void child_ended(const siginfo_t *info)
{
    k.child = 0;
    take_notes(); /* its last ones */
    if (k.finish)
        exit(k.status);
    keeper_birth.died = k.binary < 0;
    keeper_birth.dead_pid = info->si_pid;
    keeper_birth.dead_status = journal_wait_status(info);
    if (k.binary >= 0)
        upgrade();
    else
        judge(info);
    int64_t short_ms = was_killed(info) ? SHORT_LIFE_KILLED_MS : SHORT_LIFE_MS;
    k.short_lives = mono_ms() - k.born_ms < short_ms ? k.short_lives + 1 : 0;
}

/* What is missed here is missed for good: its signal was taken already. */
static bool find_ended(idtype_t type, pid_t pid, int options, siginfo_t *info)
{
    int rc;
    do {
        memset(info, 0, sizeof *info);
        rc = waitid(type, (id_t)pid, info, WEXITED | WNOHANG | options);
    } while (rc < 0 && errno == EINTR);
    return rc == 0 && info->si_pid != 0;
}

static void look_at_children(void)
{
    siginfo_t info;
    for (;;) {
        if (k.child && find_ended(P_PID, k.child, 0, &info)) {
            child_ended(&info);
            return;
        }
        if (!find_ended(P_ALL, 0, WNOWAIT, &info))
            return;
        if (info.si_pid == k.child)
            continue;
        if (k.binary >= 0 || !tell(&info))
            return;
        find_ended(P_PID, info.si_pid, 0, &info);
    }
}

static void wait_for_news(int timeout_ms)
{
    struct pollfd polls[] = {{.fd = keeper_birth.signal_fd, .events = POLLIN},
                             {.fd = keeper_birth.socks[0], .events = POLLIN}};
    poll(polls, 2, timeout_ms);
    take_signals();
    take_notes();
}

/* --- life ----------------------------------------------------------------------------
 */

static int prepare(struct err *err)
{
    sigset_t all;
    block_all(&all);
    keeper_birth.signal_fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    if (keeper_birth.signal_fd < 0)
        return err_sys(err, "cannot make a signal descriptor");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                   keeper_birth.socks) < 0)
        return err_sys(err, "cannot make a pair of sockets");
    prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0UL, 0UL, 0UL);
    return 0;
}

int keeper_run(struct err *err)
{
    k.binary = -1;
    if (journal_attach(reexec_memory(), err) < 0 || prepare(err) < 0)
        return -1;
    for (;;) {
        /* A restore that failed may have had no memory: not six of them in a moment,
         * after which the programs would be given up. */
        bool failed = k.short_lives > 1 && journal_facts()->restores_failed > 0;
        if (!k.child && (failed || k.short_lives > SHORT_LIVES_MAX))
            wait_for_news(keeper_birth.dead_status == SIGKILL ? PAUSE_KILLED_MS
                                                              : PAUSE_MS);
        if (!k.child && make_child())
            return 0;
        k.full = false;
        pass_signals();
        look_at_children();
        if (k.child)
            wait_for_news(k.full ? FULL_POLL_MS : -1);
        else if (k.born_ms == 0)
            wait_for_news(PAUSE_MS); /* no memory for one, as it seems */
    }
}
