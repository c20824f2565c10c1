/* Children that exist only in a test: implements core/io/spawn.h without a kernel. */
#ifndef TESTS_UNIT_FAKE_SPAWN_H
#define TESTS_UNIT_FAKE_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

struct fake_spawn {
    int starts;        /* calls of spawn_run that gave a pid */
    pid_t last_pid;    /* of the newest child; they count up from 1000 */
    int last_signal;   /* of the newest spawn_kill, 0: none */
    pid_t last_target; /* its pid */
    bool last_to_group;
    int signals;         /* calls of spawn_kill */
    int fail_fork_errno; /* the next spawn_runs fail with it; 0: they do not */
    int fail_kill_errno;
    bool command_missing; /* spawn_find_command says so */
    int stdout_fd;        /* the child's end of its standard output, a duplicate */
    bool keep_stdin;      /* children hold their standard input open */
    int stdin_fd;         /* with it: the newest child's end, a duplicate */
    char last_argv0[64];
    /* Told of each child; its ends of the pipes are borrowed for the call. NULL: nobody.
     */
    void (*on_start)(pid_t pid, const int fds[3]);
};

extern struct fake_spawn fake_spawn;

void fake_spawn_reset(void);
/* The child ends; the status is as of waitpid. */
void fake_spawn_exit(pid_t pid, int wait_status);

#endif
