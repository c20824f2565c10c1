#include "applets/supervisord/reap.h"

#include "applets/supervisord/process.h"
#include "applets/supervisord/upgrade.h"
#include "core/base/log.h"
#include "core/io/journal.h"
#include "core/io/spawn.h"
#include "core/rules/proc_fsm.h"

void reap_child(struct engine *engine, pid_t pid, int wait_status)
{
    struct process *p = map_get(&engine->by_pid, &pid, sizeof pid);
    if (p) {
        process_on_exit(p, wait_status);
        return;
    }
    if (engine->upgrade && upgrade_is_trial(engine->upgrade, pid))
        return;
    const struct journal_facts *facts = journal_facts();
    char how[80];
    int exit_status;
    if (facts && facts->core_pid == pid) {
        log_info("pid %d was the core file of the last crash", (int)pid);
        return;
    }
    proc_exit_text(wait_status, how, &exit_status);
    log_info("reaped unknown pid %d (%s)", (int)pid, how);
}

/* pid 0: any. Whether there was one. */
static bool reap_one(struct engine *engine, pid_t pid)
{
    struct journal_entry *e = journal_begin(JOURNAL_EXIT);
    int status;
    pid = spawn_reap(pid, e ? &e->u.exit : NULL, &status);
    if (pid <= 0) {
        journal_cancel(e);
        return false;
    }
    reap_child(engine, pid, status);
    journal_done(e);
    return true;
}

bool reap_hinted(struct engine *engine)
{
    struct reap_hints *hints = &engine->reap_hints;
    bool any = false;
    for (size_t i = 0; i < hints->count; i++)
        any |= reap_one(engine, hints->pids[i]);
    hints->count = 0;
    return any;
}

void reap_children(struct engine *engine)
{
    while (reap_one(engine, 0))
        ;
}
