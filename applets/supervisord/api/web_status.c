#include "applets/supervisord/api/web_status.h"

#include "applets/supervisord/api/rpc_methods.h"
#include "applets/supervisord/api/status_json.h"
#include "applets/supervisord/api/web_action.h"
#include "applets/supervisord/api/web_files.h"
#include "applets/supervisord/api/web_html.h"
#include "applets/supervisord/api/web_usage.h"
#include "applets/supervisord/keeper.h"
#include "applets/supervisord/process_info.h"
#include "core/base/clock.h"
#include "core/rules/namespec.h"
#include "core/wire/url.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct page {
    struct web *web;
    const struct conf_diff *diff;
    char *message, *filter;
    int64_t now_secs;
    struct process **all;
    size_t count;
    /* the row being written; info.name NULL: the pattern that the script copies */
    struct process_info info;
    const struct web_sample *usage;
    struct buf spec; /* group:name */
    bool in_group;   /* below a heading that names the group */
};

/* --- a row ------------------------------------------------------------------------- */

static int put_spec(struct buf *out, void *arg)
{
    return html_str(out, buf_str(&((struct page *)arg)->spec));
}

static int put_spec_coded(struct buf *out, void *arg)
{
    struct page *pg = arg;
    return url_encode(out, (struct span){buf_data(&pg->spec), pg->spec.len}, ":");
}

static int put_short_name(struct buf *out, void *arg)
{
    struct page *pg = arg;
    return html_str(out, pg->in_group ? pg->info.name : buf_str(&pg->spec));
}

static int put_state(struct buf *out, void *arg)
{
    return html_str(out, ((struct page *)arg)->info.state_name);
}

static int put_pid(struct buf *out, void *arg)
{
    struct page *pg = arg;
    return pg->info.pid > 0 ? buf_put_int(out, pg->info.pid) : 0;
}

static int put_since(struct buf *out, void *arg)
{
    const struct process_info *info = &((struct page *)arg)->info;
    int64_t from = info->pid > 0 ? info->start_secs : info->stop_secs;
    return info->name && from > 0 ? html_duration(out, info->now_secs - from) : 0;
}

/* While it runs, how it ended before is history: shown only where it is the news. */
static int put_reason(struct buf *out, void *arg)
{
    struct page *pg = arg;
    struct buf text;
    int rc;
    if (!pg->info.name)
        return 0;
    if (pg->info.state == PROC_STOPPED && !pg->info.has_ended)
        return buf_puts(out, "not started");
    buf_init(&text, BUF_NO_LIMIT);
    rc = process_info_reason(&pg->info, &text);
    if (rc == 0 && text.len > 0 && pg->info.pid > 0)
        rc = buf_puts(out, "before: ");
    rc = rc < 0 ? rc : html_text(out, buf_data(&text), text.len);
    buf_free(&text);
    return rc;
}

static int put_restarts(struct buf *out, void *arg)
{
    unsigned starts = ((struct page *)arg)->info.starts;
    return buf_put_uint(out, starts > 0 ? starts - 1 : 0);
}

static int put_cpu(struct buf *out, void *arg)
{
    const struct web_sample *s = ((struct page *)arg)->usage;
    return s && s->cpu_milli >= 0 ? html_percent(out, s->cpu_milli) : 0;
}

static int put_memory(struct buf *out, void *arg)
{
    const struct web_sample *s = ((struct page *)arg)->usage;
    return s && s->rss_bytes >= 0 ? html_bytes(out, s->rss_bytes) : 0;
}

/* "hidden" for buttons that make no sense now. */
static int hide_unless(struct buf *out, bool shown)
{
    return shown ? 0 : buf_puts(out, " hidden");
}

static int put_hide_start(struct buf *out, void *arg)
{
    enum proc_state s = ((struct page *)arg)->info.state;
    return hide_unless(out, proc_state_is_stopped(s));
}

static int put_hide_stop(struct buf *out, void *arg)
{
    enum proc_state s = ((struct page *)arg)->info.state;
    return hide_unless(out, proc_state_is_running(s));
}

static int put_hide_stdout(struct buf *out, void *arg)
{
    struct page *pg = arg;
    return hide_unless(out, !pg->info.name || pg->info.stdout_logfile[0]);
}

static int put_hide_stderr(struct buf *out, void *arg)
{
    struct page *pg = arg;
    return hide_unless(out, !pg->info.name || pg->info.stderr_logfile[0]);
}

static const struct html_mark row_marks[] = {
    {"spec", put_spec},
    {"coded", put_spec_coded},
    {"short", put_short_name},
    {"state", put_state},
    {"pid", put_pid},
    {"since", put_since},
    {"reason", put_reason},
    {"restarts", put_restarts},
    {"cpu", put_cpu},
    {"memory", put_memory},
    {"hide-start", put_hide_start},
    {"hide-stop", put_hide_stop},
    {"hide-stdout", put_hide_stdout},
    {"hide-stderr", put_hide_stderr},
    {NULL, NULL},
};

static void page_set_row(struct page *pg, const struct process *p)
{
    process_info_get(p, pg->now_secs, &pg->info);
    pg->usage = web_usage_of(pg->web->usage, process_id(p));
    buf_truncate(&pg->spec, 0);
    namespec_format(&pg->spec, pg->info.group, pg->info.name);
}

static int put_row(struct buf *out, struct page *pg)
{
    return html_template(out, web_file_text("row.html"), row_marks, pg);
}

/* --- the table --------------------------------------------------------------------- */

static bool contains_nocase(const char *text, const char *part)
{
    size_t n = strlen(part);
    for (; *text; text++) {
        size_t i = 0;
        while (i < n && char_lower(text[i]) == char_lower(part[i]))
            i++;
        if (i == n)
            return true;
    }
    return n == 0;
}

static bool page_shows(const struct page *pg)
{
    return !pg->filter || contains_nocase(buf_str(&pg->spec), pg->filter) ||
           contains_nocase(pg->info.state_name, pg->filter);
}

/* A heading only where it tells something: a group of its own name with one program in it
 * is just that program. */
static bool has_heading(const struct group *g)
{
    return group_count(g) != 1 ||
           strcmp(process_conf(group_at(g, 0))->name, group_name(g)) != 0;
}

static int put_group(struct buf *out, void *arg)
{
    struct page *pg = arg;
    return html_str(out, pg->info.group);
}

static int put_group_coded(struct buf *out, void *arg)
{
    struct page *pg = arg;
    return url_encode(out, span_of(pg->info.group ? pg->info.group : ""), "");
}

static const struct html_mark group_marks[] = {
    {"group", put_group}, {"group-coded", put_group_coded}, {NULL, NULL}};

static int put_heading(struct buf *out, struct page *pg)
{
    return html_template(out, web_file_text("group.html"), group_marks, pg);
}

static int put_rows(struct buf *out, void *arg)
{
    struct page *pg = arg;
    const struct group *last = NULL;
    for (size_t i = 0; i < pg->count; i++) {
        const struct group *g = process_group(pg->all[i]);
        page_set_row(pg, pg->all[i]);
        if (!page_shows(pg))
            continue;
        pg->in_group = has_heading(g);
        if (g != last) {
            if ((last && buf_puts(out, "</tbody>\n") < 0) ||
                buf_puts(out, "<tbody data-group=\"") < 0 ||
                html_str(out, pg->info.group) < 0 || buf_puts(out, "\">\n") < 0 ||
                (pg->in_group && put_heading(out, pg) < 0))
                return -1;
            last = g;
        }
        if (put_row(out, pg) < 0)
            return -1;
    }
    return last ? buf_puts(out, "</tbody>\n") : 0;
}

/* What the script makes new rows from: the same markup without a program in it. */
static int put_pattern(struct buf *out, void *arg)
{
    struct page *pg = arg;
    pg->info = (struct process_info){.state_name = ""};
    pg->usage = NULL;
    buf_truncate(&pg->spec, 0);
    return put_row(out, pg) < 0 || put_heading(out, pg) < 0 ? -1 : 0;
}

static int put_empty(struct buf *out, void *arg)
{
    struct page *pg = arg;
    return pg->count > 0 ? buf_puts(out, " hidden") : 0;
}

/* --- what stands around it --------------------------------------------------------- */

static int put_identifier(struct buf *out, void *arg)
{
    return html_str(out, super_conf(((struct page *)arg)->web->super)->server.identifier);
}

static int put_mood(struct buf *out, void *arg)
{
    return html_str(out, super_mood_name(super_mood(((struct page *)arg)->web->super)));
}

static int put_version(struct buf *out, void *arg)
{
    UNUSED(arg);
    return buf_puts(out, SUPERVISOR_VERSION);
}

static int put_own_pid(struct buf *out, void *arg)
{
    UNUSED(arg);
    return buf_put_int(out, keeper_main_pid());
}

static int put_own_cpu(struct buf *out, void *arg)
{
    const struct web_sample *s = web_usage_of(((struct page *)arg)->web->usage, 0);
    return s && s->cpu_milli >= 0 ? html_percent(out, s->cpu_milli)
                                  : buf_puts(out, "&ndash;");
}

static int put_own_memory(struct buf *out, void *arg)
{
    const struct web_sample *s = web_usage_of(((struct page *)arg)->web->usage, 0);
    return s && s->rss_bytes >= 0 ? html_bytes(out, s->rss_bytes)
                                  : buf_puts(out, "&ndash;");
}

static int put_uptime(struct buf *out, void *arg)
{
    struct page *pg = arg;
    return html_duration(out, pg->now_secs - pg->web->start_secs);
}

static int put_load(struct buf *out, void *arg)
{
    double load[3];
    UNUSED(arg);
    if (getloadavg(load, 3) != 3)
        return 0;
    for (int i = 0; i < 3; i++) {
        long hundredths = (long)(load[i] * 100 + 0.5);
        if (buf_printf(out, "%s%ld.%02ld", i ? " " : "", hundredths / 100,
                       hundredths % 100) < 0)
            return -1;
    }
    return 0;
}

static int put_config(struct buf *out, void *arg)
{
    return html_str(out, super_conf(((struct page *)arg)->web->super)->path);
}

static int put_token(struct buf *out, void *arg)
{
    return buf_puts(out, ((struct page *)arg)->web->token);
}

static int put_boot(struct buf *out, void *arg)
{
    return buf_puts(out, ((struct page *)arg)->web->boot);
}

static int put_message(struct buf *out, void *arg)
{
    return html_str(out, ((struct page *)arg)->message);
}

static int put_message_kind(struct buf *out, void *arg)
{
    const char *text = ((struct page *)arg)->message;
    if (!text || !text[0])
        return 0;
    return buf_puts(out, strstr(text, "ERROR") || str_starts(text, "No such") ? "bad"
                                                                              : "good");
}

static int put_filter(struct buf *out, void *arg)
{
    return html_str(out, ((struct page *)arg)->filter);
}

static int put_counts(struct buf *out, void *arg)
{
    struct page *pg = arg;
    size_t running = 0;
    for (size_t i = 0; i < pg->count; i++)
        running += process_state(pg->all[i]) == PROC_RUNNING;
    return buf_printf(out, "%zu of %zu running", running, pg->count);
}

static int put_names(struct buf *out, const char *what, const char *const *names,
                     size_t count)
{
    if (count == 0)
        return 0;
    if (buf_printf(out, "<dt>%s</dt><dd>", what) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if ((i > 0 && buf_puts(out, ", ") < 0) || html_str(out, names[i]) < 0)
            return -1;
    return buf_puts(out, "</dd>");
}

static int put_diff(struct buf *out, void *arg)
{
    const struct conf_diff *d = ((struct page *)arg)->diff;
    if (!d)
        return 0;
    if (d->added_count + d->changed_count + d->removed_count == 0)
        return buf_puts(out,
                        "<dt>Nothing</dt><dd>the configuration has not changed</dd>");
    return put_names(out, "Added", d->added, d->added_count) < 0 ||
                   put_names(out, "Changed (will be restarted)", d->changed,
                             d->changed_count) < 0 ||
                   put_names(out, "Removed (will be stopped)", d->removed,
                             d->removed_count) < 0
               ? -1
               : 0;
}

static int put_hide_diff(struct buf *out, void *arg)
{
    return hide_unless(out, ((struct page *)arg)->diff != NULL);
}

static int put_hide_apply(struct buf *out, void *arg)
{
    const struct conf_diff *d = ((struct page *)arg)->diff;
    return hide_unless(out,
                       d && d->added_count + d->changed_count + d->removed_count > 0);
}

static const struct html_mark page_marks[] = {
    {"identifier", put_identifier},
    {"mood", put_mood},
    {"version", put_version},
    {"own-pid", put_own_pid},
    {"own-cpu", put_own_cpu},
    {"own-memory", put_own_memory},
    {"uptime", put_uptime},
    {"load", put_load},
    {"config", put_config},
    {"token", put_token},
    {"boot", put_boot},
    {"message", put_message},
    {"message-kind", put_message_kind},
    {"filter", put_filter},
    {"counts", put_counts},
    {"diff", put_diff},
    {"hide-diff", put_hide_diff},
    {"hide-apply", put_hide_apply},
    {"rows", put_rows},
    {"pattern", put_pattern},
    {"hide-empty", put_empty},
    {NULL, NULL},
};

/* --- requests ---------------------------------------------------------------------- */

void web_status_show(struct http_exchange *x, struct web *web,
                     const struct conf_diff *diff)
{
    const struct http_request *rq = http_exchange_request(x);
    struct page pg = {.web = web, .diff = diff, .now_secs = wall_secs()};
    pg.message = query_get(rq->query, "message");
    pg.filter = query_get(rq->query, "q");
    pg.all = status_processes(web->super, &pg.count);
    buf_init(&pg.spec, BUF_NO_LIMIT);
    web_usage_touch(web->usage); /* the next look shows numbers */
    int rc =
        html_template(http_exchange_body(x), web_file_text("page.html"), page_marks, &pg);
    buf_free(&pg.spec);
    free(pg.all);
    free(pg.filter);
    free(pg.message);
    if (rc < 0) {
        http_respond_error(x, 500, "The page is too large");
        return;
    }
    web_headers(x);
    http_respond(x, 200, "text/html;charset=utf-8");
}

void web_status(struct http_exchange *x, void *arg)
{
    struct web *web = arg;
    if (web_action_asked(http_exchange_request(x)))
        web_action(x, web);
    else
        web_status_show(x, web, NULL);
}
