/* Starting children. The one idea: the plan holds everything, so that between birth and
 * exec only system calls are left to do, and what fails there is told on descriptor 2.
 * Most children are born as by vfork: they use our memory, and we wait, until the exec.
 */
#include "core/io/spawn.h"

#include "core/base/alloc.h"
#include "core/base/pytext.h"
#include "core/io/fd.h"
#include "core/io/journal.h"
#include "core/io/oom.h"
#include "core/io/signals.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436 /* the same number on every architecture */
#endif
#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE 2U
#endif

enum { SPAWN_FAILED = 127, CHILD_STACK_BYTES = 16384 };

/* --- the child: async-signal-safe calls only, and nothing of ours is written to -------
 */

static void child_iov(struct iovec *iov, const char *text)
{
    iov->iov_base = (void *)(uintptr_t)text;
    iov->iov_len = strlen(text);
}

/* "supervisor: <what><name>: <why>\n" in one write, then the last words. */
static NORETURN void child_fail(const char *what, const char *name, const char *why)
{
    struct iovec said[6];

    child_iov(&said[0], "supervisor: ");
    child_iov(&said[1], what);
    child_iov(&said[2], name);
    child_iov(&said[3], ": ");
    child_iov(&said[4], why);
    child_iov(&said[5], "\n");
    if (writev(2, said, 6) >= 0) { /* else nobody is left to hear the rest either */
        child_iov(&said[0], "supervisor: child process was not spawned\n");
        (void)!writev(2, said, 1);
    }
    _exit(SPAWN_FAILED);
}

/* The name of errno, or its digits. */
static const char *child_errno_name(int number, char digits[16])
{
    const char *name = err_errno_name(number);
    char *at = digits + 15;

    if (name)
        return name;
    *at = '\0';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return at;
}

/* Puts them onto 0, 1, 2. Those that stand in the way, because their own number is below
 * 3, move up first. */
static int child_place_fds(const int fds[3])
{
    int from[3];

    for (int i = 0; i < 3; i++) {
        from[i] = fds[i];
        if (from[i] < 3 && from[i] != i) {
            from[i] = fcntl(from[i], F_DUPFD, 3);
            if (from[i] < 0)
                return -1;
        }
    }
    for (int i = 0; i < 3; i++) {
        if (from[i] == i) {
            if (fd_set_cloexec(i, false) < 0)
                return -1;
        } else if (dup2(from[i], i) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Becomes the plan's user. NULL, or upstream's words for what failed. What the kernel
 * says was done is looked at again: a program must never run as root by mistake. */
static const char *child_become(const struct spawn_plan *plan)
{
    uid_t uids[3];
    gid_t gids[3];

    if (getuid() == plan->uid && geteuid() == plan->uid)
        return NULL;
    if (getuid() != 0)
        return "Can't drop privilege as nonroot user";
    if (setgroups(plan->group_count, plan->groups) < 0)
        return "Could not set groups of effective user";
    if (setgid(plan->gid) < 0)
        return "Could not set group id of effective user";
    if (setuid(plan->uid) < 0)
        return "Could not set user id of effective user";
    if (getresuid(&uids[0], &uids[1], &uids[2]) < 0 ||
        getresgid(&gids[0], &gids[1], &gids[2]) < 0)
        return "Could not verify the ids of effective user";
    for (int i = 0; i < 3; i++) {
        if (uids[i] != plan->uid || gids[i] != plan->gid)
            return "Could not verify the ids of effective user";
    }
    return NULL;
}

/* Asks for a signal at our death, which has perhaps happened already. After the change of
 * user, which would take the wish back. */
static void child_tie_life(int death_signal, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, (unsigned long)death_signal, 0UL, 0UL, 0UL);
    if (getppid() != parent)
        _exit(SPAWN_FAILED);
}

struct birth {
    const struct spawn_plan *plan;
    pid_t parent;
    int fds[3];   /* the plan's, or their copies on low numbers */
    int last_low; /* the table of descriptors is still shared, and nothing above this is
                   * for the child; -1: it has its own */
};

/* A table of its own, in which is nothing yet that the parent would miss. */
static void child_leave_table(int last_low)
{
    if (syscall(SYS_close_range, (unsigned)last_low + 1, ~0U, CLOSE_RANGE_UNSHARE) < 0 &&
        unshare(CLONE_FILES) < 0)
        _exit(SPAWN_FAILED); /* what is on 2 is the parent's */
}

/* In upstream's order: group, descriptors, user, directory, umask, exec. */
static int child_run(void *arg)
{
    const struct birth *birth = arg;
    const struct spawn_plan *plan = birth->plan;
    char digits[16];
    const char *why;

    if (birth->last_low >= 0)
        child_leave_table(birth->last_low);
    if (plan->own_group)
        setpgid(0, 0);
    if (child_place_fds(birth->fds) < 0)
        _exit(SPAWN_FAILED); /* no descriptor to tell it on */
    fd_close_from(3);
    oom_reset_in_child();
    signals_reset_in_child();
    if (plan->has_uid) {
        why = child_become(plan);
        if (why)
            child_fail("couldn't setuid to ", plan->user_label ? plan->user_label : "",
                       why);
    }
    if (plan->death_signal)
        child_tie_life(plan->death_signal, birth->parent);
    if (plan->cwd && chdir(plan->cwd) < 0)
        child_fail("couldn't chdir to ", plan->cwd, child_errno_name(errno, digits));
    if (plan->umask >= 0)
        umask((mode_t)plan->umask);
    execve(plan->file, plan->argv, plan->envp);
    child_fail("couldn't exec ", plan->argv[0], child_errno_name(errno, digits));
}

/* --- descriptors for the child ----------------------------------------------------- */

/* To copy the table of thousands of descriptors for a child that closes them all costs
 * more than all the rest of its start. So a child that we wait for anyway is born with
 * our table, and its first call makes one of its own out of the lowest numbers: up to
 * these three, on which its descriptors stand meanwhile. Otherwise they hold the plug, so
 * that nothing else takes their numbers. */
static struct {
    bool refused; /* the kernel (before 5.9) cannot */
    int plug, at[3], last;
} low = {.plug = -1, .at = {-1, -1, -1}, .last = -1};

static bool low_ready(void)
{
    if (low.plug < 0 && !low.refused) {
        /* Does nothing, as nobody shares our table. */
        low.refused = syscall(SYS_close_range, ~0U, ~0U, CLOSE_RANGE_UNSHARE) < 0;
        low.plug = low.refused ? -1 : eventfd(0, EFD_CLOEXEC);
    }
    return low.plug >= 0;
}

static void low_vacate(void)
{
    for (int i = 0; i < 3; i++)
        if (low.at[i] >= 0)
            dup3(low.plug, low.at[i], O_CLOEXEC);
}

static bool low_occupy(const int fds[3])
{
    for (int i = 0; i < 3; i++) {
        bool first = low.at[i] < 0;
        int at = first ? fd_dup(fds[i], 3) : dup3(fds[i], low.at[i], O_CLOEXEC);
        if (at < 0) {
            low_vacate();
            return false;
        }
        low.at[i] = at;
        if (at > low.last)
            low.last = at;
    }
    return true;
}

/* --- the parent -------------------------------------------------------------------- */

/* Whether the child may use our memory instead of a copy, while we wait for its exec. A
 * copy costs us two thirds of a start: the tables of pages, and then a fault for each
 * page that we write to. But whoever could hold the child up would hold us up: another
 * user by a signal, a dead file server by the change of directory (that the command can
 * be reached was seen just before). */
static bool may_share_memory(const struct spawn_plan *plan)
{
    return !plan->has_uid && plan->cwd == NULL;
}

/* The kernel stores the pid where it outlives us, before the child runs. The child's own
 * stack is what lets both return. Signals that we wait for are blocked in both; our crash
 * handler knows by the pid that a fault of the child is none of ours. */
pid_t spawn_run(const struct spawn_plan *plan, struct err *err)
{
    _Alignas(16) char stack[CHILD_STACK_BYTES];
    struct birth birth = {plan, 0, {plan->fds[0], plan->fds[1], plan->fds[2]}, -1};
    int flags = SIGCHLD | (plan->pid_at ? CLONE_PARENT_SETTID : 0);
    bool shared = may_share_memory(plan);

    if (plan->death_signal)
        birth.parent = getpid();
    if (shared)
        flags |= CLONE_VM | CLONE_VFORK;
    if (shared && plan->sole_table && low_ready() && low_occupy(plan->fds)) {
        flags |= CLONE_FILES;
        birth.last_low = low.last;
        memcpy(birth.fds, low.at, sizeof birth.fds);
    }
    pid_t pid = clone(child_run, stack + sizeof stack, flags, &birth, plan->pid_at);
    int number = errno;
    if (flags & CLONE_FILES)
        low_vacate();
    errno = number;
    if (pid < 0)
        return err_sys(err, "fork failed");
    /* The child does the same; whoever comes first. A signal to the group may be sent
     * before the child has run at all. */
    if (plan->own_group && !shared)
        setpgid(pid, pid);
    return pid;
}

static pid_t reap_into(pid_t pid, siginfo_t *at, int *status)
{
    int rc;

    do {
        rc = waitid(pid ? P_PID : P_ALL, (id_t)pid, at, WEXITED | WNOHANG);
    } while (rc < 0 && errno == EINTR);
    if (rc < 0 || at->si_pid <= 0)
        return 0;
    *status = journal_wait_status(at);
    return at->si_pid;
}

pid_t spawn_reap(pid_t pid, siginfo_t *at, int *status)
{
    pid_t found;

    if (at)
        return reap_into(pid, at, status);
    do {
        found = waitpid(pid ? pid : -1, status, WNOHANG);
    } while (found < 0 && errno == EINTR);
    return found > 0 ? found : 0;
}

int spawn_kill(pid_t pid, bool whole_group, int signal_number)
{
    if (pid <= 0) { /* would mean ourselves, or everybody */
        errno = ESRCH;
        return -1;
    }
    return kill(whole_group ? -pid : pid, signal_number);
}

/* libc opens files for it, and fails where there is no number left for one. */
static const struct passwd *user_entry(const char *user, uid_t uid)
{
    const struct passwd *pw;

    do {
        errno = 0;
        pw = user ? getpwnam(user) : NULL;
        if (pw == NULL || pw->pw_uid != uid)
            pw = getpwuid(uid);
    } while (pw == NULL && fd_spare_helps());
    return pw;
}

int spawn_groups_of(const char *user, uid_t uid, gid_t *gid, gid_t **groups,
                    size_t *count, struct err *err)
{
    const struct passwd *pw = user_entry(user, uid);
    int n = 64, rc;

    if (pw == NULL)
        return err_set(err, ERR_MISSING, "Can't find uid %ld", (long)uid);
    *gid = pw->pw_gid;
    *groups = xmalloc((size_t)n * sizeof **groups);
    do {
        errno = 0;
        rc = getgrouplist(pw->pw_name, pw->pw_gid, *groups, &n);
    } while (rc < 0 && fd_spare_helps());
    if (rc < 0 && n > 64) { /* n is what it would have needed */
        *groups = xreallocarray(*groups, (size_t)n, sizeof **groups);
        rc = getgrouplist(pw->pw_name, pw->pw_gid, *groups, &n);
    }
    if (rc < 0) { /* with some groups missing it would be another user */
        free(*groups);
        *groups = NULL;
        return err_sys(err, "Can't find the groups of uid %ld", (long)uid);
    }
    *count = (size_t)n;
    return 0;
}

/* --- finding the command ----------------------------------------------------------- */

static int command_error(struct err *err, enum err_code code, int sys, const char *before,
                         const char *name, const char *after)
{
    char *quoted = py_repr(span_of(name));

    err_set(err, code, "%s%s%s", before, quoted, after);
    free(quoted);
    if (err)
        err->sys = sys;
    return -1;
}

/* The first of the directories in path_env where name exists, as a path of the caller's;
 * NULL if there is none. An empty directory is the present one, as for upstream. */
static char *command_look_up(const char *name, const char *path_env, struct stat *st)
{
    struct span rest = span_of(path_env), dir;

    while (span_split(&rest, ':', &dir)) {
        bool slash = dir.len > 0 && dir.ptr[dir.len - 1] != '/';
        char *path = xasprintf("%.*s%s%s", (int)dir.len, dir.ptr, slash ? "/" : "", name);

        if (stat(path, st) == 0)
            return path;
        free(path);
    }
    return NULL;
}

int spawn_find_command(const char *file, const char *path_env, char **found,
                       struct err *err)
{
    struct stat st;
    char *path;
    int rc = 0;

    if (path_env == NULL)
        path_env = "/bin:/usr/bin:/usr/local/bin";
    if (strchr(file, '/'))
        path = stat(file, &st) == 0 ? xstrdup(file) : NULL;
    else
        path = command_look_up(file, path_env, &st);
    if (path == NULL)
        return command_error(err, ERR_MISSING, ENOENT, "can't find command ", file, "");
    if (S_ISDIR(st.st_mode))
        rc = command_error(err, ERR_SYS, EISDIR, "command at ", path, " is a directory");
    else if ((st.st_mode & 0111) == 0)
        rc = command_error(err, ERR_SYS, EACCES, "command at ", path,
                           " is not executable");
    else if (access(path, X_OK) < 0)
        rc = command_error(err, ERR_SYS, EACCES, "no permission to run command ", path,
                           "");
    if (rc < 0)
        free(path);
    else
        *found = path;
    return rc;
}
