/* The poll() loop: watches, timers, hooks. One turn: poll; ready watches, reads before
 * writes; hooks of HOOK_AFTER_IO (reaping); due timers; hooks of HOOK_END; graveyard.
 * On Linux the watches marked WATCH_MANY live in one epoll descriptor that is itself
 * polled, so that idle ones cost nothing; with LOOP_PLAIN_POLL defined, and elsewhere,
 * all go to poll(). */
#ifndef CORE_IO_LOOP_H
#define CORE_IO_LOOP_H

#include "core/base/err.h"
#include "core/base/list.h"
#include "core/io/timer.h"

enum {
    WATCH_READ = 1,
    WATCH_WRITE = 2,
    WATCH_MANY = 4 /* one of possibly thousands: a child's pipe */
};

struct loop;
struct watch;
/* ready: WATCH_READ (also at end of file or error: read tells) and/or WATCH_WRITE, cut to
 * what was wanted. May change or drop any watch, its own included. */
typedef void watch_fn(struct watch *w, unsigned ready);

struct watch {
    struct loop *loop; /* NULL: not in a loop */
    watch_fn *fn;
    int fd;
    unsigned char want, wish, flags; /* wish: what is wanted as soon as it can be */
    uint32_t slot;
    uint32_t serial;
};

struct loop *loop_new(struct err *err); /* NULL with err */
void loop_free(struct loop *loop);
struct timers *loop_timers(struct loop *loop);
/* The monotonic time read after the last poll: one reading a turn. */
int64_t loop_now_ms(const struct loop *loop);

/* Watches fd for what `want` says (0 is allowed: nothing is polled, hang-ups included, so
 * a half-closed descriptor cannot spin). The caller owns w and fd; w may be part of a
 * freed structure after loop_del: pending calls to it are dropped. 0, or -1 with errno
 * (EPERM: a regular file cannot be WATCH_MANY; without it, it is always ready). */
int loop_add(struct loop *loop, struct watch *w, int fd, unsigned want, watch_fn *fn);
void loop_want(struct watch *w, unsigned want); /* cheap when nothing changes */
void loop_del(struct watch *w);                 /* harmless twice; before closing fd */

enum loop_stage { HOOK_AFTER_IO, HOOK_END };
struct loop_hook {
    struct list link;
    void (*fn)(void *arg);
    void *arg;
};
/* Called every turn in order of registration. The hook is borrowed. */
void loop_add_hook(struct loop *loop, enum loop_stage stage, struct loop_hook *hook,
                   void (*fn)(void *), void *arg);
void loop_del_hook(struct loop_hook *hook);

/* Makes the next turn poll without waiting (work was left over). */
void loop_again(struct loop *loop);
/* Something failed that will be tried again at once, because what it was about is still
 * ready: the next turn begins a moment later, so that a fault that lasts costs no
 * processor time worth mentioning. */
void loop_stumble(struct loop *loop);
/* Frees ptr at the end of the turn, by free_fn: for objects that may still be on the
 * stack. */
void loop_bury(struct loop *loop, void *ptr, void (*free_fn)(void *));
/* Closes *fd at the end of the turn, after its hooks, and sets it to -1: for descriptors
 * that a saved record of our state may name. Were it closed at once, its number could be
 * another's before the next record (written by a hook) is there. Listening sockets are
 * closed at once, as their address must be free again: who restores one checks its inode.
 */
void loop_close_fd(struct loop *loop, int *fd);
/* One turn; waits max_wait_ms at the most (-1: as long as no deadline). 0, or -1 with err
 * when poll itself fails for another reason than a signal. */
int loop_turn(struct loop *loop, int max_wait_ms, struct err *err);
/* Turns until loop_stop. */
int loop_run(struct loop *loop, struct err *err);
void loop_stop(struct loop *loop);

#endif
