/* Replacing the running binary: the new file makes a trial run with a copy of the record
 * of our state, as a child that the loop watches, before anything else happens. What it
 * says decides; the exec itself is the main's (handoff.h). */
#ifndef APPLETS_SUPERVISORD_UPGRADE_H
#define APPLETS_SUPERVISORD_UPGRADE_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/io/loop.h"
#include <sys/types.h>

struct upgrade;

struct upgrade_opts {
    struct loop *loop;
    /* Appends the whole record of the state to out. 0, or -1 with err. */
    int (*save)(void *arg, struct buf *out, struct err *err);
    /* An accepted one is to be executed: end the loop, see upgrade_is_due. */
    void (*due)(void *arg);
    void *arg;
};

enum upgrade_state {
    UPGRADE_NONE,
    UPGRADE_TRIAL,
    UPGRADE_REFUSED,  /* upgrade_reason tells why */
    UPGRADE_ACCEPTED, /* upgrade_go executes it */
    UPGRADE_DUE
};

struct upgrade *upgrade_new(const struct upgrade_opts *opts);
void upgrade_free(struct upgrade *u); /* ends a trial; NULL is fine */

/* Begins the trial of the file at path (NULL: where our own binary was found). 0, or -1
 * with err and nothing begun: there is no such file, it cannot be executed, another trial
 * is under way (ERR_LIMIT). */
int upgrade_begin(struct upgrade *u, const char *path, struct err *err);
/* Called once when the trial has ended; NULL: nobody waits. */
void upgrade_on_verdict(struct upgrade *u, void (*fn)(void *arg), void *arg);
enum upgrade_state upgrade_state(const struct upgrade *u);
const char *upgrade_reason(const struct upgrade *u); /* accepted: the next version */
/* Whoever asked has its answer: now it may happen. */
void upgrade_go(struct upgrade *u);
/* Ends the trial, or forgets what it said; harmless when there is none. */
void upgrade_cancel(struct upgrade *u);
/* The accepted file for the exec, and its path (borrowed); the descriptor becomes the
 * caller's. -1: none is due. */
int upgrade_take(struct upgrade *u, const char **path);
/* True for the child of a trial, whose end is nobody else's business. */
bool upgrade_is_trial(const struct upgrade *u, pid_t pid);

/* "0.1.0 (build 0123456789ab)": what runs now. */
const char *upgrade_version(void);

#endif
