/* The end of a process that is not our child, seen through its pidfd. The one idea: a
 * pidfd means one process for ever, whatever becomes of its number. Where the kernel has
 * none, /proc is looked at now and then.
 * Source: pidfd_open(2); Linux include/uapi/linux/pidfd.h for the exit status (6.15). */
#ifndef CORE_IO_PIDWATCH_H
#define CORE_IO_PIDWATCH_H

#include "core/io/loop.h"
#include <sys/types.h>

enum { PIDWATCH_UNKNOWN = -1 }; /* no wait status: the kernel does not tell */

struct pidwatch;
/* It has ended, with that status as waitpid gives it or PIDWATCH_UNKNOWN. The watch is
 * stopped already. */
typedef void pidwatch_fn(struct pidwatch *w, int wait_status);

struct pidwatch {
    struct loop *loop;
    struct watch watch;
    struct timer timer;
    pidwatch_fn *fn;
    int fd;           /* pidfd, ours; -1: none */
    pid_t pid;        /* 0: nothing is watched */
    uint64_t started; /* its start time, for a kernel without pidfd */
    int64_t give_up_ms;
};

/* A pidfd, close-on-exec, or -1 with errno (ESRCH: nobody has that pid). */
int pidwatch_pidfd(pid_t pid);

void pidwatch_init(struct pidwatch *w, struct loop *loop, pidwatch_fn *fn);
/* Watches pid, whose start time in ticks is given. Takes pidfd, which may be -1 where the
 * kernel has none. 0, or -1 with errno; the descriptor is closed then. */
int pidwatch_start(struct pidwatch *w, pid_t pid, uint64_t started, int pidfd);
void pidwatch_stop(struct pidwatch *w); /* harmless when nothing is watched */

#endif
