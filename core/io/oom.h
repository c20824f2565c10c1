/* Who ends first when the machine runs out of memory: not the supervisor, whose programs
 * must not inherit that privilege. Source: proc(5), /proc/PID/oom_score_adj. */
#ifndef CORE_IO_OOM_H
#define CORE_IO_OOM_H

#include <stdbool.h>

enum { OOM_UNCHANGED = 2000 }; /* no score: the kernel's go from -1000 to 1000 */

/* Lowers our own score and remembers what it was. False, and nothing changed, where the
 * kernel does not let us lower and raise it again, or it is that low already. */
bool oom_lower(int score);
/* What children get back, for the next image of us; OOM_UNCHANGED: nothing. */
int oom_original(void);
void oom_set_original(int score);
/* In a child between fork and exec: the score that we were started with.
 * Async-signal-safe. */
void oom_reset_in_child(void);

#endif
