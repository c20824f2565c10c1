/* Whether a request that would change something may come from where it comes from. The
 * one idea: a web page in somebody's browser can send requests here, but it cannot choose
 * the fields in which the browser says who asks. Programs send none of those fields and
 * are never refused.
 *
 *  - Sec-Fetch-Site other than same-origin and none: a foreign site.
 *  - Origin: its host is the one of Host, or the request carries the secret that only our
 *    own pages hold (behind a proxy Host may say anything).
 *  - Neither, but a browser nevertheless (old, or without TLS): Referer or the secret.
 *  - Host, where no password protects us: a name of this machine. Otherwise a foreign
 *    name was made to point here (DNS rebinding), and the page behind it is
 * "same-origin".
 *
 * Source: W3C Fetch Metadata; RFC 6454; OWASP, Cross-Site Request Forgery Prevention. */
#ifndef APPLETS_SUPERVISORD_API_SAME_ORIGIN_H
#define APPLETS_SUPERVISORD_API_SAME_ORIGIN_H

#include "core/http/http_exchange.h"

enum origin_verdict {
    ORIGIN_OK,
    ORIGIN_FOREIGN_SITE, /* another page's doing */
    ORIGIN_FOREIGN_HOST, /* a name that is not ours */
    ORIGIN_UNKNOWN       /* a browser that does not tell where the request comes from */
};

struct origin_facts {
    struct span host, origin, site, referer; /* ptr NULL: no such field */
    bool is_browser;                         /* it has a field that only browsers send */
    bool is_unix;    /* a proxy stands before us: Host is its affair */
    bool protected;  /* a password was asked for and given */
    bool has_secret; /* it carries the token of our pages */
};

/* is_ours: whether a host name, without port, means this machine; asked only for names
 * that are neither an IP address nor localhost. Pure. */
enum origin_verdict origin_judge(const struct origin_facts *f,
                                 bool (*is_ours)(void *arg, struct span name), void *arg);
/* Reads the facts from a request. */
void origin_read(const struct http_request *rq, struct origin_facts *f);
/* A sentence for the answer 403; NULL for ORIGIN_OK. */
const char *origin_reason(enum origin_verdict v);

/* All in one, for the handlers: true if it may go on; else it has been answered with 403
 * and x is gone. has_secret as above; conf may name hosts in its [inet_http_server]. */
struct conf;
bool origin_allows(struct http_exchange *x, const struct conf *conf, bool has_secret);

#endif
