/* shutdown, reload, open: commands about supervisord as a whole. */
#include "applets/supervisorctl/ctl_table.h"

#include "applets/supervisorctl/ctl_input.h"
#include "core/base/alloc.h"
#include "core/wire/faults.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* In the shell a person is asked first. *yes is the answer; raises at the end of input.
 */
static enum ctl_end confirm(struct ctl *c, const char *question, bool *yes)
{
    *yes = true;
    if (!c->interactive)
        return CTL_DONE;
    char *answer = ctl_input_line(c, ctl_input_get(c), question);
    if (!answer)
        return ctl_raise(c, "EOF when reading a line");
    *yes = char_lower(answer[0]) == 'y';
    free(answer);
    return CTL_DONE;
}

enum ctl_end ctl_do_shutdown(struct ctl *c, const struct ctl_line *line)
{
    UNUSED(line);
    bool yes;
    enum ctl_end end =
        confirm(c, "Really shut the remote supervisord process down y/N? ", &yes);
    if (end != CTL_DONE || !yes)
        return end;
    struct rpc_reply r;
    enum rpc_result result = ctl_call(c, "shutdown", NULL, &r);
    if (result == RPC_OK) {
        ctl_print(c, "Shut down");
    } else if (result == RPC_FAULT && r.fault_code == FAULT_SHUTDOWN_STATE) {
        ctl_print(c, "ERROR: already shutting down");
    } else if (result == RPC_NO_ANSWER &&
               (r.err.sys == ECONNREFUSED || r.err.sys == ENOENT)) {
        const char *why = r.err.sys == ENOENT ? "no such file" : "refused connection";
        ctl_fail(c, CTL_GENERIC, "ERROR: %s %s (already shut down?)", c->serverurl, why);
    } else {
        return ctl_raise_reply(c, &r);
    }
    rpc_reply_free(&r);
    return CTL_DONE;
}

enum ctl_end ctl_do_reload(struct ctl *c, const struct ctl_line *line)
{
    UNUSED(line);
    bool yes;
    enum ctl_end end =
        confirm(c, "Really restart the remote supervisord process y/N? ", &yes);
    if (end != CTL_DONE || !yes)
        return end;
    struct rpc_reply r;
    enum rpc_result result = ctl_call(c, "restart", NULL, &r);
    if (result == RPC_OK)
        ctl_print(c, "Restarted supervisord");
    else if (result == RPC_FAULT && r.fault_code == FAULT_SHUTDOWN_STATE)
        ctl_fail(c, CTL_GENERIC, "ERROR: already shutting down");
    else
        return ctl_raise_reply(c, &r);
    rpc_reply_free(&r);
    return CTL_DONE;
}

enum ctl_end ctl_do_open(struct ctl *c, const struct ctl_line *line)
{
    static const char *const schemes[] = {"unix", "http", "https"};
    struct span rest = span_of(line->rest), scheme = {0};
    bool known = false;
    if (strchr(line->rest, ':') && span_split(&rest, ':', &scheme))
        for (size_t i = 0; i < array_len(schemes); i++)
            known = known || span_eq_nocase(scheme, schemes[i]);
    if (!known)
        return ctl_fail(c, CTL_GENERIC, "ERROR: url must be http:// or unix://");
    free(c->serverurl);
    c->serverurl = xstrdup(line->rest);
    ctl_disconnect(c);
    /* What the other server's programs do is no failure of open. */
    int before = c->exit_status;
    struct ctl_line all = {.command = line->command, .rest = ""};
    enum ctl_end end = ctl_do_status(c, &all);
    if (end == CTL_DONE)
        c->exit_status = before;
    return end;
}
