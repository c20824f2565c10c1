#include "applets/supervisord/api/web.h"

#include "applets/supervisord/api/status_json.h"
#include "applets/supervisord/api/web_events.h"
#include "applets/supervisord/api/web_files.h"
#include "applets/supervisord/api/web_follow.h"
#include "applets/supervisord/api/web_job.h"
#include "applets/supervisord/api/web_status.h"
#include "applets/supervisord/api/web_tail.h"
#include "applets/supervisord/api/web_usage.h"
#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/base/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void put_digits(char *text, size_t digits, const unsigned char *random)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < digits; i++)
        text[i] = hex[random[i] & 15];
    text[digits] = '\0';
}

/* Random hexadecimal digits, or they stay empty. */
static void draw_secrets(struct web *web)
{
    enum { TOKEN = sizeof web->token - 1, BOOT = sizeof web->boot - 1 };
    unsigned char random[TOKEN + BOOT];
    if (getrandom(random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random) {
        log_warn("no random numbers: the forms of the web page carry no secret");
        return;
    }
    put_digits(web->token, TOKEN, random);
    put_digits(web->boot, BOOT, random + TOKEN);
}

static void sampled(void *arg)
{
    struct web *web = arg;
    web_events_sampled(web->events);
}

struct web *web_new(struct super *super)
{
    struct web *web = xcalloc(1, sizeof *web);
    web->super = super;
    web->start_secs = wall_secs();
    draw_secrets(web);
    web->usage = web_usage_new(super, sampled, web);
    web->events = web_events_new(web);
    web->jobs = web_jobs_new(web);
    web->follows = web_follows_new(super);
    return web;
}

void web_end_streams(struct web *web)
{
    web_events_end(web->events);
    web_follows_end(web->follows);
}

void web_free(struct web *web)
{
    if (!web)
        return;
    web_events_free(web->events);
    web_follows_free(web->follows);
    web_jobs_free(web->jobs);
    web_usage_free(web->usage);
    free(web);
}

void web_headers(struct http_exchange *x)
{
    static const char *const headers[][2] = {
        {"Cache-Control", "no-store"},
        {"Content-Security-Policy",
         "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
         "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
        {"X-Frame-Options", "DENY"}, /* for browsers without frame-ancestors */
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
    };
    for (size_t i = 0; i < array_len(headers); i++)
        http_exchange_header(x, headers[i][0], headers[i][1]);
}

static void answer_ok(struct http_exchange *x, void *arg)
{
    UNUSED(arg);
    buf_puts(http_exchange_body(x), "OK");
    http_respond(x, 200, "text/plain");
}

void web_routes(struct web *web, struct http_route *routes)
{
    static char css[] = "style.css", page[] = "page.js", log[] = "log.js",
                icon[] = "icon.svg";
    static const char look[] = "GET HEAD", act[] = "GET HEAD POST", stream[] = "GET";
    const struct http_route rows[WEB_ROUTES] = {
        {"/", false, act, web_status, web},
        {"/index.html", false, act, web_status, web},
        {"/tail.html", false, act, web_tail, web},
        {"/ok.html", false, act, answer_ok, web},
        {"/status.json", false, look, status_json, web},
        {"/events", false, stream, web_events, web},
        {"/events/log", false, stream, web_follow, web},
        {"/download", false, stream, web_download, web},
        {"/stylesheets/supervisor.css", false, look, web_file, css},
        {"/page.js", false, look, web_file, page},
        {"/log.js", false, look, web_file, log},
        {"/icon.svg", false, look, web_file, icon},
    };
    memcpy(routes, rows, sizeof rows);
}
