/* What is done to a process whose child is another supervisord's: pipes that come from
 * elsewhere, and a new beginning where the old one cannot go on. */
#include "applets/supervisord/process_priv.h"

#include "core/io/fd.h"
#include "core/io/procfs.h"
#include "core/io/spawn.h"

#include <errno.h>

int process_pipe_fd(const struct process *p, int number)
{
    return number == 0 ? p->in.fd : number == 1 ? p->out.fd : p->err.fd;
}

static int take(struct process *p, int number, int fd)
{
    struct channel *ch = number == 1 ? &p->out : &p->err;
    if (number == 0)
        return stdin_queue_open(&p->in, p->engine->loop, fd);
    if (channel_open(ch, fd) < 0)
        return -1;
    channel_open_log(ch);
    return 0;
}

int process_take_pipe(struct process *p, int number, int fd)
{
    int rc = take(p, number, fd);
    if (rc < 0)
        fd_close(&fd);
    return rc;
}

int process_kill(const struct process *p, bool whole_group, int signal_number)
{
    struct procfs_identity id;
    if (p->foreign && p->started_ticks &&
        (procfs_identify(p->pid, &id) < 0 || id.started != p->started_ticks)) {
        errno = ESRCH;
        return -1;
    }
    return spawn_kill(p->pid, whole_group, signal_number);
}

void process_renew(struct process *p)
{
    if (p->state != PROC_STOPPING)
        process_stop(p);
    p->renew = true;
    process_mark(p);
}
