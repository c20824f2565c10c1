/* Becoming another image of this program: the same process executes its binary again, or
 * a newer one, and keeps its pid, its children and its descriptors. What that takes (the
 * binary's descriptor, argv, environment, the memory file) is gathered at the start, on a
 * page that is read-only afterwards, so that a process that has lost its mind can still
 * do it. One instance a process.
 *
 * The next image learns from SUPERVISOR_HANDOFF in its environment what it is to be:
 * "MEMFD BINARY FALLBACK ROLE PATH", where the first three are descriptors. */
#ifndef CORE_IO_REEXEC_H
#define CORE_IO_REEXEC_H

#include "core/base/err.h"

enum reexec_role {
    REEXEC_NONE,       /* an ordinary start */
    REEXEC_SUPERVISOR, /* go on from the memory file */
    REEXEC_KEEPER      /* be the parent of one that does */
};

/* First thing in main: the arguments as the kernel gave them, borrowed for good. */
void reexec_remember(char **argv);
/* The arguments that reexec_remember got. */
char **reexec_argv(void);
/* Takes SUPERVISOR_HANDOFF out of the environment and learns from it; without it, finds
 * and opens the file this process was started from (/proc/self/exe, else argv[0] along
 * PATH). Before the directory or the user changes. 0, or -1 with err: everything works
 * but reexec_now. */
int reexec_open(struct err *err);
enum reexec_role reexec_role(void); /* what this image was made for */
/* The memory file that was handed over, or that reexec_set_memory told; -1: none. */
int reexec_memory(void);
void reexec_set_memory(int fd);
/* Where the binary was found, absolute, symbolic links not followed; NULL: unknown. */
const char *reexec_path(void);
/* From now on another binary is executed; the descriptor is ours. The present one becomes
 * the fallback, for which the next image falls back when it crashes before it has called
 * reexec_settle. */
void reexec_replace(int fd, const char *path);
/* Takes back what reexec_replace changed and closes its descriptor. */
void reexec_replace_undo(void);
/* The image works: the fallback is closed. */
void reexec_settle(void);
/* The same where somebody else closes it. */
void reexec_forget_fallback(void);
/* Descriptors that belong to this module: binary and fallback (-1: none). */
void reexec_fds(int fds[2]);

/* Executes the binary in that role: descriptors 3..max_fd, the memory file and the binary
 * lose close-on-exec, everything else goes. Signals should be blocked. Returns only when
 * it failed: -1 with errno, close-on-exec set again. Async-signal-safe. */
int reexec_now(enum reexec_role role, int max_fd);
/* The same with the fallback, if there is one. */
int reexec_fall_back(enum reexec_role role, int max_fd);

/* A child that executes the file open at binary with these arguments, the descriptors in
 * fds as 0, 1 and 2, nothing else, no environment, and killed after `seconds`. What fails
 * is written to fds[1] ("cannot execute: ENOEXEC\n"). pid, or -1 with err. */
int reexec_trial(int binary, char *const *argv, const int fds[3], unsigned seconds,
                 struct err *err);

#endif
