/* timed COUNT SECS TEXT COMMAND...: runs COMMAND COUNT times, or until SECS passed but at
 * least once, and prints a line "WALL_NS CPU_NS" for each run: from before the fork until
 * it is reaped, user and system time. Its output must contain TEXT each time. */
#include "tests/bench/tool.h"
#include <sys/resource.h>
#include <sys/wait.h>

static char output[1 << 20];

static size_t timed_read(int fd)
{
    size_t len = 0;
    for (;;) {
        ssize_t n = read(fd, output + len, sizeof output - 1 - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    output[len] = '\0';
    return len;
}

static pid_t timed_start(char **command, int out_fd)
{
    pid_t pid = vfork();
    if (pid == 0) {
        dup2(out_fd, 1);
        execvp(command[0], command);
        _exit(127);
    }
    return pid;
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 2;
    int64_t until_ns = tool_now_ns() + tool_number(argv[2]) * 1000000000;
    long count = tool_number(argv[1]);
    for (long done = 0; done < count && (done == 0 || tool_now_ns() < until_ns); done++) {
        int ends[2], status;
        struct rusage used;
        if (pipe2(ends, O_CLOEXEC) != 0)
            tool_die("pipe");
        int64_t from_ns = tool_now_ns();
        pid_t pid = timed_start(argv + 4, ends[1]);
        close(ends[1]);
        timed_read(ends[0]);
        if (pid < 0 || wait4(pid, &status, 0, &used) != pid)
            tool_die("wait");
        int64_t wall_ns = tool_now_ns() - from_ns;
        close(ends[0]);
        if (strstr(output, argv[3]) == NULL) {
            fprintf(stderr, "no '%s' in: %s\n", argv[3], output);
            return 1;
        }
        int64_t cpu_us = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000LL +
                         used.ru_utime.tv_usec + used.ru_stime.tv_usec;
        printf("%lld %lld\n", (long long)wall_ns, (long long)cpu_us * 1000);
    }
    return 0;
}
