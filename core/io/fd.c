/* Descriptors. The one idea: nothing here creates a descriptor that an exec could leak.
 */
#include "core/io/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436 /* the same number on every architecture */
#endif

/* --- spares ------------------------------------------------------------------------ */

static int spares[FD_SPARES]; /* the first spare_count; none until the first fill */
static size_t spare_count;

/* Each its own description: a full table of files (ENFILE) is helped too. */
bool fd_spares_fill(void)
{
    int saved = errno;

    while (spare_count < FD_SPARES) {
        int fd = eventfd(0, EFD_CLOEXEC);

        if (fd < 0)
            break;
        spares[spare_count++] = fd;
    }
    errno = saved;
    return spare_count == FD_SPARES;
}

size_t fd_spares_left(void)
{
    return spare_count;
}

bool fd_spare_helps(void)
{
    if ((errno != EMFILE && errno != ENFILE) || spare_count == 0)
        return false;
    fd_close(&spares[--spare_count]);
    return true;
}

int fd_pipe(int ends[2], struct err *err)
{
    while (pipe2(ends, O_CLOEXEC) < 0) {
        if (!fd_spare_helps())
            return err_sys(err, "cannot make a pipe");
    }
    return 0;
}

void fd_open_both_ways(int *end)
{
    char path[32];

    if (*end < 0)
        return;
    snprintf(path, sizeof path, "/proc/self/fd/%d", *end);
    int fd = fd_open(path, O_RDWR, 0);
    if (fd < 0)
        return;
    fd_close(end);
    *end = fd;
}

int fd_set_nonblock(int fd, bool on)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0)
        return -1;
    return fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

int fd_set_cloexec(int fd, bool on)
{
    return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0);
}

int fd_open(const char *path, int flags, unsigned mode)
{
    int fd;

    do {
        fd = open(path, flags | O_CLOEXEC, (mode_t)mode);
    } while (fd < 0 && (errno == EINTR || fd_spare_helps()));
    return fd;
}

int fd_open_log(const char *path, int flags, unsigned mode)
{
    struct stat st;
    int fd;

    if (geteuid() != 0)
        return fd_open(path, flags, mode);
    fd = fd_open(path, flags | O_NOFOLLOW, mode);
    if (fd >= 0 || errno != ELOOP)
        return fd;
    if (lstat(path, &st) < 0)
        return -1;
    if (!S_ISLNK(st.st_mode) || st.st_uid == 0)
        return fd_open(path, flags, mode);
    errno = EACCES;
    return -1;
}

void fd_close(int *fd)
{
    int saved = errno;

    if (*fd >= 0)
        close(*fd); /* never repeated: on Linux it is closed even after EINTR */
    *fd = -1;
    errno = saved;
}

int fd_write_all(int fd, const void *data, size_t n)
{
    const char *at = data;

    while (n > 0) {
        ssize_t done = write(fd, at, n);

        if (done >= 0) {
            at += done;
            n -= (size_t)done;
        } else if (errno == EAGAIN) {
            struct pollfd p = {.fd = fd, .events = POLLOUT};

            if (poll(&p, 1, -1) < 0 && errno != EINTR)
                return -1;
        } else if (errno != EINTR) {
            return -1;
        }
    }
    return 0;
}

/* --- closing a range --------------------------------------------------------------- */

/* The descriptor number in the name of an entry of /proc/self/fd, or -1. */
static int fd_number_of(const char *name)
{
    int n = 0;

    if (*name == '\0')
        return -1;
    for (; *name; name++) {
        if (*name < '0' || *name > '9' || n > 100000000)
            return -1;
        n = n * 10 + (*name - '0');
    }
    return n;
}

/* As getdents64 gives it; libc's readdir would allocate. */
struct fd_dirent {
    uint64_t inode;
    int64_t offset;
    unsigned short reclen;
    unsigned char type;
    char name[];
};

/* Closes what /proc/self/fd lists; the list is read anew until a pass closes nothing, as
 * closing changes it under the reader. 0, or -1 where there is no /proc. */
static int fd_close_listed(int low)
{
    bool again = true;

    while (again) {
        _Alignas(struct fd_dirent) char bytes[4096];
        int dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        long n;

        if (dir < 0)
            return -1;
        again = false;
        while ((n = syscall(SYS_getdents64, dir, bytes, sizeof bytes)) > 0) {
            for (long at = 0; at < n;) {
                const struct fd_dirent *e =
                    (const struct fd_dirent *)(void *)(bytes + at);
                int fd = fd_number_of(e->name);

                if (fd >= low && fd != dir && close(fd) == 0)
                    again = true;
                at += e->reclen;
            }
        }
        close(dir);
        if (n < 0)
            return -1;
    }
    return 0;
}

void fd_close_from(int low)
{
    struct rlimit limit;
    int end = 1 << 20;

    if (syscall(SYS_close_range, (unsigned)low, ~0U, 0U) == 0)
        return;
    if (fd_close_listed(low) == 0)
        return;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < (rlim_t)end)
        end = (int)limit.rlim_cur;
    for (int fd = low; fd < end; fd++)
        close(fd);
}

void fd_ensure_standard(void)
{
    for (int fd = 0; fd < 3; fd++) {
        int ends[2], mine;

        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        /* The lowest free number is fd itself. */
        if (open("/dev/null", O_RDWR) == fd)
            continue;
        if (pipe2(ends, 0) < 0)
            continue;
        mine = fd == 0 ? ends[0] : ends[1];
        if (mine != fd)
            dup2(mine, fd);
        for (int i = 0; i < 2; i++) {
            if (ends[i] != fd)
                close(ends[i]);
        }
    }
}
