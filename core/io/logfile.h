/* Where log bytes go: a size-rotated file, a plain file, or an inherited descriptor
 * (/dev/stdout, /dev/stderr, /dev/fd/N, a FIFO, a tty). Never blocks on a slow reader,
 * never fails its caller: what cannot be written is dropped, said once (log_warn, with
 * how much), and logging resumes by itself. Source: Supervisor manual, upstream
 * loggers.py. */
#ifndef CORE_IO_LOGFILE_H
#define CORE_IO_LOGFILE_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/io/loop.h"
#include <sys/types.h>

struct logfile;

struct logfile_opts {
    const char *path; /* copied */
    int64_t maxbytes; /* 0: never rotated; ignored for what is not a regular file */
    int backups;      /* 0: truncated instead */
    unsigned mode;    /* of a new file; 0: 0666 less the umask */
    bool exclusive;   /* O_EXCL: an AUTO log */
    bool journaled;   /* writes within a chunk of output are noted in the journal */
};

/* Opens for appending. /dev/stdout, /dev/stderr and /dev/fd/N (also /proc/self/fd/N) are
 * the descriptors themselves, never reopened, and need no /dev or /proc. NULL with err.
 * A message about trouble never goes through log_* while quiet is set (the activity log
 * itself: it would recurse); then it goes to stderr. */
struct logfile *logfile_open(struct loop *loop, const struct logfile_opts *opts,
                             bool quiet, struct err *err);
/* Takes all n bytes; keeps errno. Rotation happens after the write that reaches maxbytes.
 */
void logfile_write(struct logfile *lf, const void *data, size_t n);
/* Bytes taken and not yet written (only for pipes, sockets and ttys), tried once more. */
void logfile_flush(struct logfile *lf);
/* USR2: closes and opens by name again; files only. 0, or -1 with err. */
int logfile_reopen(struct logfile *lf, struct err *err);
/* clearLog: removes the file (its backups stay, as upstream leaves them) and begins anew.
 * 0, or -1 with err; what is not a regular file is left alone. */
int logfile_clear(struct logfile *lf, struct err *err);
const char *logfile_path(const struct logfile *lf);
bool logfile_is_regular(const struct logfile *lf);
void logfile_close(struct logfile *lf); /* NULL is fine; flushes what it can at once */

/* Reading, by path: what readLog and tailLog need. Appends to out. 0, or -1 with err:
 * ERR_MISSING (no such file), ERR_SYNTAX (offset and length do not go together), ERR_SYS.
 * Source: upstream options.py readFile, tailFile. */
int logfile_read(const char *path, int64_t offset, int64_t length, struct buf *out,
                 struct err *err);
/* The last `length` bytes before offset+length; *size the file's, *overflow if more than
 * length bytes lie after offset. */
int logfile_tail(const char *path, int64_t offset, int64_t length, struct buf *out,
                 int64_t *size, bool *overflow, struct err *err);

#endif
