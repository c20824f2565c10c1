/* Rotation of a regular log file. The one idea: the descriptor in use is given up only
 * when the next one is open, so that a directory that vanished or became read-only costs
 * the rotation and not the output. Source: upstream loggers.py, doRollover. */
#include "core/base/alloc.h"
#include "core/io/fd.h"
#include "core/io/journal.h"
#include "core/io/logfile_priv.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* 0, also when there is nothing of that name (somebody cleaned up); else -1. */
static int rename_if_there(const char *from, const char *to)
{
    return rename(from, to) < 0 && errno != ENOENT ? -1 : 0;
}

/* The first number that no backup has, at most the last one. A rotation that was killed
 * half-way has left such a gap: it is filled then, and what is above it has moved
 * already; moving it once more would lose the last one too early. */
static int first_gap(const struct logfile *lf)
{
    int i = 1;

    for (; i < lf->backups; i++) {
        struct stat st;
        char *name = xasprintf("%s.%d", lf->path, i);
        bool missing = lstat(name, &st) < 0 && errno == ENOENT;

        free(name);
        if (missing)
            break;
    }
    return i;
}

/* PATH.1 becomes PATH.2 and so on, the last one is lost; PATH becomes PATH.1. */
static int rotate_names(struct logfile *lf)
{
    int last = first_gap(lf), rc = 0;
    char *from, *to = xasprintf("%s.%d", lf->path, last);

    for (int i = last - 1; i >= 0; i--) {
        from = i > 0 ? xasprintf("%s.%d", lf->path, i) : xstrdup(lf->path);
        rc = rename_if_there(from, to);
        journal_crash_point();
        free(to);
        to = from;
    }
    free(to);
    return rc; /* of the last step: the only one whose failure would lose bytes */
}

/* True if the file is as long as we think; somebody may have cut it. */
static bool size_is_real(struct logfile *lf)
{
    struct stat st;

    if (fstat(lf->fd, &st) == 0)
        lf->file->size = st.st_size;
    return lf->file->size >= lf->maxbytes;
}

static void rotate_failed(struct logfile *lf, const char *what)
{
    if (!lf->stuck)
        logfile_say(lf, "cannot %s log %s: %s; writing on into the present file", what,
                    lf->path, strerror(errno));
    lf->stuck = true;
}

void logfile_rotate(struct logfile *lf)
{
    if (lf->reopen_due)
        return; /* the present file has been given its new name already */
    if (lf->stuck && !logfile_may_retry(lf))
        return;
    if (!size_is_real(lf))
        return;
    if (lf->backups > 0 && rotate_names(lf) < 0) {
        rotate_failed(lf, "rotate");
        logfile_may_retry(lf);
        return;
    }
    if (logfile_open_path(lf, O_TRUNC) < 0) {
        rotate_failed(lf, "open a new");
        logfile_may_retry(lf);
        lf->reopen_due = true;
        return;
    }
    lf->stuck = false;
}
