/* Following a log: see ctl_follow.h. */
#include "applets/supervisorctl/ctl_follow.h"

#include "core/base/alloc.h"
#include "core/io/fd.h"
#include "core/wire/url.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *ctl_follow_path(const char *name, const char *channel)
{
    struct buf path;
    buf_init(&path, BUF_NO_LIMIT);
    if (buf_puts(&path, "/logtail/") < 0 || url_encode(&path, span_of(name), ":*") < 0 ||
        buf_printf(&path, "/%s", channel) < 0)
        buf_truncate(&path, 0);
    return buf_detach(&path);
}

/* A body is shown only when the status says that it is the log. */
static bool show_piece(void *arg, const char *data, size_t n)
{
    const struct http_answer *answer = arg;
    if (answer->status != 200)
        return false;
    if (fd_write_all(STDOUT_FILENO, data, n) < 0)
        exit(CTL_GENERIC);
    return true;
}

enum follow_end ctl_follow(struct ctl *c, const char *path)
{
    struct err err = {0};
    struct http_answer answer;
    memset(&answer, 0, sizeof answer);
    enum follow_end end = FOLLOW_ENDED;
    int rc = -1;
    c->interrupted = false;
    struct http_client *client = ctl_connect(c, &err);
    if (client)
        rc = http_client_request(client, "GET", path, NULL, NULL, 0, show_piece, &answer,
                                 &answer, &err);
    if (c->interrupted) {
        end = FOLLOW_INTERRUPTED;
    } else if (rc == 0 && answer.status != 200) {
        ctl_warn(c, "%s%s Cannot read, status code %d", c->serverurl, path,
                 answer.status);
        end = FOLLOW_FAILED;
    } else if (rc < 0 && answer.status != 200) {
        if (err.code == ERR_SYS && err.sys != 0)
            ctl_warn(c, "%s%s Cannot connect, error: [Errno %d] %s", c->serverurl, path,
                     err.sys, err.text);
        else
            ctl_warn(c, "%s%s Cannot connect, error: %s", c->serverurl, path, err.text);
        end = FOLLOW_FAILED;
    }
    http_answer_free(&answer);
    http_client_free(client);
    return end;
}
