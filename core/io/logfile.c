/* One place to write log bytes to. The one idea: the caller never learns of trouble; it
 * is kept here as a state (failing, how much was dropped) that one message opens and
 * another one closes. */
#include "core/io/logfile.h"

#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "core/io/fd.h"
#include "core/io/journal.h"
#include "core/io/logfile_priv.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PENDING_MAX_BYTES = 256 * 1024, RETRY_MS = 1000 };

/* --- trouble ----------------------------------------------------------------------- */

void logfile_say(const struct logfile *lf, const char *fmt, ...)
{
    char text[1200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text - 1, fmt, ap);
    va_end(ap);
    if (!lf->quiet) {
        log_warn("%s", text);
        return;
    }
    size_t n = strlen(text);
    text[n++] = '\n';
    if (fd_write_all(2, text, n) < 0)
        return; /* nobody is left to hear of it */
}

bool logfile_may_retry(struct logfile *lf)
{
    int64_t now_ms = mono_ms();

    if (now_ms < lf->retry_ms)
        return false;
    lf->retry_ms = now_ms + RETRY_MS;
    return true;
}

void logfile_lost(struct logfile *lf, size_t n, int sys)
{
    lf->dropped_bytes += n;
    if (lf->failing)
        return;
    lf->failing = true;
    if (sys)
        logfile_say(lf, "cannot write to log %s: %s; dropping output until that works",
                    lf->path, strerror(sys));
    else
        logfile_say(
            lf, "the reader of log %s is too slow; dropping output until it catches up",
            lf->path);
}

/* A disk on the brink of being full takes one write and refuses the next: such a pair of
 * messages comes once a second at the most. */
void logfile_works(struct logfile *lf)
{
    if (!lf->failing)
        return;
    if (lf->kind == LOGFILE_REGULAR && lf->mended_ms &&
        mono_ms() - lf->mended_ms < RETRY_MS)
        return;
    lf->failing = false;
    lf->mended_ms = mono_ms();
    logfile_say(lf, "writing to log %s works again; %llu bytes were dropped", lf->path,
                (unsigned long long)lf->dropped_bytes);
    lf->dropped_bytes = 0;
}

/* --- opening ----------------------------------------------------------------------- */

/* The descriptor that a path such as /dev/stdout means, or -1. */
static int descriptor_named(const char *path)
{
    static const char *const prefixes[] = {"/dev/fd/", "/proc/self/fd/"};
    int64_t n;

    if (str_eq(path, "/dev/stdout"))
        return 1;
    if (str_eq(path, "/dev/stderr"))
        return 2;
    for (size_t i = 0; i < array_len(prefixes); i++) {
        if (str_starts(path, prefixes[i]) &&
            parse_int(path + strlen(prefixes[i]), 0, 1 << 20, &n) == 0)
            return (int)n;
    }
    return -1;
}

static struct map files; /* inode -> file: thousands of logs are opened at once */

static struct logfile_file *file_take(const struct stat *st)
{
    struct logfile_inode inode = {st->st_dev, st->st_ino};
    struct logfile_file *f = map_get(&files, &inode, sizeof inode);

    if (!f) {
        f = xcalloc(1, sizeof *f);
        f->inode = inode;
        map_put(&files, &f->inode, sizeof f->inode, f);
    }
    f->users++;
    f->size = st->st_size;
    return f;
}

static void file_drop(struct logfile *lf)
{
    if (lf->file && --lf->file->users == 0) {
        map_del(&files, &lf->file->inode, sizeof lf->file->inode);
        free(lf->file);
        if (files.len == 0)
            map_free(&files);
    }
    lf->file = NULL;
}

static void logfile_adopt(struct logfile *lf, int fd)
{
    struct stat st = {0};

    loop_del(&lf->watch);
    file_drop(lf);
    fd_close(&lf->fd);
    lf->fd = fd;
    fstat(fd, &st);
    if (S_ISREG(st.st_mode))
        lf->file = file_take(&st);
    lf->kind = S_ISREG(st.st_mode)    ? LOGFILE_REGULAR
               : S_ISFIFO(st.st_mode) ? LOGFILE_PIPE
               : S_ISSOCK(st.st_mode) ? LOGFILE_SOCKET
               : isatty(fd)           ? LOGFILE_TTY
                                      : LOGFILE_DEVICE;
}

int logfile_open_path(struct logfile *lf, int flags)
{
    int common = O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | flags;
    int fd = fd_open_log(lf->path, O_WRONLY | common, lf->mode);

    /* A FIFO without a reader: held open for both, it keeps what fits until one comes. */
    if (fd < 0 && errno == ENXIO)
        fd = fd_open_log(lf->path, O_RDWR | common, lf->mode);
    if (fd < 0)
        return -1;
    logfile_adopt(lf, fd);
    return 0;
}

struct logfile *logfile_open(struct loop *loop, const struct logfile_opts *opts,
                             bool quiet, struct err *err)
{
    struct logfile *lf = xcalloc(1, sizeof *lf);
    int named = descriptor_named(opts->path), fd;

    lf->loop = loop;
    lf->path = xstrdup(opts->path);
    lf->maxbytes = opts->maxbytes;
    lf->backups = opts->backups;
    lf->mode = opts->mode ? opts->mode : 0666;
    lf->quiet = quiet;
    lf->journaled = opts->journaled;
    lf->by_name = named < 0;
    lf->fd = -1;
    buf_init(&lf->pending, PENDING_MAX_BYTES);
    if (lf->by_name) {
        if (logfile_open_path(lf, opts->exclusive ? O_EXCL : 0) == 0)
            return lf;
    } else {
        /* Our own number for it: what becomes of the original is then no matter. */
        fd = fd_dup(named, 3);
        if (fd >= 0) {
            logfile_adopt(lf, fd);
            return lf;
        }
    }
    err_sys(err, "cannot open log %s", lf->path);
    logfile_close(lf);
    return NULL;
}

void logfile_close(struct logfile *lf)
{
    if (lf == NULL)
        return;
    logfile_flush(lf);
    loop_del(&lf->watch);
    file_drop(lf);
    fd_close(&lf->fd);
    buf_free(&lf->pending);
    free(lf->path);
    free(lf);
}

const char *logfile_path(const struct logfile *lf)
{
    return lf->path;
}

bool logfile_is_regular(const struct logfile *lf)
{
    return lf->kind == LOGFILE_REGULAR;
}

/* --- writing ----------------------------------------------------------------------- */

/* A regular file takes all, or says why not. True if it took all. */
static bool write_all(struct logfile *lf, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t done = write(lf->fd, data, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0) {
            logfile_lost(lf, n, done < 0 ? errno : ENOSPC);
            if (lf->by_name && logfile_may_retry(lf))
                logfile_open_path(lf, 0); /* perhaps another file system is there now */
            return false;
        }
        lf->file->size += done;
        journal_crash_point();
        data += done;
        n -= (size_t)done;
    }
    return true;
}

static void logfile_regular_write(struct logfile *lf, const char *data, size_t n)
{
    size_t skip = 0;
    bool all;

    if (lf->journaled)
        skip = journal_write_begin(lf->fd, lf->file->inode.dev, lf->file->inode.ino,
                                   lf->file->size, lf->path, data, n);
    all = write_all(lf, data + skip, n - skip);
    if (lf->journaled)
        journal_write_end(n);
    if (!all)
        return;
    logfile_works(lf);
    if (lf->maxbytes > 0 && lf->file->size >= lf->maxbytes && lf->by_name)
        logfile_rotate(lf);
}

static void logfile_slow_write(struct logfile *lf, const char *data, size_t n)
{
    size_t skip = 0;

    if (lf->journaled)
        skip = journal_write_begin(-1, 0, 0, 0, NULL, data, n);
    logfile_pipe_write(lf, data + skip, n - skip);
    if (lf->journaled)
        journal_write_end(n);
}

void logfile_write(struct logfile *lf, const void *data, size_t n)
{
    int saved = errno;

    if (lf->reopen_due && logfile_may_retry(lf) && logfile_open_path(lf, 0) == 0) {
        lf->reopen_due = lf->stuck = false;
        logfile_say(lf, "log %s is open again", lf->path);
    }
    if (lf->kind == LOGFILE_REGULAR)
        logfile_regular_write(lf, data, n);
    else
        logfile_slow_write(lf, data, n);
    errno = saved;
}

void logfile_flush(struct logfile *lf)
{
    if (lf->pending.len > 0)
        logfile_pipe_drain(lf);
}

int logfile_reopen(struct logfile *lf, struct err *err)
{
    if (!lf->by_name || lf->kind != LOGFILE_REGULAR)
        return 0;
    if (logfile_open_path(lf, 0) < 0) {
        lf->reopen_due = true; /* the next writes try again */
        return err_sys(err, "cannot open log %s again", lf->path);
    }
    lf->reopen_due = lf->stuck = false;
    return 0;
}

int logfile_clear(struct logfile *lf, struct err *err)
{
    if (!lf->by_name || lf->kind != LOGFILE_REGULAR)
        return 0;
    if (unlink(lf->path) < 0 && errno != ENOENT)
        return err_sys(err, "cannot remove log %s", lf->path);
    return logfile_reopen(lf, err);
}
