/* Descriptors: every one of ours is close-on-exec from birth. */
#ifndef CORE_IO_FD_H
#define CORE_IO_FD_H

#include "core/base/err.h"
#include <sys/types.h>

/* Spare descriptors, held so that there are some when the limit is reached: one is closed
 * when a call fails for want of a number (EMFILE, ENFILE), and the call tried again.
 * fd_pipe and fd_open do that themselves. */
enum { FD_SPARES = 10, FD_SPARES_OF_A_START = 6 };
/* Takes what is missing. Cheap when nothing is; errno is kept. True when all are there.
 */
bool fd_spares_fill(void);
size_t fd_spares_left(void);
/* After a failed call: true if errno (kept) is of that kind and a spare could be given.
 */
bool fd_spare_helps(void);

int fd_pipe(int ends[2], struct err *err); /* both close-on-exec, blocking; 0 or -1 */
/* Replaces one end of a pipe by one that can read and write: whoever holds it sees
 * neither EPIPE nor end of file while nobody has the other end. Where there is no /proc
 * it stays as it is. */
void fd_open_both_ways(int *end);
int fd_set_nonblock(int fd, bool on); /* 0 or -1 with errno */
int fd_pipe_nonblock(int end);        /* the same for a pipe, which has no other flags */
int fd_set_cloexec(int fd, bool on);
/* All from low up are closed at an exec; on kernels before 5.11, those up to high.
 * Async-signal-safe. */
void fd_set_cloexec_from(int low, int high);
/* open(2) with O_CLOEXEC, repeated on EINTR. */
int fd_open(const char *path, int flags, unsigned mode);
/* A copy with close-on-exec, of a number not below lowest; or -1 with errno. */
int fd_dup(int fd, int lowest);
/* The same for a log or a pidfile, whose folder may belong to another user: as root, a
 * link anywhere in the path is followed only if root made it, and a file of root's is not
 * opened by a second name in a folder where others may write (EACCES). Otherwise a user
 * could have us show or write any file. */
int fd_open_log(const char *path, int flags, unsigned mode);
void fd_close(int *fd); /* closes *fd >= 0 and sets it to -1; keeps errno */
/* Writes all, waiting as a blocking descriptor does; for files and small pipes. 0 or -1.
 */
int fd_write_all(int fd, const void *data, size_t n);
/* Closes every descriptor from low up: close_range(2), else /proc/self/fd, else one by
 * one up to the limit. Async-signal-safe. */
void fd_close_from(int low);
/* 0, 1, 2 exist afterwards: those that were closed point to /dev/null (or, where there is
 * no /dev/null, to a pipe without a peer). */
void fd_ensure_standard(void);

#endif
