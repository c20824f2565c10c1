/* A fault of this process leads to its next image instead of to its end: a handler on a
 * stack of its own notes what happened in the journal and executes the binary again
 * (core/io/reexec). Nothing but async-signal-safe calls in it: the process has lost its
 * mind. Programs, also those between fork and exec, die by their faults as ever. */
#ifndef CORE_IO_CRASH_H
#define CORE_IO_CRASH_H

#include "core/base/err.h"

enum crash_way {
    CRASH_REEXEC, /* as the role REEXEC_SUPERVISOR */
    CRASH_DIE     /* a keeper begins anew: note it and die of it */
};

/* For this process, which may be a fresh copy of one that had it armed. After journal and
 * reexec are ready; unblocks SEGV, BUS, ILL, FPE and ABRT, so that one that waited fires
 * now. 0, or -1 with err (no memory for the stack) and nothing armed. */
int crash_arm(enum crash_way way, struct err *err);
/* Blocks everything but what crash_arm catches: for a new image, until its own signals
 * are set up. */
void crash_block_others(void);

/* A fault from here on counts in journal_facts()->restores_failed, until it is said that
 * the state is restored; after the second one the fallback is executed, if there is one.
 */
void crash_set_restoring(bool now);

/* --- what the image before us died of ------------------------------------------------
 */

/* A crash that nobody has told of yet: true, with "SIGSEGV at address 0x0, in code at
 * +0x1234" in text ("sent by process 7" in place of an address). Each is told once. */
bool crash_untold(char *text, size_t n);
/* Faults within the last span_ms, as many as the journal keeps at the most. Signals that
 * somebody sent are no faults: they say nothing about us. */
unsigned crash_count_since(int64_t now_ms, int64_t span_ms);

#endif
