#include "applets/supervisord/api/web_status.h"

#include "applets/supervisord/process_info.h"
#include "core/base/clock.h"
#include "core/rules/namespec.h"
#include "core/wire/url.h"
#include "core/wire/xml.h"
#include <string.h>

/* All writers return 0, or -1 as struct buf does. Text from the configuration and from
 * children goes through put_text, or percent-coded into a link. */
static int put_text(struct buf *out, const char *text)
{
    return xml_write_text(out, text, strlen(text));
}

static int put_cell(struct buf *out, const char *text)
{
    if (buf_puts(out, "<td>") < 0 || put_text(out, text) < 0)
        return -1;
    return buf_puts(out, "</td>");
}

/* A relative link, so that the page works below any path of a proxy. */
static int put_log_link(struct buf *out, struct span spec, const char *channel)
{
    if (buf_puts(out, "<a href=\"logtail/") < 0 || url_encode(out, spec, "") < 0)
        return -1;
    return buf_printf(out, "/%s\">%s</a> ", channel, channel);
}

static int put_process(struct buf *out, const struct process *p, int64_t now,
                       struct buf *scratch)
{
    struct process_info info;
    process_info_get(p, now, &info);
    buf_truncate(scratch, 0);
    if (buf_puts(out, "<tr>") < 0 || put_cell(out, info.state_name) < 0 ||
        process_info_describe(&info, scratch) < 0 || put_cell(out, buf_str(scratch)) < 0)
        return -1;
    buf_truncate(scratch, 0);
    if (namespec_format(scratch, info.group, info.name) < 0 ||
        put_cell(out, buf_str(scratch)) < 0 || buf_puts(out, "<td>") < 0)
        return -1;
    struct span spec = {buf_data(scratch), scratch->len};
    if (info.stdout_logfile[0] && put_log_link(out, spec, "stdout") < 0)
        return -1;
    if (info.stderr_logfile[0] && put_log_link(out, spec, "stderr") < 0)
        return -1;
    return buf_puts(out, "</td></tr>\n");
}

static int put_page(struct buf *out, struct super *s, struct buf *scratch)
{
    static const char head[] =
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        "<title>Supervisor Status</title></head><body>\n<h1>Supervisor Status</h1>\n<p>";
    static const char table[] =
        "</p>\n<table>\n<tr><th>State</th><th>Description</th><th>Name</th>"
        "<th>Logs</th></tr>\n";
    int64_t now = wall_secs();
    if (buf_puts(out, head) < 0 || put_text(out, super_conf(s)->server.identifier) < 0 ||
        buf_printf(out, " (%s) <a href=\"mainlogtail\">log</a>",
                   super_mood_name(super_mood(s))) < 0 ||
        buf_puts(out, table) < 0)
        return -1;
    for (size_t i = 0; i < super_group_count(s); i++) {
        const struct group *g = super_group_at(s, i);
        for (size_t j = 0; j < group_count(g); j++)
            if (put_process(out, group_at(g, j), now, scratch) < 0)
                return -1;
    }
    return buf_puts(out, "</table>\n</body></html>\n");
}

void web_status(struct http_exchange *x, void *arg)
{
    struct super *s = arg;
    struct buf scratch;
    buf_init(&scratch, BUF_NO_LIMIT);
    int rc = put_page(http_exchange_body(x), s, &scratch);
    buf_free(&scratch);
    if (rc < 0) {
        http_respond_error(x, 500, "The page is too large");
        return;
    }
    http_exchange_header(x, "Cache-Control", "no-store");
    http_exchange_header(x, "Content-Security-Policy", "default-src 'none'");
    http_respond(x, 200, "text/html;charset=utf-8");
}
