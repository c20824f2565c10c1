/* The least that any program could do for the same work, and nothing else.
 *   floor run N COMMAND...      start N, start again what dies, on TERM stop all and end
 *   floor serve PATH FILE       answer every request on a socket with the bytes of FILE
 *   floor copy FOLDER N COMMAND...   output of N programs into FOLDER/0 ... through pipes
 * In COMMAND the argument "%d" is the number of the program; PATH may be a TCP port. */
#include "tests/bench/tool.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

enum { PIPE_BYTES = 1 << 20, READ_BYTES = 65536, CONNECTIONS = 256, PID_LIMIT = 1 << 22 };

static sigset_t watched, before;

static pid_t floor_start(char **command, int number, int out_fd)
{
    char text[12], *argv[32] = {NULL};
    for (int i = 0; command[i] != NULL && i < 31; i++)
        argv[i] = strcmp(command[i], "%d") == 0 ? text : command[i];
    snprintf(text, sizeof text, "%d", number);
    pid_t pid = vfork();
    if (pid == 0) {
        if (out_fd >= 0)
            dup2(out_fd, 1);
        sigprocmask(SIG_SETMASK, &before, NULL);
        execv(argv[0], argv);
        _exit(127);
    }
    if (pid < 0)
        tool_die("vfork");
    return pid;
}

/* Who has a process number, plus 1. The kernel gives a page of it for each 1,024 numbers
 * that are used. */
static int number_of[PID_LIMIT];

static void floor_keep(pid_t *pids, int number, char **command)
{
    pids[number] = floor_start(command, number, -1);
    number_of[pids[number]] = number + 1;
}

static int floor_run(int n, char **command)
{
    pid_t *pids = calloc((size_t)n, sizeof *pids);
    if (pids == NULL)
        tool_die("memory");
    for (int i = 0; i < n; i++)
        floor_keep(pids, i, command);
    for (;;) {
        int sig;
        if (sigwait(&watched, &sig) != 0)
            continue;
        if (sig == SIGTERM)
            break;
        for (pid_t dead; (dead = waitpid(-1, NULL, WNOHANG)) > 0;) {
            int number = number_of[dead] - 1;
            number_of[dead] = 0;
            if (number >= 0)
                floor_keep(pids, number, command);
        }
    }
    for (int i = 0; i < n; i++)
        kill(pids[i], SIGTERM);
    while (wait(NULL) > 0)
        ;
    return 0;
}

static int floor_listen(const char *address)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    struct sockaddr_in inet = {.sin_family = AF_INET};
    int is_path = address[0] == '/', on = 1;
    int fd = socket(is_path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (is_path) {
        snprintf(path.sun_path, sizeof path.sun_path, "%s", address);
    } else {
        inet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        inet.sin_port = htons((uint16_t)tool_number(address));
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    if (bind(fd, is_path ? (struct sockaddr *)&path : (struct sockaddr *)&inet,
             is_path ? sizeof path : sizeof inet) != 0 ||
        listen(fd, CONNECTIONS) != 0)
        tool_die(address);
    return fd;
}

static void floor_watch(int epoll_fd, int fd, uint32_t number)
{
    struct epoll_event wanted = {.events = EPOLLIN, .data = {.u64 = 0}};
    wanted.data.u64 = (uint64_t)number << 32 | (uint32_t)fd;
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &wanted) != 0)
        tool_die("epoll");
}

static _Noreturn void floor_serve(const char *address, const char *file)
{
    static char request[READ_BYTES];
    size_t size;
    char *answer = tool_file(file, &size);
    int listener = floor_listen(address), epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    floor_watch(epoll_fd, listener, 0);
    for (;;) {
        struct epoll_event ready[64];
        int n = epoll_wait(epoll_fd, ready, 64, -1);
        for (int i = 0; i < n; i++) {
            int fd = (int)(uint32_t)ready[i].data.u64;
            if (fd == listener) {
                int peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
                if (peer >= 0)
                    floor_watch(epoll_fd, peer, 0);
                continue;
            }
            /* The request is small and came with one write: it is whole. */
            ssize_t got = read(fd, request, sizeof request);
            if (got > 0)
                tool_write(fd, answer, size);
            else
                close(fd);
        }
    }
}

static int floor_copy(const char *folder, int n, char **command)
{
    static char data[READ_BYTES];
    int *files = calloc((size_t)n, sizeof *files),
        epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < n; i++) {
        char path[4096];
        int ends[2];
        snprintf(path, sizeof path, "%s/%d", folder, i);
        files[i] = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
        if (files[i] < 0 || pipe2(ends, O_CLOEXEC) != 0)
            tool_die(path);
        fcntl(ends[0], F_SETPIPE_SZ, PIPE_BYTES); /* a user's pages are limited: fine */
        floor_watch(epoll_fd, ends[0], (uint32_t)i);
        floor_start(command, i, ends[1]);
        close(ends[1]);
    }
    struct timespec gather = {0, 1000000};
    for (int left = n; left > 0;) {
        struct epoll_event ready[64];
        int found = epoll_wait(epoll_fd, ready, 64, -1), is_short = found > 0;
        for (int i = 0; i < found; i++) {
            int fd = (int)(uint32_t)ready[i].data.u64;
            ssize_t got = read(fd, data, sizeof data);
            if (got > 0)
                tool_write(files[ready[i].data.u64 >> 32], data, (size_t)got);
            if (got <= 0) {
                /* Its end is not enough: a child before its exec may still have it. */
                epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL);
                close(fd);
                left--;
            }
            is_short = is_short && got > 0 && got < READ_BYTES / 2;
        }
        if (is_short) /* small writes stream in: let them gather */
            nanosleep(&gather, NULL);
    }
    int sig;
    do
        sigwait(&watched, &sig);
    while (sig != SIGTERM);
    return 0;
}

int main(int argc, char **argv)
{
    sigemptyset(&watched);
    sigaddset(&watched, SIGTERM);
    sigaddset(&watched, SIGCHLD);
    sigprocmask(SIG_BLOCK, &watched, &before);
    if (argc > 3 && strcmp(argv[1], "run") == 0)
        return floor_run((int)tool_number(argv[2]), argv + 3);
    if (argc > 4 && strcmp(argv[1], "copy") == 0)
        return floor_copy(argv[2], (int)tool_number(argv[3]), argv + 4);
    if (argc != 4 || strcmp(argv[1], "serve") != 0)
        return 2;
    sigprocmask(SIG_SETMASK, &before, NULL);
    floor_serve(argv[2], argv[3]);
}
