#include "applets/supervisord/reap.h"

#include "applets/supervisord/process.h"
#include "core/base/log.h"
#include "core/io/spawn.h"
#include "core/rules/proc_fsm.h"

void reap_children(struct engine *engine)
{
    int status;
    pid_t pid;
    while ((pid = spawn_reap(&status)) > 0) {
        struct process *p = map_get(&engine->by_pid, &pid, sizeof pid);
        if (p) {
            process_on_exit(p, status);
            continue;
        }
        char how[80];
        int exit_status;
        proc_exit_text(status, how, &exit_status);
        log_info("reaped unknown pid %d (%s)", (int)pid, how);
    }
}
