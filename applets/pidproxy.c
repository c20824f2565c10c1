/* pidproxy: runs a command and hands the signals it gets on to the process whose id is in
 * a file, for programs that put themselves into the background under another process.
 * Sleeps in sigwait only. Source: Supervisor manual, "pidproxy"; upstream pidproxy.py. */
#include "applets/applet.h"
#include "core/base/num.h"
#include "core/base/util.h"
#include "core/io/fd.h"
#include "core/io/signals.h"
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is handed on; after those with `ends` pidproxy's work is done. */
static const struct {
    int number;
    bool ends;
} signals_passed[] = {
    {SIGTERM, true}, {SIGINT, true},   {SIGQUIT, true},
    {SIGHUP, false}, {SIGUSR1, false}, {SIGUSR2, false},
};

static pid_t read_pid(const char *path)
{
    char text[64];
    int fd = fd_open(path, 0, 0);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, text, sizeof text - 1);
    fd_close(&fd);
    if (n <= 0)
        return -1;
    text[n] = '\0';
    int64_t pid;
    return parse_int(text, 1, INT_MAX, &pid) == 0 ? (pid_t)pid : -1;
}

/* Returns the exit status if pidproxy is to end, else -1. The file is read each time: the
 * program may have started again under another id. */
static int pass_on(const char *pidfile, int number, bool ends)
{
    pid_t pid = read_pid(pidfile);
    if (pid < 0) {
        printf("Can't read child pidfile %s!\n", pidfile);
        fflush(stdout);
        return -1;
    }
    if (kill(pid, number) == 0 || errno == ESRCH)
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
            int status = pass_on(pidfile, number, signals_passed[i].ends);
            if (status >= 0)
                return status;
        }
    }
}

int pidproxy_main(int argc, char **argv)
{
    if (argc < 3) {
        printf("pidproxy -- run a command and pass signals on to the process in a "
               "pidfile\n\nUsage: %s <pidfile name> <command> [<cmdarg1> ...]\n",
               argv[0]);
        return 1;
    }
    sigset_t waited;
    sigemptyset(&waited);
    sigaddset(&waited, SIGCHLD);
    for (size_t i = 0; i < array_len(signals_passed); i++)
        sigaddset(&waited, signals_passed[i].number);
    sigprocmask(SIG_BLOCK, &waited, NULL); /* before the fork: none is lost */
    pid_t command = fork();
    if (command < 0) {
        perror("pidproxy: fork");
        return 1;
    }
    if (command == 0)
        run_command(argv + 2);
    return serve(argv[1], command, &waited);
}
