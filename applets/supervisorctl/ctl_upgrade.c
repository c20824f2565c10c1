/* upgrade: another build for the same supervisord. The server answers before it goes
 * over; the new build is there when its number of images is greater. */
#include "applets/supervisorctl/ctl_table.h"

#include "core/base/alloc.h"
#include "core/base/clock.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WAIT_MS = 30 * 1000, POLL_FIRST_MS = 1, POLL_MAX_MS = 20 };

/* supervisord may stand in another directory. Yours. */
static char *absolute(const char *path)
{
    char dir[PATH_MAX];
    if (path[0] == '/' || path[0] == '\0' || !getcwd(dir, sizeof dir))
        return xstrdup(path);
    return xasprintf("%s/%s", dir, path);
}

/* Asks until an image answers that came after number `before`. True with its answer in r,
 * which the caller frees. */
static bool wait_for_next(struct ctl *c, int64_t before, struct rpc_reply *r)
{
    int64_t until_ms = mono_ms() + WAIT_MS;
    int pause_ms = POLL_FIRST_MS; /* mostly it is there in a moment */
    while (mono_ms() < until_ms && !c->interrupted) {
        if (ctl_call(c, "getBuild", NULL, r) == RPC_OK) {
            if (rpc_get_int(r->value, "image", 0) > before)
                return true;
        } else {
            ctl_disconnect(c);
        }
        rpc_reply_free(r);
        poll(NULL, 0, pause_ms);
        pause_ms = pause_ms * 2 < POLL_MAX_MS ? pause_ms * 2 : POLL_MAX_MS;
    }
    return false;
}

static void tell(struct ctl *c, const struct rpc_value *was, const struct rpc_value *is)
{
    char *name = xasprintf("%s (build %s)", rpc_get_str(is, "version", "?"),
                           rpc_get_str(is, "build", "?"));
    const char *next = rpc_get_str(was, "next", name);
    if (!str_eq(name, next))
        ctl_fail(c, CTL_GENERIC,
                 "ERROR: %s failed when it took over; %s goes on; see supervisord's log",
                 next, name);
    else
        ctl_print(c, "upgraded from %s (build %s) to %s",
                  rpc_get_str(was, "version", "?"), rpc_get_str(was, "build", "?"), name);
    free(name);
}

enum ctl_end ctl_do_upgrade(struct ctl *c, const struct ctl_line *line)
{
    struct rpc_reply was, is;
    if (line->words.len > 1)
        return ctl_fail(c, CTL_INVALID_ARGS, "ERROR: upgrade takes one path at the most");
    char *path = absolute(line->words.len > 0 ? line->words.items[0] : "");
    enum rpc_result result =
        ctl_call(c, "upgrade", path[0] ? ctl_params(path, (char *)NULL) : NULL, &was);
    free(path);
    if (result == RPC_FAULT) {
        ctl_fail(c, CTL_GENERIC, "ERROR: nothing is changed: %s", was.fault_text);
        rpc_reply_free(&was);
        return CTL_DONE;
    }
    if (result != RPC_OK)
        return ctl_raise_reply(c, &was);
    ctl_disconnect(c); /* it ends with the image that answered */
    if (wait_for_next(c, rpc_get_int(was.value, "image", 0), &is)) {
        tell(c, was.value, is.value);
        rpc_reply_free(&is);
    } else {
        ctl_fail(c, CTL_GENERIC,
                 "ERROR: the new build was accepted, but does not answer; see "
                 "supervisord's log");
    }
    rpc_reply_free(&was);
    return CTL_DONE;
}
