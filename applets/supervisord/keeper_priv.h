/* What the two sides of the keeper's socket share. A packet from the keeper is a
 * siginfo_t: of an exit (si_signo is SIGCHLD), or with the number of a signal that the
 * keeper got, or zero for the last before an upgrade. Packets to the keeper are notes. */
#ifndef APPLETS_SUPERVISORD_KEEPER_PRIV_H
#define APPLETS_SUPERVISORD_KEEPER_PRIV_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum keeper_note_kind {
    NOTE_TAKEN,   /* number: of a signal that was passed on */
    NOTE_FINISH,  /* number: exit status */
    NOTE_UPGRADE, /* number: descriptor of the binary; path */
    NOTE_SETTLED
};

struct keeper_note {
    int32_t kind, number;
    char path[PATH_MAX]; /* sent as far as it is used */
};

/* What the child of a keeper knows by birth, as a copy of the keeper. */
struct keeper_birth {
    pid_t keeper; /* 0: there is none */
    int socks[2]; /* the keeper's end, supervisord's; both open in both */
    int signal_fd;
    bool died; /* one was there before, and ended so: */
    pid_t dead_pid;
    int dead_status;
    char trouble[200]; /* of the keeper's, to be logged; "": none */
};
extern struct keeper_birth keeper_birth;

#endif
