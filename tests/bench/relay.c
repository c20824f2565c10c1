/* relay comm|line LISTENER FILE -- WRITER...: the floor of events. Starts both, takes
 * what the writer says from its pipe and hands it to the listener, an event at a time and
 * only when it is READY: comm: what is between the tokens of capture mode; line: all
 * whole lines there are. */
#include "tests/bench/tool.h"
#include <poll.h>
#include <sys/prctl.h>
#include <signal.h>

enum { SAID, EARS, FDS };

static char said[1 << 20];
static size_t said_from, said_to;

static pid_t relay_start(char **command, int in_fd, int out_fd)
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (in_fd >= 0)
            dup2(in_fd, 0);
        dup2(out_fd, 1);
        execv(command[0], command);
        _exit(127);
    }
    if (pid < 0)
        tool_die("fork");
    return pid;
}

/* The next event's bytes, or NULL while there is none. */
static const char *relay_next(int as_comm, size_t *n)
{
    static const char begin[] = "<!--XSUPERVISOR:BEGIN-->",
                      end[] = "<!--XSUPERVISOR:END-->";
    const char *from = said + said_from, *found;
    size_t have = said_to - said_from;
    if (!as_comm) {
        found = memrchr(from, '\n', have);
        *n = found == NULL ? 0 : (size_t)(found + 1 - from);
        said_from += *n;
        return found == NULL ? NULL : from;
    }
    found = memmem(from, have, end, sizeof end - 1);
    if (found == NULL || have < sizeof begin ||
        memcmp(from, begin, sizeof begin - 1) != 0)
        return NULL;
    from += sizeof begin - 1;
    *n = (size_t)(found - from);
    said_from = (size_t)(found + sizeof end - 1 - said);
    return from;
}

/* 1 if an event was sent. */
static int relay_send(int fd, int as_comm)
{
    static char text[sizeof said + 512];
    static const char head[] = "processname:talk groupname:talk pid:1\n";
    static long serial;
    size_t n;
    const char *data = relay_next(as_comm, &n);
    if (data == NULL)
        return 0;
    int len = snprintf(text, 512,
                       "ver:3.0 server:supervisor serial:%ld pool:ears poolserial:%ld "
                       "eventname:PROCESS_EVENT len:%zu\n%s",
                       serial, serial, n + sizeof head - 1, head);
    serial++;
    memcpy(text + len, data, n);
    tool_write(fd, text, (size_t)len + n);
    return 1;
}

int main(int argc, char **argv)
{
    int to_ears[2], from_ears[2], from_writer[2], is_ready = 0, as_comm;
    if (argc < 6 || strcmp(argv[4], "--") != 0)
        return 2;
    as_comm = strcmp(argv[1], "comm") == 0;
    argv[4] = NULL;
    if (pipe2(to_ears, O_CLOEXEC) != 0 || pipe2(from_ears, O_CLOEXEC) != 0 ||
        pipe2(from_writer, O_CLOEXEC) != 0)
        tool_die("pipe");
    relay_start(argv + 2, to_ears[0], from_ears[1]);
    relay_start(argv + 5, -1, from_writer[1]);
    close(from_writer[1]);
    struct pollfd polled[FDS] = {{from_writer[0], POLLIN, 0}, {from_ears[0], POLLIN, 0}};
    for (;;) {
        if (said_from == said_to)
            said_from = said_to = 0;
        polled[SAID].events = said_to < sizeof said ? POLLIN : 0;
        if (poll(polled, FDS, -1) < 0)
            tool_die("poll");
        if (polled[SAID].revents != 0 && polled[SAID].events != 0) {
            ssize_t n = read(polled[SAID].fd, said + said_to, sizeof said - said_to);
            if (n <= 0)
                polled[SAID].fd = -1;
            else
                said_to += (size_t)n;
        }
        if (polled[EARS].revents != 0) {
            char word[64];
            ssize_t n = read(polled[EARS].fd, word, sizeof word);
            if (n <= 0)
                return 1;
            is_ready = is_ready || memmem(word, (size_t)n, "READY\n", 6) != NULL;
        }
        if (is_ready && relay_send(to_ears[1], as_comm))
            is_ready = 0;
    }
}
