#include "core/io/pidwatch.h"

#include "core/base/clock.h"
#include "core/io/fd.h"
#include "core/io/procfs.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434 /* the same number on every architecture */
#endif

/* The kernel has the status once the new parent has taken it, which init may do late. */
enum { STATUS_POLL_MS = 20, STATUS_WAIT_MS = 3000, LOOK_MS = 500 };

/* struct pidfd_info of the first version. */
struct exit_info {
    uint64_t mask, cgroup;
    uint32_t ids[11];
    int32_t exit_code;
};
_Static_assert(sizeof(struct exit_info) == 64, "the size is part of the request");
enum { EXIT_INFO_EXIT = 1 << 3 };

static int get_exit_info(int pidfd, struct exit_info *info)
{
    *info = (struct exit_info){.mask = EXIT_INFO_EXIT};
    /* by system call: musl's ioctl takes an int, where the number does not fit */
    return (int)syscall(SYS_ioctl, pidfd, _IOWR(0xFF, 11, struct exit_info), info);
}

int pidwatch_pidfd(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec always */
}

static void pidwatch_end(struct pidwatch *w, int wait_status)
{
    pidwatch_stop(w);
    w->fn(w, wait_status);
}

/* It has ended: tells so if the status is known or never will be, else looks again. */
static void pidwatch_conclude(struct pidwatch *w, int64_t now_ms)
{
    struct exit_info info;
    struct procfs_identity id;
    if (get_exit_info(w->fd, &info) == 0) {
        if (info.mask & EXIT_INFO_EXIT) {
            pidwatch_end(w, info.exit_code);
            return;
        }
    } else if (errno != ESRCH) {
        pidwatch_end(w, PIDWATCH_UNKNOWN);
        return;
    }
    /* Once more after the zombie is gone, for a reaping in between. */
    bool gone = procfs_identify(w->pid, &id) < 0 || id.started != w->started;
    if (gone && get_exit_info(w->fd, &info) == 0 && (info.mask & EXIT_INFO_EXIT))
        pidwatch_end(w, info.exit_code);
    else if (gone || now_ms >= w->give_up_ms)
        pidwatch_end(w, PIDWATCH_UNKNOWN);
    else
        timer_set(&w->timer, now_ms + STATUS_POLL_MS);
}

static void pidwatch_ready(struct watch *watch, unsigned ready)
{
    struct pidwatch *w = container_of(watch, struct pidwatch, watch);
    UNUSED(ready);
    loop_want(watch, 0); /* it stays ready for ever */
    w->give_up_ms = mono_ms() + STATUS_WAIT_MS;
    pidwatch_conclude(w, mono_ms());
}

static void pidwatch_on_timer(struct timer *t, int64_t now_ms)
{
    struct pidwatch *w = container_of(t, struct pidwatch, timer);
    struct procfs_identity id;
    if (w->fd >= 0)
        pidwatch_conclude(w, now_ms);
    else if (procfs_identify(w->pid, &id) < 0 || id.started != w->started ||
             id.state == 'Z')
        pidwatch_end(w, PIDWATCH_UNKNOWN);
    else
        timer_set(t, now_ms + LOOK_MS);
}

void pidwatch_init(struct pidwatch *w, struct loop *loop, pidwatch_fn *fn)
{
    *w = (struct pidwatch){.loop = loop, .fn = fn, .fd = -1};
    timer_init(&w->timer, loop_timers(loop), pidwatch_on_timer);
}

int pidwatch_start(struct pidwatch *w, pid_t pid, uint64_t started, int pidfd)
{
    if (pidfd >= 0 && loop_add(w->loop, &w->watch, pidfd, WATCH_READ | WATCH_MANY,
                               pidwatch_ready) < 0) {
        fd_close(&pidfd);
        return -1;
    }
    w->pid = pid;
    w->started = started;
    w->fd = pidfd;
    if (pidfd < 0)
        timer_set(&w->timer, mono_ms() + LOOK_MS);
    return 0;
}

void pidwatch_stop(struct pidwatch *w)
{
    timer_cancel(&w->timer);
    if (w->fd >= 0)
        loop_del(&w->watch);
    loop_close_fd(w->loop, &w->fd);
    w->pid = 0;
}
