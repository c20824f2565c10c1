/* fg: a process's output on this terminal, and what is typed here on its stdin. Two
 * children of ours follow stdout and stderr, so that the client's one-request-at-a-time
 * calls stay free for the input. */
#include "applets/supervisorctl/ctl_table.h"

#include "applets/supervisorctl/ctl_follow.h"
#include "applets/supervisorctl/ctl_input.h"
#include "core/base/alloc.h"
#include "core/rules/states.h"
#include "core/wire/faults.h"
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t start_follower(struct ctl *c, const char *name, const char *channel)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    c->sigint_fd = -1; /* Ctrl-C is for the parent, which then ends us */
    char *path = ctl_follow_path(name, channel);
    ctl_follow(c, path);
    _exit(0);
}

static void stop_follower(pid_t pid)
{
    if (pid <= 0)
        return;
    kill(pid, SIGTERM);
    while (waitpid(pid, NULL, 0) < 0)
        ;
}

/* Whether the process is RUNNING; the reply stays in r, for the caller to free. */
static bool is_running(struct ctl *c, const char *name, struct rpc_reply *r)
{
    return ctl_call(c, "getProcessInfo", ctl_params(name, (char *)NULL), r) == RPC_OK &&
           rpc_get_int(r->value, "state", -1) == PROC_RUNNING;
}

/* "ERROR: <Fault ...>", as upstream shows one it has no words for. */
static void print_fault(struct ctl *c, struct rpc_reply *r)
{
    ctl_raise_reply(c, r);
    ctl_print(c, "ERROR: %s", c->raised);
}

/* Sends one line. CTL_QUIT: the foreground ends, and why was printed. */
static enum ctl_end send_line(struct ctl *c, const char *name, const char *line)
{
    struct rpc_reply r;
    char *text = xasprintf("%s\n", line);
    ctl_call(c, "sendProcessStdin", ctl_params(name, text, (char *)NULL), &r);
    free(text);
    if (r.result == RPC_FAULT) {
        if (r.fault_code == FAULT_NOT_RUNNING) {
            ctl_print(c, "Process got killed");
            rpc_reply_free(&r);
        } else {
            print_fault(c, &r);
        }
        return CTL_QUIT;
    }
    if (r.result != RPC_OK)
        return ctl_raise_reply(c, &r);
    rpc_reply_free(&r);
    bool running = is_running(c, name, &r);
    if (r.result != RPC_OK)
        return ctl_raise_reply(c, &r);
    rpc_reply_free(&r);
    if (running)
        return CTL_DONE;
    ctl_print(c, "Process got killed");
    return CTL_QUIT;
}

static enum ctl_end run_foreground(struct ctl *c, const char *name)
{
    ctl_print(c, "==> Press Ctrl-C to exit <==");
    ctl_flush(c);
    bool caught = ctl_sigint_catch(c);
    pid_t out = start_follower(c, name, "stdout");
    pid_t err = start_follower(c, name, "stderr");
    enum ctl_end end = CTL_DONE;
    while (end == CTL_DONE) {
        char *line = ctl_input_plain(c, ctl_input_get(c));
        end = line ? send_line(c, name, line) : CTL_QUIT;
        free(line);
    }
    c->interrupted = false;
    stop_follower(out);
    stop_follower(err);
    if (end == CTL_QUIT)
        ctl_print(c, "Exiting foreground");
    if (caught)
        ctl_sigint_release(c);
    return end == CTL_RAISED ? CTL_RAISED : CTL_DONE;
}

enum ctl_end ctl_do_fg(struct ctl *c, const struct ctl_line *line)
{
    if (line->words.len == 0) {
        ctl_fail(c, CTL_GENERIC, "ERROR: no process name supplied");
        ctl_table_print_usage(c, line->command);
        return CTL_DONE;
    }
    if (line->words.len > 1)
        return ctl_fail(c, CTL_GENERIC, "ERROR: too many process names supplied");
    const char *name = line->words.items[0];
    struct rpc_reply r;
    if (is_running(c, name, &r)) {
        rpc_reply_free(&r);
        return run_foreground(c, name);
    }
    if (r.result == RPC_FAULT && r.fault_code != FAULT_BAD_NAME) {
        print_fault(c, &r);
        return CTL_DONE;
    }
    if (r.result != RPC_FAULT && r.result != RPC_OK)
        return ctl_raise_reply(c, &r);
    ctl_fail(c, CTL_GENERIC, "ERROR: %s",
             r.result == RPC_OK ? "process not running" : "bad process name supplied");
    rpc_reply_free(&r);
    return CTL_DONE;
}
