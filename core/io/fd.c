/* Descriptors. The one idea: nothing here creates a descriptor that an exec could leak.
 */
#include "core/io/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_close_range
#define SYS_close_range 436 /* the same number on every architecture */
#endif

enum { CLOSE_RANGE_TO_CLOEXEC = 4 }; /* CLOSE_RANGE_CLOEXEC of linux/close_range.h */

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
    int flags = fcntl(fd, F_GETFL),
        wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;

    if (flags < 0)
        return -1;
    return wanted == flags ? 0 : fcntl(fd, F_SETFL, wanted); /* often it is so already */
}

int fd_pipe_nonblock(int end)
{
    return fcntl(end, F_SETFL, O_NONBLOCK);
}

int fd_set_cloexec(int fd, bool on)
{
    return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0);
}

void fd_set_cloexec_from(int low, int high)
{
    if (syscall(SYS_close_range, (unsigned)low, ~0U, (unsigned)CLOSE_RANGE_TO_CLOEXEC) ==
        0)
        return;
    for (int fd = low; fd <= high; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* Both by system call: musl sets the flag a second time, for kernels before ours. */
int fd_open(const char *path, int flags, unsigned mode)
{
    int fd;

    do {
        fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC | O_LARGEFILE,
                          (mode_t)mode);
    } while (fd < 0 && (errno == EINTR || fd_spare_helps()));
    return fd;
}

int fd_dup(int fd, int lowest)
{
    return (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, lowest);
}

/* --- opening as root where others may write ------------------------------------------
 */

/* openat2(2), which libc does not know; RESOLVE_NO_SYMLINKS. */
struct fd_open_how {
    uint64_t flags, mode, resolve;
};

static int fd_open_without_links(const char *path, int flags, unsigned mode)
{
    struct fd_open_how how = {.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
                              .mode = flags & O_CREAT ? mode : 0,
                              .resolve = 0x04};
    int fd;

    do {
        fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
    } while (fd < 0 && (errno == EINTR || errno == EAGAIN || fd_spare_helps()));
    return fd;
}

/* Where the walk is: the folder, and what of the path is still to come. */
struct fd_walk {
    int dir; /* AT_FDCWD at first */
    int links;
    char rest[PATH_MAX];
};

static void walk_enter(struct fd_walk *w, int dir)
{
    if (w->dir >= 0)
        fd_close(&w->dir);
    w->dir = dir;
}

/* Cuts the next name off. False: it is the last one. */
static bool walk_next(struct fd_walk *w, char name[NAME_MAX + 1])
{
    size_t skip = strspn(w->rest, "/"), n = strcspn(w->rest + skip, "/");
    size_t behind = skip + n + strspn(w->rest + skip + n, "/");

    snprintf(name, NAME_MAX + 1, "%.*s", (int)n, w->rest + skip);
    memmove(w->rest, w->rest + behind, strlen(w->rest + behind) + 1);
    return w->rest[0] != '\0';
}

/* Takes the way that a link (open as one, by O_PATH) points to. Only root's are trusted.
 */
static int walk_link(struct fd_walk *w, int link, const struct stat *st)
{
    char to[PATH_MAX], rest[PATH_MAX];
    ssize_t n;

    errno = EACCES;
    if (st->st_uid != 0)
        return -1;
    errno = ELOOP;
    if (++w->links > 40)
        return -1;
    n = readlinkat(link, "", to, sizeof to - 1);
    if (n <= 0)
        return -1;
    to[n] = '\0';
    memcpy(rest, w->rest, sizeof rest);
    errno = ENAMETOOLONG;
    if (snprintf(w->rest, sizeof w->rest, "%s%s%s", to, rest[0] ? "/" : "", rest) >=
        (int)sizeof w->rest)
        return -1;
    if (to[0] == '/')
        walk_enter(w, fd_open("/", O_PATH | O_DIRECTORY, 0));
    return to[0] == '/' && w->dir < 0 ? -1 : 0;
}

/* Each name of the path for itself, so that nobody can put a link there in between. */
static int walk_open(struct fd_walk *w, int flags, unsigned mode)
{
    char name[NAME_MAX + 1];
    struct stat st;
    int at, fd;
    bool more;

    if (w->rest[0] == '/')
        walk_enter(w, fd_open("/", O_PATH | O_DIRECTORY, 0));
    for (;;) {
        more = walk_next(w, name);
        at = openat(w->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (at < 0 && (more || errno != ENOENT))
            return -1;
        if (at >= 0 && fstat(at, &st) == 0 && S_ISLNK(st.st_mode)) {
            int rc = walk_link(w, at, &st);

            fd_close(&at);
            if (rc < 0)
                return -1;
        } else if (more) {
            walk_enter(w, at);
        } else {
            fd_close(&at);
            fd = openat(w->dir, name, flags | O_NOFOLLOW | O_CLOEXEC, (mode_t)mode);
            return fd;
        }
    }
}

static int fd_walk_open(const char *path, int flags, unsigned mode)
{
    struct fd_walk w = {.dir = AT_FDCWD};
    int fd, saved;

    errno = ENAMETOOLONG;
    if (snprintf(w.rest, sizeof w.rest, "%s", path) >= (int)sizeof w.rest)
        return -1;
    fd = walk_open(&w, flags, mode);
    saved = errno;
    walk_enter(&w, AT_FDCWD);
    errno = saved;
    return fd;
}

/* A file of root's under a further name, in a folder where others can make names: theirs
 * is the name and not the file. */
static bool fd_is_planted(const char *path, const struct stat *file)
{
    const char *slash = strrchr(path, '/');
    char dir[PATH_MAX];
    struct stat st;

    if (!S_ISREG(file->st_mode) || file->st_nlink < 2 || file->st_uid != 0)
        return false;
    snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path) + 1 : 1,
             slash ? path : ".");
    return stat(dir, &st) < 0 || st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH));
}

int fd_open_log(const char *path, int flags, unsigned mode)
{
    int late = flags & O_TRUNC, fd; /* not before we know what it is */
    struct stat st;

    if (geteuid() != 0)
        return fd_open(path, flags, mode);
    fd = fd_open_without_links(path, flags & ~O_TRUNC, mode);
    if (fd < 0 && (errno == ELOOP || errno == ENOSYS || errno == EPERM))
        fd = fd_walk_open(path, flags & ~O_TRUNC, mode);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) == 0 && fd_is_planted(path, &st)) {
        fd_close(&fd);
        errno = EACCES;
        return -1;
    }
    if (late && S_ISREG(st.st_mode) && st.st_size > 0 && ftruncate(fd, 0) < 0)
        fd_close(&fd);
    return fd;
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
    struct pollfd standard[3] = {{.fd = 0}, {.fd = 1}, {.fd = 2}};

    if (poll(standard, 3, 0) < 0) /* tells of those that are not open */
        return;
    for (int fd = 0; fd < 3; fd++) {
        int ends[2], mine;

        if (!(standard[fd].revents & POLLNVAL))
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
