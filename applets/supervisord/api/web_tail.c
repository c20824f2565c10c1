#include "applets/supervisord/api/web_tail.h"

#include "applets/supervisord/api/web.h"
#include "applets/supervisord/api/web_files.h"
#include "applets/supervisord/api/web_html.h"
#include "applets/supervisord/api/web_log.h"
#include "core/base/num.h"
#include "core/io/logfile.h"
#include "core/wire/url.h"

#include <stdlib.h>

enum { LIMIT_LEAST = 1024, LIMIT_DEFAULT = 16384, LIMIT_MOST = 1 << 20 };

struct tail_page {
    struct web *web;
    struct web_log log;
    int64_t limit;
    struct buf text;
};

static int put_title(struct buf *out, void *arg)
{
    struct tail_page *pg = arg;
    struct buf title;
    buf_init(&title, BUF_NO_LIMIT);
    int rc = web_log_title(&pg->log, &title) < 0 ? -1 : html_str(out, buf_str(&title));
    buf_free(&title);
    return rc;
}

static int put_query(struct buf *out, void *arg)
{
    struct tail_page *pg = arg;
    struct buf query;
    buf_init(&query, BUF_NO_LIMIT);
    int rc = web_log_query(&pg->log, &query) < 0 ? -1 : html_str(out, buf_str(&query));
    buf_free(&query);
    return rc;
}

static int put_limit(struct buf *out, void *arg)
{
    return buf_put_int(out, ((struct tail_page *)arg)->limit);
}

static int put_text(struct buf *out, void *arg)
{
    struct tail_page *pg = arg;
    return html_text(out, buf_data(&pg->text), pg->text.len);
}

static int put_token(struct buf *out, void *arg)
{
    return buf_puts(out, ((struct tail_page *)arg)->web->token);
}

static int put_boot(struct buf *out, void *arg)
{
    return buf_puts(out, ((struct tail_page *)arg)->web->boot);
}

/* The button that empties it: a program's logs, or the main log. */
static int put_clear(struct buf *out, void *arg)
{
    struct tail_page *pg = arg;
    if (pg->log.is_main)
        return buf_puts(out, "name=\"action\" value=\"clearmain\"");
    return buf_puts(out, "name=\"row\" value=\"clearlog ") < 0 ||
                   html_str(out, pg->log.process) < 0 || buf_puts(out, "\"") < 0
               ? -1
               : 0;
}

/* Links to the other channels of the same program. */
static int put_others(struct buf *out, void *arg)
{
    static const char *const names[] = {"stdout", "stderr"};
    struct tail_page *pg = arg;
    struct web_log other = pg->log;
    for (int i = 0; i < 2 && !pg->log.is_main && pg->log.process; i++) {
        struct buf query;
        bool current = pg->log.is_stderr == (i == 1);
        other.is_stderr = i == 1;
        buf_init(&query, BUF_NO_LIMIT);
        int rc = web_log_query(&other, &query) < 0 ||
                         buf_puts(out, "<a href=\"tail.html") < 0 ||
                         html_str(out, buf_str(&query)) < 0 ||
                         buf_printf(out, "\"%s>%s</a>\n",
                                    current ? " aria-current=\"page\"" : "", names[i]) < 0
                     ? -1
                     : 0;
        buf_free(&query);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static const struct html_mark marks[] = {
    {"title", put_title}, {"query", put_query},   {"limit", put_limit},
    {"text", put_text},   {"token", put_token},   {"boot", put_boot},
    {"clear", put_clear}, {"others", put_others}, {NULL, NULL},
};

static void read_text(struct tail_page *pg)
{
    struct err err = {0};
    if (!pg->log.is_main && !pg->log.process)
        buf_puts(&pg->text, "No process name found");
    else if (!pg->log.found)
        buf_printf(&pg->text, "ERROR: there is no process %s", pg->log.process);
    else if (!pg->log.path ||
             logfile_read(pg->log.path, -pg->limit, 0, &pg->text, &err) < 0)
        buf_printf(&pg->text, "No file for %s",
                   pg->log.is_main ? "the main log" : pg->log.process);
}

void web_tail(struct http_exchange *x, void *arg)
{
    const struct http_request *rq = http_exchange_request(x);
    struct tail_page pg = {.web = arg, .limit = LIMIT_DEFAULT};
    char *limit = query_get(rq->query, "limit");
    if (limit && parse_int(limit, LIMIT_LEAST, LIMIT_MOST, &pg.limit) < 0)
        pg.limit = LIMIT_LEAST;
    free(limit);
    web_log_read(&pg.log, pg.web->super, rq->query);
    buf_init(&pg.text, 2 * LIMIT_MOST);
    read_text(&pg);
    int rc = html_template(http_exchange_body(x), web_file_text("tail.html"), marks, &pg);
    buf_free(&pg.text);
    web_log_clear(&pg.log);
    if (rc < 0) {
        http_respond_error(x, 500, "The page is too large");
        return;
    }
    web_headers(x);
    http_respond(x, 200, "text/html;charset=utf-8");
}
