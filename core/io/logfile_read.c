/* Reading logs by path. The one idea: the numbers follow upstream's options.py, readFile
 * and tailFile, since clients page through logs by them. */
#include "core/io/fd.h"
#include "core/io/logfile.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A descriptor of the regular file at path and its size; -1 with err. Never waits for the
 * writer of a FIFO. */
static int log_open(const char *path, int64_t *size, struct err *err)
{
    int fd = fd_open_log(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    struct stat st;

    if (fd < 0) {
        err_sys(err, "cannot read %s", path);
        if (err && (errno == ENOENT || errno == ENOTDIR))
            err->code = ERR_MISSING;
        return -1;
    }
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        errno = ESPIPE;
        err_sys(err, "cannot read %s", path);
        fd_close(&fd);
        return -1;
    }
    *size = st.st_size;
    return fd;
}

/* Appends up to n bytes from offset. 0, or -1 with err and out as it was. */
static int log_copy(int fd, const char *path, int64_t offset, int64_t n, struct buf *out,
                    struct err *err)
{
    size_t before = out->len;

    while (n > 0) {
        size_t piece = n < 65536 ? (size_t)n : 65536;
        char *room;
        ssize_t got;

        if (buf_reserve(out, piece, &room) < 0) {
            err_set(err, ERR_LIMIT, "too much of %s asked for at once", path);
            goto failed;
        }
        got = pread(fd, room, piece, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            err_sys(err, "cannot read %s", path);
            goto failed;
        }
        if (got == 0)
            break;
        buf_commit(out, (size_t)got);
        offset += got;
        n -= got;
    }
    return 0;
failed:
    buf_truncate(out, before);
    return -1;
}

int logfile_read(const char *path, int64_t offset, int64_t length, struct buf *out,
                 struct err *err)
{
    int64_t size;
    int fd = log_open(path, &size, err), rc;

    if (fd < 0)
        return -1;
    if (length < 0 || (offset < 0 && length != 0)) {
        fd_close(&fd);
        return err_set(err, ERR_SYNTAX, "offset and length do not go together");
    }
    if (offset < 0) { /* that many bytes from the end */
        int64_t want = offset == INT64_MIN ? INT64_MAX : -offset;

        offset = want < size ? size - want : 0;
    }
    if (offset > size)
        offset = size;
    if (length == 0 || length > size - offset)
        length = size - offset;
    rc = log_copy(fd, path, offset, length, out, err);
    fd_close(&fd);
    return rc;
}

int logfile_tail(const char *path, int64_t offset, int64_t length, struct buf *out,
                 int64_t *size, bool *overflow, struct err *err)
{
    int64_t sz, end;
    int fd = log_open(path, &sz, err), rc;

    if (fd < 0)
        return -1;
    *overflow = false;
    *size = sz;
    if (__builtin_add_overflow(offset, length, &end))
        end = offset < 0 ? INT64_MIN : INT64_MAX;
    if (sz > end) {
        *overflow = true;
        offset = sz - 1;
    }
    if (__builtin_add_overflow(offset, length, &end))
        end = offset < 0 ? INT64_MIN : INT64_MAX;
    if (end > sz) {
        if (offset > sz - 1)
            length = 0;
        offset = length < 0 || length > sz ? 0 : sz - length;
    }
    if (offset < 0)
        offset = 0;
    if (length > sz - offset)
        length = sz - offset;
    rc = log_copy(fd, path, offset, length, out, err);
    fd_close(&fd);
    return rc;
}
