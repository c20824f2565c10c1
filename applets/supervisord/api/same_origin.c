#include "applets/supervisord/api/same_origin.h"

#include "config/conf.h"
#include "core/base/log.h"
#include "core/base/str.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- names ------------------------------------------------------------------------- */

/* "name:port" and "[::1]:port" without port. */
static struct span without_port(struct span host)
{
    const char *colon = NULL;
    if (host.len > 0 && host.ptr[0] == '[') {
        const char *end = memchr(host.ptr, ']', host.len);
        return end ? (struct span){host.ptr, (size_t)(end - host.ptr) + 1} : host;
    }
    colon = host.len > 0 ? memchr(host.ptr, ':', host.len) : NULL;
    return colon ? (struct span){host.ptr, (size_t)(colon - host.ptr)} : host;
}

/* An address cannot be made to point elsewhere. */
static bool is_address(struct span name)
{
    if (name.len > 0 && name.ptr[0] == '[')
        return true;
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] != '.' && (name.ptr[i] < '0' || name.ptr[i] > '9'))
            return false;
    return name.len > 0;
}

static bool is_localhost(struct span name)
{
    static const char suffix[] = ".localhost";
    size_t n = sizeof suffix - 1;
    return span_eq_nocase(name, "localhost") ||
           (name.len > n &&
            span_eq_nocase((struct span){name.ptr + name.len - n, n}, suffix));
}

static bool same_text(struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (char_lower(a.ptr[i]) != char_lower(b.ptr[i]))
            return false;
    return true;
}

/* The host and port of "scheme://host:port/path"; ptr NULL where there is none ("null").
 */
static struct span authority_of(struct span url)
{
    for (size_t i = 0; i + 2 < url.len; i++) {
        if (memcmp(url.ptr + i, "://", 3) != 0)
            continue;
        struct span rest = {url.ptr + i + 3, url.len - i - 3}, host;
        return span_split(&rest, '/', &host) ? host : (struct span){0};
    }
    return (struct span){0};
}

static bool points_here(struct span url, struct span host)
{
    struct span there = authority_of(url);
    return there.ptr && host.ptr && there.len > 0 && same_text(there, host);
}

/* --- judging ----------------------------------------------------------------------- */

enum origin_verdict origin_judge(const struct origin_facts *f,
                                 bool (*is_ours)(void *arg, struct span name), void *arg)
{
    struct span name = without_port(f->host);
    bool told = f->site.ptr != NULL;
    if (!f->is_browser && !f->origin.ptr && !told && !f->referer.ptr)
        return ORIGIN_OK;
    if (told && !span_eq(f->site, "same-origin") && !span_eq(f->site, "none"))
        return ORIGIN_FOREIGN_SITE;
    if (!f->is_unix && !f->protected && !is_address(name) && !is_localhost(name) &&
        !is_ours(arg, name))
        return ORIGIN_FOREIGN_HOST;
    if (told || f->has_secret)
        return ORIGIN_OK;
    if (f->origin.ptr)
        return points_here(f->origin, f->host) ? ORIGIN_OK : ORIGIN_FOREIGN_SITE;
    if (f->referer.ptr)
        return points_here(f->referer, f->host) ? ORIGIN_OK : ORIGIN_FOREIGN_SITE;
    return ORIGIN_UNKNOWN;
}

static struct span field(const struct http_request *rq, const char *name)
{
    const struct span *value = rq->head ? http_header(rq->head, name) : NULL;
    return value ? *value : (struct span){0};
}

void origin_read(const struct http_request *rq, struct origin_facts *f)
{
    *f = (struct origin_facts){
        .host = field(rq, "Host"),
        .origin = field(rq, "Origin"),
        .site = field(rq, "Sec-Fetch-Site"),
        .referer = field(rq, "Referer"),
        .is_unix = rq->is_unix,
        .protected = rq->is_protected,
    };
    /* A script may set the first of these, but none can remove the second. */
    f->is_browser = span_starts(field(rq, "User-Agent"), "Mozilla/") ||
                    field(rq, "Accept-Language").ptr != NULL;
}

const char *origin_reason(enum origin_verdict v)
{
    switch (v) {
    case ORIGIN_OK:
        return NULL;
    case ORIGIN_FOREIGN_SITE:
        return "Refused: the request was made by a page of another site";
    case ORIGIN_FOREIGN_HOST:
        return "Refused: without a password this server acts only under its address, "
               "as localhost, or under the name of its machine. Use one of these, name "
               "the host in port=host:number, or set username and password";
    case ORIGIN_UNKNOWN:
        break;
    }
    return "Refused: the browser does not tell which page the request comes from. Use "
           "the buttons of the status page";
}

/* --- for the handlers -------------------------------------------------------------- */

static bool is_our_name(void *arg, struct span name)
{
    const struct conf *conf = arg;
    char host[256] = "";
    if (gethostname(host, sizeof host - 1) == 0 && span_eq_nocase(name, host))
        return true;
    for (size_t i = 0; i < conf->http_count; i++)
        if (conf->http[i]->host && span_eq_nocase(name, conf->http[i]->host))
            return true;
    return false;
}

bool origin_allows(struct http_exchange *x, const struct conf *conf, bool has_secret)
{
    const struct http_request *rq = http_exchange_request(x);
    struct origin_facts facts;
    origin_read(rq, &facts);
    facts.has_secret = has_secret;
    enum origin_verdict v = origin_judge(&facts, is_our_name, (void *)(uintptr_t)conf);
    if (v == ORIGIN_OK)
        return true;
    log_warn("%s %s refused (from %s, host %.*s, origin %.*s): not same-origin",
             rq->method, rq->path, rq->peer[0] ? rq->peer : "the unix socket",
             (int)(facts.host.len > 100 ? 100 : facts.host.len),
             facts.host.ptr ? facts.host.ptr : "",
             (int)(facts.origin.len > 100 ? 100 : facts.origin.len),
             facts.origin.ptr ? facts.origin.ptr : "");
    http_respond_error(x, 403, origin_reason(v));
    return false;
}
