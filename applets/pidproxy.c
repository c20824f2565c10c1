/* pidproxy: runs a command and hands the signals it gets on to the process whose id is in
 * a file, for programs that put themselves into the background under another process.
 * Sleeps in sigwait only. Source: Supervisor manual, "pidproxy"; upstream pidproxy.py. */
#include "applets/applet.h"
#include "config/help.h"
#include "core/base/num.h"
#include "core/base/util.h"
#include "core/io/fd.h"
#include "core/io/pidwatch.h"
#include "core/io/procfs.h"
#include "core/io/signals.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424 /* the same number on every architecture */
#endif

/* What is handed on; after those with `ends` pidproxy's work is done. */
static const struct {
    int number;
    bool ends;
} signals_passed[] = {
    {SIGTERM, true}, {SIGINT, true},   {SIGQUIT, true},
    {SIGHUP, false}, {SIGUSR1, false}, {SIGUSR2, false},
};

/* The process id, and what is known of the file; -1. */
static pid_t read_pid(const char *path, struct stat *st)
{
    char text[64];
    int fd = fd_open_log(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0)
        return -1;
    ssize_t n = fstat(fd, st) == 0 ? read(fd, text, sizeof text - 1) : -1;
    fd_close(&fd);
    if (n <= 0)
        return -1;
    text[n] = '\0';
    int64_t pid;
    return parse_int(text, 1, INT_MAX, &pid) == 0 ? (pid_t)pid : -1;
}

/* --- whose process it is ----------------------------------------------------------- */

/* Orphans of the command become children of ours (we are their subreaper), so a process
 * that came from the command has us among its forefathers, also as a daemon. */
static bool is_descendant(pid_t pid)
{
    struct procfs_identity id;
    for (int depth = 0; depth < 64 && pid > 1; depth++) {
        if (pid == getpid())
            return depth > 0;
        if (procfs_identify(pid, &id) < 0)
            return false;
        pid = id.parent;
    }
    return false;
}

/* The boot's moment on the wall clock as it goes now, in seconds. */
static double boot_secs(void)
{
    struct timespec wall, since_boot;
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_BOOTTIME, &since_boot);
    return (double)(wall.tv_sec - since_boot.tv_sec) +
           (double)(wall.tv_nsec - since_boot.tv_nsec) / 1e9;
}

/* A process from elsewhere is believed to be the one that the file means if it was there
 * when the file was written (a file left over from an earlier life does not hit who has
 * that number now), and if who can write the file could signal the process himself.
 * Where there is no /proc nothing can be looked up: the file is believed. */
static bool is_meant(pid_t pid, const struct stat *file)
{
    struct procfs_identity id;
    if (is_descendant(pid))
        return true;
    if (procfs_identify(getpid(), &id) < 0)
        return true;
    if (pid == getpid() || pid == 1 || procfs_identify(pid, &id) < 0)
        return false;
    if ((file->st_uid != 0 && file->st_uid != id.uid) || (file->st_mode & S_IWOTH))
        return false;
    double started = boot_secs() + (double)id.started / (double)sysconf(_SC_CLK_TCK);
    return started <= (double)file->st_mtime + 2; /* the clocks' grain, with reserve */
}

/* By pidfd, where there are any: the number may change hands after it was looked at. */
static int signal_if_meant(pid_t pid, int number, const struct stat *file)
{
    int pidfd = pidwatch_pidfd(pid), rc;
    if (pidfd < 0 && errno == ESRCH)
        return -1;
    if (!is_meant(pid, file)) {
        rc = kill(pid, 0) < 0 && errno == ESRCH ? -1 : -2;
    } else if (pidfd >= 0) {
        rc = (int)syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0U);
        if (rc < 0 && errno == ENOSYS)
            rc = kill(pid, number);
    } else {
        rc = kill(pid, number);
    }
    fd_close(&pidfd);
    return rc;
}

/* Returns the exit status if pidproxy is to end, else -1. The file is read each time: the
 * program may have started again under another id. */
static int pass_on(const char *pidfile, pid_t command, int number, bool ends)
{
    struct stat file;
    pid_t pid = read_pid(pidfile, &file);
    if (pid < 0) {
        printf("Can't read child pidfile %s!\n", pidfile);
        fflush(stdout);
        return -1;
    }
    int rc = signal_if_meant(pid, number, &file);
    if (rc == -2) {
        printf("The process %d in pidfile %s is not of this program; signalling the "
               "command instead\n",
               (int)pid, pidfile);
        fflush(stdout);
        rc = kill(command, number);
    }
    if (rc == 0 || errno == ESRCH)
        return ends ? 0 : -1; /* to stop what is gone already is success */
    printf("Can't signal pid %d: %s\n", (int)pid, strerror(errno));
    fflush(stdout);
    return ends ? 1 : -1;
}

/* True once the command itself has ended. As PID 1's stand-in it reaps others too. */
static bool reap(pid_t command)
{
    pid_t pid;
    bool ended = false;
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
        ended = ended || pid == command;
    return ended;
}

static NORETURN void run_command(char **argv)
{
    char path[PATH_MAX];
    signals_reset_in_child();
    /* A bare name is a file here, not one to be looked up in PATH. */
    snprintf(path, sizeof path, "%s%s", strchr(argv[0], '/') ? "" : "./", argv[0]);
    execv(path, argv);
    fprintf(stderr, "pidproxy: cannot run %s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

static int serve(const char *pidfile, pid_t command, const sigset_t *waited)
{
    for (;;) {
        int number;
        if (sigwait(waited, &number) != 0)
            continue;
        if (number == SIGCHLD && reap(command))
            return 0;
        for (size_t i = 0; i < array_len(signals_passed); i++) {
            if (signals_passed[i].number != number)
                continue;
            int status = pass_on(pidfile, command, number, signals_passed[i].ends);
            if (status >= 0)
                return status;
        }
    }
}

int pidproxy_main(int argc, char **argv)
{
    if (argc < 3) {
        help_print(stdout, "pidproxy", argv[0]);
        return 1;
    }
    sigset_t waited;
    sigemptyset(&waited);
    sigaddset(&waited, SIGCHLD);
    for (size_t i = 0; i < array_len(signals_passed); i++)
        sigaddset(&waited, signals_passed[i].number);
    sigprocmask(SIG_BLOCK, &waited, NULL); /* before the fork: none is lost */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t command = fork();
    if (command < 0) {
        perror("pidproxy: fork");
        return 1;
    }
    if (command == 0)
        run_command(argv + 2);
    return serve(argv[1], command, &waited);
}
