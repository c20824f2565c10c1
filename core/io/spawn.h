/* Starting children from a complete plan, and everything else done to them by the kernel.
 * All a child needs is decided before its birth; after it only async-signal-safe calls.
 * The one place that forks: the plan has room for what surviving a crash of supervisord
 * needs. tests/unit/fake_spawn.c implements the same header without a kernel. */
#ifndef CORE_IO_SPAWN_H
#define CORE_IO_SPAWN_H

#include "core/base/err.h"
#include <signal.h>
#include <sys/types.h>

struct spawn_plan {
    const char *file; /* what to execute, found already */
    char *const *argv;
    char *const *envp;
    int fds[3];      /* become 0, 1, 2; 1 and 2 may be the same; each is open */
    const char *cwd; /* NULL: stays; changed to before the exec */
    int umask;       /* -1: stays */
    bool own_group;  /* setpgid(0, 0) */
    pid_t *pid_at;   /* where the kernel stores the pid before the child runs: memory that
                      * outlives us (the journal's), or NULL */
    bool sole_table; /* no other process shares our table of descriptors */
    bool has_uid;
    uid_t uid;
    gid_t gid;           /* with has_uid */
    const gid_t *groups; /* supplementary; with has_uid; ignored when we are not root */
    size_t group_count;
    int death_signal;       /* sent to the child when we die; 0: none */
    const char *user_label; /* the id as text, for the message when the switch fails */
};

/* pid > 0, or -1 with err and errno of pipe or fork. What fails after the fork is written
 * to the child's stderr in upstream's words ("supervisor: couldn't exec ...: ENOENT" and
 * "supervisor: child process was not spawned") and the child exits with 127.
 * A plan without has_uid and cwd returns only after the exec, or its failure (as vfork).
 * The descriptors stay the caller's. Source: upstream process.py _spawn_as_child. */
pid_t spawn_run(const struct spawn_plan *plan, struct err *err);

/* One dead child, that of `pid` or with 0 any: its pid, *status as waitpid gives it; 0
 * when it is not dead, or no child of ours, or none is dead. Repeats on EINTR. The kernel
 * writes what it knows to *at (the journal's; zero before), unless that is NULL. To ask
 * for any takes the longer the more children there are. */
pid_t spawn_reap(pid_t pid, siginfo_t *at, int *status);

/* kill(2) on pid, or on its process group. 0, or -1 with errno. */
int spawn_kill(pid_t pid, bool whole_group, int signal_number);

/* uid, gid and supplementary groups of a user, for a plan. *groups is malloc'ed. 0, or -1
 * with err (a failing look-up of groups gives the primary group alone). */
int spawn_groups_of(const char *user, uid_t uid, gid_t *gid, gid_t **groups,
                    size_t *count, struct err *err);

/* Why a process may not run `file` now, in upstream's words (spawnerr): 0 when it may,
 * else -1 with err: "can't find command 'x'", "command at 'x' is a directory", "command
 * at 'x' is not executable", "no permission to run command 'x'". The code is ERR_MISSING
 * for the first and ERR_SYS for the others. *found is the path to execute, yours: looked
 * up along path_env when file has no slash (NULL: /bin:/usr/bin:/usr/local/bin; "": the
 * present directory alone). Source: upstream process.py get_execv_args, options.py
 * check_execv_args. */
int spawn_find_command(const char *file, const char *path_env, char **found,
                       struct err *err);

#endif
