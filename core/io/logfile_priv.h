/* What the parts of logfile share: logfile.c (opening, choosing, trouble),
 * logfile_rotate.c (regular files), logfile_pipe.c (descriptors that can be slow). */
#ifndef CORE_IO_LOGFILE_PRIV_H
#define CORE_IO_LOGFILE_PRIV_H

#include "core/base/map.h"
#include "core/io/logfile.h"

enum logfile_kind {
    LOGFILE_REGULAR,
    LOGFILE_PIPE, /* FIFO too */
    LOGFILE_SOCKET,
    LOGFILE_TTY,
    LOGFILE_DEVICE /* /dev/null and its like: never slow */
};

/* A regular file that is open, perhaps more than once: two programs may have one log. The
 * size is kept here so that no write needs a stat; we are the one who writes. */
struct logfile_file {
    struct logfile_inode {
        uint64_t dev, ino;
    } inode; /* no gap in it: a key of a map */
    int64_t size;
    unsigned users;
};

struct logfile {
    struct loop *loop; /* may be NULL: then pending bytes wait for the next write */
    char *path;
    int64_t maxbytes;
    int backups;
    unsigned mode;
    bool quiet;
    bool by_name; /* opened by path, so it can be opened again */
    bool journaled;
    enum logfile_kind kind;
    int fd;
    struct logfile_file *file; /* of a regular file */
    /* trouble */
    bool failing;           /* the last attempt to write failed; said already */
    int64_t mended_ms;      /* when that was last said to be over; 0: never */
    bool reopen_due;        /* the file under this name has to be opened again */
    bool stuck;             /* rotation failed; said already */
    int64_t retry_ms;       /* no attempt at that before */
    uint64_t dropped_bytes; /* since the trouble began */
    /* of what can be slow */
    struct buf pending;
    struct watch watch;
};

/* Says it once, to the log or, for a quiet one, to stderr. */
void logfile_say(const struct logfile *lf, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* n bytes are lost because of errno `sys` (0: the reader is too slow). */
void logfile_lost(struct logfile *lf, size_t n, int sys);
/* Writing works (again). */
void logfile_works(struct logfile *lf);
/* Opens by name and takes the place of the present descriptor; on failure that one stays.
 * flags besides those for appending. 0, or -1 with errno. */
int logfile_open_path(struct logfile *lf, int flags);
/* True when a failed attempt may be repeated now; at most once a second. */
bool logfile_may_retry(struct logfile *lf);

void logfile_rotate(struct logfile *lf);

void logfile_pipe_write(struct logfile *lf, const char *data, size_t n);
void logfile_pipe_drain(struct logfile *lf);

#endif
