/* Programs that outlived a supervisord which was killed, and the file by which the next
 * one finds them. Who a program is, its pid cannot tell: start time, boot and user must
 * agree too, looked at while a pidfd keeps the pid from being used again. What was taken
 * over is nobody's child of ours; its end is seen by core/io/pidwatch.h. */
#ifndef APPLETS_SUPERVISORD_ADOPT_H
#define APPLETS_SUPERVISORD_ADOPT_H

#include "applets/supervisord/super.h"

struct adopt;

/* Keeps the state file of s up to date from now on, at the end of each turn in which a
 * program came or went, if [supervisord] says adopt=true; and watches programs that are
 * not our children. keeper_before: keeper_pid() when a restored s was recorded. Never
 * NULL. s is borrowed. */
struct adopt *adopt_open(struct super *s, pid_t keeper_before);
/* Before super_start: takes over what the file names. All trouble is logged. */
void adopt_programs(struct adopt *a);
/* Removes the file when no program is left. NULL is fine. */
void adopt_close(struct adopt *a);

#endif
