/* The poll() loop. The one idea: every watch has a row in one table, and whatever is
 * reported for it is kept as (row, serial). A callback may therefore drop any watch, and
 * its memory, at any time: a report whose serial no longer fits its row is void. */
#include "core/io/loop.h"

#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/io/fd.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__linux__) && !defined(LOOP_PLAIN_POLL)
#define LOOP_EPOLL 1
#include <sys/epoll.h>
#endif

enum {
    EPOLL_BATCH = 256,    /* reports taken from epoll in one turn */
    TIMERS_PER_TURN = 64, /* then the descriptors and dead children get their turn */
    STUMBLE_MS = 20,
    POLL_MENDED_MS = 1000, /* without a failure */
    WANT_BITS = WATCH_READ | WATCH_WRITE
};

struct loop_row {
    struct watch *w; /* NULL: free */
    uint32_t serial; /* counts the users of the row */
    uint32_t link;   /* in use: its place among the pollfds + 1, 0: none; free: the next
                      * free row + 1 */
};

struct loop_report {
    size_t row;
    uint32_t serial;
    unsigned ready;
};

struct loop_corpse {
    void *ptr;
    void (*free_fn)(void *);
};

struct loop {
    struct timers timers;
    int64_t now_ms;
    struct loop_row *rows;
    size_t row_count, row_cap, free_row; /* free_row: index + 1 */
    struct pollfd *polls;                /* polls[0] is the epoll descriptor */
    size_t *poll_rows;                   /* parallel to polls */
    size_t poll_count, poll_cap;
    struct loop_report *reports;
    size_t report_count, report_cap;
    int epoll_fd;
    struct list hooks[2], hook_markers[2];
    struct loop_corpse *dead;
    size_t dead_count, dead_cap;
    bool again, stopped, stumbled, poll_failed, unwatched;
    int64_t poll_failed_ms;
};

struct loop *loop_new(struct err *err)
{
    struct loop *loop = xcalloc(1, sizeof *loop);

    for (int stage = 0; stage < 2; stage++) {
        list_init(&loop->hooks[stage]);
        list_init(&loop->hook_markers[stage]);
    }
    loop->epoll_fd = -1;
    loop->poll_cap = 16;
    loop->polls = xcalloc(loop->poll_cap, sizeof *loop->polls);
    loop->poll_rows = xcalloc(loop->poll_cap, sizeof *loop->poll_rows);
    loop->poll_count = 1;
#ifdef LOOP_EPOLL
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0) {
        err_sys(err, "cannot make an epoll descriptor");
        loop_free(loop);
        return NULL;
    }
#else
    UNUSED(err);
#endif
    loop->polls[0] = (struct pollfd){.fd = loop->epoll_fd, .events = POLLIN};
    loop->now_ms = mono_ms();
    return loop;
}

static void loop_clear_graveyard(struct loop *loop)
{
    for (size_t i = 0; i < loop->dead_count; i++) { /* a funeral may add another */
        struct loop_corpse c = loop->dead[i];

        c.free_fn(c.ptr);
    }
    loop->dead_count = 0;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    loop_clear_graveyard(loop);
    for (size_t i = 0; i < loop->row_count; i++) {
        if (loop->rows[i].w)
            loop->rows[i].w->loop = NULL;
    }
    for (int stage = 0; stage < 2; stage++) {
        list_each(it, &loop->hooks[stage]) list_del(it);
    }
    fd_close(&loop->epoll_fd);
    timers_free(&loop->timers);
    free(loop->rows);
    free(loop->polls);
    free(loop->poll_rows);
    free(loop->reports);
    free(loop->dead);
    free(loop);
}

struct timers *loop_timers(struct loop *loop)
{
    return &loop->timers;
}

int64_t loop_now_ms(const struct loop *loop)
{
    return loop->now_ms;
}

/* --- watches ----------------------------------------------------------------------- */

static size_t row_take(struct loop *loop, struct watch *w)
{
    size_t at;

    if (loop->free_row == 0) {
        if (loop->row_count == loop->row_cap) {
            loop->row_cap = loop->row_cap ? 2 * loop->row_cap : 32;
            loop->rows = xreallocarray(loop->rows, loop->row_cap, sizeof *loop->rows);
        }
        at = loop->row_count++;
        loop->rows[at] = (struct loop_row){0};
    } else {
        at = loop->free_row - 1;
        loop->free_row = loop->rows[at].link;
    }
    loop->rows[at].w = w;
    loop->rows[at].link = 0;
    w->serial = ++loop->rows[at].serial;
    w->slot = (uint32_t)at;
    return at;
}

static void row_give_back(struct loop *loop, size_t at)
{
    loop->rows[at].w = NULL;
    loop->rows[at].serial++;
    loop->rows[at].link = (uint32_t)loop->free_row;
    loop->free_row = at + 1;
}

static void poll_add(struct loop *loop, size_t row, int fd, short events)
{
    if (loop->poll_count == loop->poll_cap) {
        loop->poll_cap *= 2;
        loop->polls = xreallocarray(loop->polls, loop->poll_cap, sizeof *loop->polls);
        loop->poll_rows =
            xreallocarray(loop->poll_rows, loop->poll_cap, sizeof *loop->poll_rows);
    }
    loop->polls[loop->poll_count] = (struct pollfd){.fd = fd, .events = events};
    loop->poll_rows[loop->poll_count] = row;
    loop->poll_count++;
    loop->rows[row].link = (uint32_t)loop->poll_count;
}

static void poll_remove(struct loop *loop, size_t row)
{
    size_t at = loop->rows[row].link - 1, last = --loop->poll_count;

    loop->rows[row].link = 0;
    if (at == last)
        return;
    loop->polls[at] = loop->polls[last];
    loop->poll_rows[at] = loop->poll_rows[last];
    loop->rows[loop->poll_rows[at]].link = (uint32_t)at + 1;
}

static int poll_change(struct loop *loop, struct watch *w, unsigned want)
{
    struct loop_row *row = &loop->rows[w->slot];
    int events = (want & WATCH_READ ? POLLIN : 0) | (want & WATCH_WRITE ? POLLOUT : 0);

    if (want == 0)
        poll_remove(loop, w->slot);
    else if (row->link == 0)
        poll_add(loop, w->slot, w->fd, (short)events);
    else
        loop->polls[row->link - 1].events = (short)events;
    return 0;
}

#ifdef LOOP_EPOLL
static int epoll_change(struct loop *loop, struct watch *w, unsigned want)
{
    struct epoll_event ev = {.data.u64 = (uint64_t)w->serial << 32 | w->slot};
    int op = want == 0 ? EPOLL_CTL_DEL : w->want == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

    ev.events = (want & WATCH_READ ? (unsigned)EPOLLIN : 0) |
                (want & WATCH_WRITE ? (unsigned)EPOLLOUT : 0);
    return epoll_ctl(loop->epoll_fd, op, w->fd, &ev);
}
#endif

/* Makes the kernel look for what `want` says. 0, or -1 with errno. */
static int watch_change(struct watch *w, unsigned want)
{
    int rc;

    if (want == w->want)
        return 0;
#ifdef LOOP_EPOLL
    if (w->flags & WATCH_MANY)
        rc = epoll_change(w->loop, w, want);
    else
#endif
        rc = poll_change(w->loop, w, want);
    if (rc == 0)
        w->want = (unsigned char)want;
    return rc;
}

int loop_add(struct loop *loop, struct watch *w, int fd, unsigned want, watch_fn *fn)
{
    *w = (struct watch){.loop = loop, .fn = fn, .fd = fd};
    w->flags = (unsigned char)(want & WATCH_MANY);
    w->wish = (unsigned char)(want & WANT_BITS);
    row_take(loop, w);
    if (watch_change(w, w->wish) < 0) {
        row_give_back(loop, w->slot);
        w->loop = NULL;
        return -1;
    }
    return 0;
}

/* What the kernel has no memory for now is asked for again every turn: a queue whose
 * wish was lost would wait for ever. */
void loop_want(struct watch *w, unsigned want)
{
    if (w->loop == NULL)
        return;
    w->wish = (unsigned char)(want & WANT_BITS);
    if (watch_change(w, w->wish) < 0) {
        if (!w->loop->unwatched)
            log_warn("cannot watch descriptor %d: %s; trying again", w->fd,
                     strerror(errno));
        w->loop->unwatched = true;
        loop_stumble(w->loop);
    }
}

static void loop_watch_again(struct loop *loop)
{
    if (!loop->unwatched)
        return;
    for (size_t i = 0; i < loop->row_count; i++) {
        struct watch *w = loop->rows[i].w;

        if (w && watch_change(w, w->wish) < 0) {
            loop_stumble(loop);
            return;
        }
    }
    loop->unwatched = false;
    log_info("all descriptors are watched again");
}

void loop_del(struct watch *w)
{
    if (w->loop == NULL)
        return;
    watch_change(w, 0);
    row_give_back(w->loop, w->slot);
    w->loop = NULL;
}

/* --- hooks, graveyard -------------------------------------------------------------- */

void loop_add_hook(struct loop *loop, enum loop_stage stage, struct loop_hook *hook,
                   void (*fn)(void *), void *arg)
{
    hook->fn = fn;
    hook->arg = arg;
    list_append(&loop->hooks[stage], &hook->link);
}

void loop_del_hook(struct loop_hook *hook)
{
    list_del(&hook->link);
}

/* The ring is walked by a marker in it, so that a hook may drop itself or any other. */
static void loop_run_hooks(struct loop *loop, enum loop_stage stage)
{
    struct list *head = &loop->hooks[stage], *marker = &loop->hook_markers[stage];

    list_insert(head, marker);
    while (marker->next != head) {
        struct list *item = marker->next;
        struct loop_hook *hook = list_item(item, struct loop_hook, link);

        list_del(marker);
        list_insert(item, marker);
        hook->fn(hook->arg);
    }
    list_del(marker);
}

void loop_again(struct loop *loop)
{
    loop->again = true;
}

void loop_stumble(struct loop *loop)
{
    loop->stumbled = loop->again = true;
}

void loop_bury(struct loop *loop, void *ptr, void (*free_fn)(void *))
{
    if (loop->dead_count == loop->dead_cap) {
        loop->dead_cap = loop->dead_cap ? 2 * loop->dead_cap : 16;
        loop->dead = xreallocarray(loop->dead, loop->dead_cap, sizeof *loop->dead);
    }
    loop->dead[loop->dead_count++] = (struct loop_corpse){ptr, free_fn};
}

static void close_corpse(void *number)
{
    int fd = (int)(intptr_t)number;

    fd_close(&fd);
}

void loop_close_fd(struct loop *loop, int *fd)
{
    if (*fd >= 0)
        loop_bury(loop, (void *)(intptr_t)*fd, close_corpse);
    *fd = -1;
}

/* --- a turn ------------------------------------------------------------------------ */

static void report_add(struct loop *loop, size_t row, uint32_t serial, unsigned ready)
{
    if (loop->report_count == loop->report_cap) {
        loop->report_cap = loop->report_cap ? 2 * loop->report_cap : 64;
        loop->reports =
            xreallocarray(loop->reports, loop->report_cap, sizeof *loop->reports);
    }
    loop->reports[loop->report_count++] = (struct loop_report){row, serial, ready};
}

/* Hang-ups and errors count as ready for whatever is wanted: the call then tells. */
static void loop_gather_poll(struct loop *loop, int left)
{
    for (size_t i = 1; i < loop->poll_count && left > 0; i++) {
        int got = loop->polls[i].revents;
        unsigned ready = 0;

        if (got == 0)
            continue;
        left--;
        if (got & (POLLIN | POLLHUP | POLLERR | POLLNVAL))
            ready |= WATCH_READ;
        if (got & (POLLOUT | POLLHUP | POLLERR | POLLNVAL))
            ready |= WATCH_WRITE;
        report_add(loop, loop->poll_rows[i], loop->rows[loop->poll_rows[i]].serial,
                   ready);
    }
}

static void loop_gather_epoll(struct loop *loop)
{
#ifdef LOOP_EPOLL
    struct epoll_event events[EPOLL_BATCH];
    int n = epoll_wait(loop->epoll_fd, events, EPOLL_BATCH, 0);

    if (n < 0)
        loop_stumble(loop);
    for (int i = 0; i < n; i++) {
        unsigned got = events[i].events, ready = 0;

        if (got & (EPOLLIN | EPOLLHUP | EPOLLERR))
            ready |= WATCH_READ;
        if (got & (EPOLLOUT | EPOLLHUP | EPOLLERR))
            ready |= WATCH_WRITE;
        report_add(loop, (uint32_t)events[i].data.u64,
                   (uint32_t)(events[i].data.u64 >> 32), ready);
    }
#else
    UNUSED(loop);
#endif
}

/* Calls those that are ready for `kind`, if they still exist and still want it. */
static void loop_dispatch(struct loop *loop, unsigned kind)
{
    for (size_t i = 0; i < loop->report_count; i++) {
        struct loop_report r = loop->reports[i];
        struct watch *w = loop->rows[r.row].w;

        if (w == NULL || loop->rows[r.row].serial != r.serial)
            continue;
        if (r.ready & kind & w->want)
            w->fn(w, kind);
    }
}

static int loop_timeout_ms(struct loop *loop, int max_wait_ms)
{
    int64_t due_ms = timers_next_ms(&loop->timers), wait_ms;

    if (loop->again || max_wait_ms == 0)
        return 0;
    if (loop->timers.len == 0)
        return max_wait_ms;
    wait_ms = due_ms - mono_ms();
    if (wait_ms < 0)
        wait_ms = 0;
    if (wait_ms > INT_MAX)
        wait_ms = INT_MAX;
    if (max_wait_ms >= 0 && wait_ms > max_wait_ms)
        wait_ms = max_wait_ms;
    return (int)wait_ms;
}

/* The kernel could not look at all at once (no memory; or RLIMIT_NOFILE was lowered below
 * their number): one by one then. Where even that fails, reading is tried anyway: no
 * descriptor here blocks, and the dead must be buried. */
static int loop_poll_singly(struct loop *loop)
{
    int ready = 0;

    for (size_t i = 0; i < loop->poll_count; i++) {
        struct pollfd *p = &loop->polls[i];

        if (poll(p, 1, 0) < 0)
            p->revents = p->events & POLLIN;
        ready += p->revents != 0;
    }
    return ready;
}

static int loop_poll(struct loop *loop, int wait_ms, struct err *err)
{
    int n = poll(loop->polls, loop->poll_count, wait_ms);

    if (n >= 0) {
        if (loop->poll_failed && mono_ms() - loop->poll_failed_ms >= POLL_MENDED_MS) {
            log_info("polling works again");
            loop->poll_failed = false;
        }
        return n;
    }
    if (errno == EINTR || errno == EAGAIN)
        return 0;
    if (errno != ENOMEM && errno != EINVAL)
        return err_sys(err, "poll failed");
    if (!loop->poll_failed)
        log_crit("cannot poll: %s; trying again", strerror(errno));
    loop->poll_failed = true;
    loop->poll_failed_ms = mono_ms();
    loop_stumble(loop);
    return loop_poll_singly(loop);
}

int loop_turn(struct loop *loop, int max_wait_ms, struct err *err)
{
    int n = loop_timeout_ms(loop, max_wait_ms);

    if (loop->poll_failed && (n < 0 || n > POLL_MENDED_MS))
        n = POLL_MENDED_MS; /* to see that it is over */
    if (loop->stumbled)
        nanosleep(&(struct timespec){.tv_nsec = STUMBLE_MS * 1000000L}, NULL);
    loop->again = loop->stumbled = false;
    n = loop_poll(loop, n, err);
    loop->now_ms = mono_ms();
    if (n < 0)
        return -1;
    loop->report_count = 0;
    if (n > 0) {
        bool many = loop->polls[0].revents != 0;

        if (many)
            loop_gather_epoll(loop);
        loop_gather_poll(loop, n - (many ? 1 : 0));
        loop_dispatch(loop, WATCH_READ);
        loop_dispatch(loop, WATCH_WRITE);
    }
    loop_run_hooks(loop, HOOK_AFTER_IO);
    timers_run(&loop->timers, loop->now_ms, TIMERS_PER_TURN);
    loop_run_hooks(loop, HOOK_END);
    loop_watch_again(loop);
    loop_clear_graveyard(loop);
    return 0;
}

int loop_run(struct loop *loop, struct err *err)
{
    loop->stopped = false;
    while (!loop->stopped) {
        if (loop_turn(loop, -1, err) < 0)
            return -1;
    }
    return 0;
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
    loop->again = true;
}
