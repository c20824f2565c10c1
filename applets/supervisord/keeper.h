/* Two processes instead of one, so that kill -9 of either is an incident and no end. The
 * keeper is a small process that does nothing but look after the other, supervisord,
 * with which it shares the table of descriptors: whatever supervisord opens the keeper
 * holds. When supervisord dies, the keeper makes another, which goes on from the record
 * (handoff.h); when the keeper dies, supervisord executes itself as keeper.
 *
 * To everybody else the keeper is supervisord: it has the pid that is told, passes the
 * signals on that it gets, and is subreaper, so that it inherits the children of a dead
 * supervisord and passes their exit statuses on. */
#ifndef APPLETS_SUPERVISORD_KEEPER_H
#define APPLETS_SUPERVISORD_KEEPER_H

#include "applets/supervisord/engine.h"
#include "core/base/err.h"
#include <sys/types.h>

/* --- the keeper ----------------------------------------------------------------------
 */

/* In an image of the role REEXEC_KEEPER, before anything else. Returns in a new child,
 * which is to be supervisord, with all signals blocked; the keeper itself stays in here
 * until its end. 0 in the child; -1 with err where there can be no keeper. */
int keeper_run(struct err *err);

/* --- supervisord under it --------------------------------------------------------------
 */

bool keeper_present(void);
/* Descriptors that belong to the two; -1: none. */
void keeper_fds(int fds[3]);
/* The pid that others know supervisord by: the keeper's, or our own. */
pid_t keeper_main_pid(void);
pid_t keeper_pid(void); /* 0: none */

/* Logs how the supervisord before this one ended, once; false: this is the first. */
bool keeper_tell_death(void);

/* Takes the keeper's messages, from now on through the loop: ended children of the keeper
 * (those of a supervisord before us, and orphans) are reaped, signals go to on_signal. 0,
 * or -1 with err. Harmless without a keeper. */
int keeper_listen(struct engine *engine, void (*on_signal)(void *arg, int number),
                  void *arg, struct err *err);
/* After a restart there is another engine to reap for. */
void keeper_serve(struct engine *engine);
void keeper_drain(void); /* takes all messages that wait */
/* What supervisord gets when the keeper has died; it then calls keeper_become. The last
 * number, which is of no other use here. */
enum { KEEPER_LOST_SIGNAL = 64 };
/* The keeper has died, perhaps before we could ask for that signal. */
bool keeper_is_lost(void);

/* Executes this process as keeper, for the first time or in place of a dead one. The
 * record must be written. Returns only when it failed: -1 with err. */
int keeper_become(struct err *err);

void keeper_leave(void); /* it is lost: takes its last messages */

/* Supervisord is about to end for good: so does the keeper, with this exit status. */
void keeper_finish(int status);
/* Supervisord is about to end so that the keeper executes that binary (the descriptor
 * stays open) and goes on. All of the keeper's messages are taken, and no more come. 0,
 * or -1 with err. */
int keeper_upgrade(int binary, const char *path, struct err *err);
void keeper_stay(void); /* it comes to nothing */
/* Before reexec_settle: the binary before this one will not be needed any more. */
void keeper_settle(void);

#endif
