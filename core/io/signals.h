/* Signals as a watch: blocked, and read through one signalfd (a pipe written by a handler
 * where there is none). */
#ifndef CORE_IO_SIGNALS_H
#define CORE_IO_SIGNALS_H

#include "core/io/loop.h"
#include <signal.h>

struct signals;
typedef void signals_fn(void *arg, int number);

/* Blocks the given numbers (ending in 0) and reports each to fn from the loop; SIGPIPE is
 * ignored. One instance a process. NULL with err. */
struct signals *signals_open(struct loop *loop, const int *numbers, signals_fn *fn,
                             void *arg, struct err *err);
/* Restores the mask and the dispositions found at opening. */
void signals_close(struct signals *s);
/* The one way to ignore a signal here: so that children are known to need its default
 * again. *before, if not NULL, gets what was. */
void signals_ignore(int number, struct sigaction *before);
/* In a child between fork and exec: with the exec every disposition will be its default,
 * and the mask is empty. Async-signal-safe; works without an open instance. A child that
 * uses our memory leaves a note there of what was ignored. */
void signals_reset_in_child(void);

#endif
