#include "tests/unit/fake_spawn.h"

#include "core/base/alloc.h"
#include "core/io/spawn.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

struct fake_spawn fake_spawn = {.stdout_fd = -1, .stdin_fd = -1};

static struct {
    pid_t pid;
    int status;
} dead[16];
static int dead_count;

void fake_spawn_reset(void)
{
    if (fake_spawn.stdout_fd >= 0)
        close(fake_spawn.stdout_fd);
    if (fake_spawn.stdin_fd >= 0)
        close(fake_spawn.stdin_fd);
    fake_spawn = (struct fake_spawn){.stdout_fd = -1, .stdin_fd = -1, .last_pid = 999};
    dead_count = 0;
}

void fake_spawn_exit(pid_t pid, int wait_status)
{
    dead[dead_count].pid = pid;
    dead[dead_count++].status = wait_status;
}

pid_t spawn_run(const struct spawn_plan *plan, struct err *err)
{
    if (fake_spawn.fail_fork_errno) {
        errno = fake_spawn.fail_fork_errno;
        return err_sys(err, "fork");
    }
    if (fake_spawn.stdout_fd >= 0)
        close(fake_spawn.stdout_fd);
    fake_spawn.stdout_fd = dup(plan->fds[1]);
    if (fake_spawn.stdin_fd >= 0)
        close(fake_spawn.stdin_fd);
    fake_spawn.stdin_fd = fake_spawn.keep_stdin ? dup(plan->fds[0]) : -1;
    snprintf(fake_spawn.last_argv0, sizeof fake_spawn.last_argv0, "%s", plan->argv[0]);
    fake_spawn.starts++;
    fake_spawn.last_pid++;
    if (fake_spawn.on_start)
        fake_spawn.on_start(fake_spawn.last_pid, plan->fds);
    return fake_spawn.last_pid;
}

pid_t spawn_reap(pid_t pid, siginfo_t *at, int *status)
{
    UNUSED(at);
    for (int i = dead_count - 1; i >= 0; i--) {
        pid_t found = dead[i].pid;
        if (pid && pid != found)
            continue;
        *status = dead[i].status;
        dead[i] = dead[--dead_count];
        return found;
    }
    return 0;
}

int spawn_kill(pid_t pid, bool whole_group, int signal_number)
{
    fake_spawn.signals++;
    fake_spawn.last_target = pid;
    fake_spawn.last_signal = signal_number;
    fake_spawn.last_to_group = whole_group;
    if (!fake_spawn.fail_kill_errno)
        return 0;
    errno = fake_spawn.fail_kill_errno;
    return -1;
}

int spawn_groups_of(const char *user, uid_t uid, gid_t *gid, gid_t **groups,
                    size_t *count, struct err *err)
{
    UNUSED(user);
    UNUSED(uid);
    UNUSED(err);
    *gid = 0;
    *groups = NULL;
    *count = 0;
    return 0;
}

int spawn_find_command(const char *file, const char *path_env, char **found,
                       struct err *err)
{
    UNUSED(path_env);
    if (fake_spawn.command_missing)
        return err_set(err, ERR_MISSING, "can't find command '%s'", file);
    *found = xstrdup(file);
    return 0;
}
