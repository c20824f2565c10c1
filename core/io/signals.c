/* Signals through one signalfd. The one idea: no handler runs our code, so nothing here
 * has to be safe in the middle of something else. */
#include "core/io/signals.h"

#include "core/base/alloc.h"
#include "core/io/fd.h"
#include "core/io/journal.h"
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SIGNALS_BATCH = 16 };

struct signals {
    struct watch watch;
    int fd;
    signals_fn *fn;
    void *arg;
    sigset_t mask_before;
    struct sigaction pipe_before;
};

/* One, into the journal: a TERM that was taken and not obeyed yet must outlive us. A dead
 * child needs no note, as the next life begins with reaping. */
static void signals_take_one(struct signals *s, struct journal_entry *e)
{
    ssize_t n = read(s->fd, &e->u.signal, sizeof e->u.signal);
    int number = n == sizeof e->u.signal ? (int)e->u.signal.ssi_signo : 0;

    if (number == 0 || number == SIGCHLD)
        journal_cancel(e);
    if (number > 0)
        s->fn(s->arg, number);
    if (number > 0 && number != SIGCHLD)
        journal_done(e);
}

static void signals_readable(struct watch *w, unsigned ready)
{
    struct signals *s = container_of(w, struct signals, watch);
    struct signalfd_siginfo infos[SIGNALS_BATCH];
    struct journal_entry *e = journal_begin(JOURNAL_SIGNAL);
    ssize_t n;

    UNUSED(ready);
    if (e) {
        signals_take_one(s, e); /* the next turn takes the next */
        return;
    }
    n = read(s->fd, infos, sizeof infos);
    for (size_t i = 0; n > 0 && i < (size_t)n / sizeof infos[0]; i++)
        s->fn(s->arg, (int)infos[i].ssi_signo);
}

struct signals *signals_open(struct loop *loop, const int *numbers, signals_fn *fn,
                             void *arg, struct err *err)
{
    struct signals *s = xcalloc(1, sizeof *s);
    sigset_t set;

    s->fn = fn;
    s->arg = arg;
    sigemptyset(&set);
    for (; *numbers; numbers++)
        sigaddset(&set, *numbers);
    s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->fd < 0) {
        err_sys(err, "cannot make a signal descriptor");
        free(s);
        return NULL;
    }
    if (loop_add(loop, &s->watch, s->fd, WATCH_READ, signals_readable) < 0) {
        err_sys(err, "cannot watch the signal descriptor");
        fd_close(&s->fd);
        free(s);
        return NULL;
    }
    sigprocmask(SIG_BLOCK, &set, &s->mask_before);
    signals_ignore(SIGPIPE, &s->pipe_before);
    return s;
}

void signals_close(struct signals *s)
{
    if (s == NULL)
        return;
    loop_del(&s->watch);
    fd_close(&s->fd);
    sigaction(SIGPIPE, &s->pipe_before, NULL);
    sigprocmask(SIG_SETMASK, &s->mask_before, NULL);
    free(s);
}

/* An exec sets what is handled to its default by itself, so only what is ignored is left
 * to do: by us, or by whoever made us, which the first child finds out. One that uses our
 * memory does so for all later ones, and saves each of them fifty calls. */
static struct {
    bool known, maybe[NSIG];
} ignored;

void signals_ignore(int number, struct sigaction *before)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    sigaction(number, &ignore, before);
    ignored.maybe[number] = true;
}

/* True if it was ignored, or may have been. libc refuses the numbers it keeps for itself,
 * which may be inherited as ignored too: those by system call. A structure of zeros means
 * SIG_DFL in the kernel's layout anywhere. */
static bool reset_one(int number)
{
    static const unsigned long zeros[16];
    static const struct sigaction by_default = {.sa_handler = SIG_DFL};
    struct sigaction before;

    if (sigaction(number, &by_default, &before) == 0)
        return before.sa_handler == SIG_IGN;
    return syscall(SYS_rt_sigaction, number, zeros, NULL, (size_t)NSIG / 8) == 0;
}

void signals_reset_in_child(void)
{
    sigset_t none;

    for (int number = 1; number < NSIG; number++) /* KILL and STOP refuse; harmless */
        if (!ignored.known || ignored.maybe[number])
            ignored.maybe[number] = reset_one(number);
    ignored.known = true;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}
