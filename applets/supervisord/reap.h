/* Collecting dead children: ours and, as PID 1 or a subreaper, anybody's. */
#ifndef APPLETS_SUPERVISORD_REAP_H
#define APPLETS_SUPERVISORD_REAP_H

#include "applets/supervisord/engine.h"
#include <sys/types.h>

/* Takes those of engine->reap_hints that are dead, and says whether any was. */
bool reap_hinted(struct engine *engine);
/* SIGCHLD merges: takes all that are dead. Those of no process here are logged in
 * upstream's words ("reaped unknown pid 7 (exit status 0)"). */
void reap_children(struct engine *engine);
/* The same for one that was taken before us, with waitpid's status. */
void reap_child(struct engine *engine, pid_t pid, int wait_status);

#endif
