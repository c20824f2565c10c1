/* Preloaded: the clock of deadlines is as many seconds ahead as the file $LATER says, in
 * every image of a process alike (which libfaketime's is not). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *now)
{
    char text[16] = "";
    const char *path = getenv("LATER");
    long rc = syscall(SYS_clock_gettime, id, now);
    int fd = path && id == CLOCK_MONOTONIC ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    if (fd >= 0) {
        if (read(fd, text, sizeof text - 1) > 0)
            now->tv_sec += atoi(text);
        close(fd);
    }
    return (int)rc;
}
