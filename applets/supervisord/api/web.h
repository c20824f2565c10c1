/* The web page and the documents behind it: what its parts share, and its routes. Costs
 * nothing while nobody looks: samples, subscriptions and timers exist only as long as a
 * page or a reader of the events is there. */
#ifndef APPLETS_SUPERVISORD_API_WEB_H
#define APPLETS_SUPERVISORD_API_WEB_H

#include "applets/supervisord/super.h"
#include "core/http/http_server.h"

struct web_usage;
struct web_events;
struct web_jobs;
struct web_follows;

struct web {
    struct super *super; /* borrowed */
    /* What our forms carry and a page of another site cannot read; new at each start. */
    char token[33];
    char boot[17]; /* tells one life of the daemon from the next */
    int64_t start_secs;
    struct web_usage *usage;
    struct web_events *events;
    struct web_jobs *jobs;
    struct web_follows *follows;
};

struct web *web_new(struct super *super);
/* Ends the streams, which have no end of their own; answers under way go on. */
void web_end_streams(struct web *web);
/* The exchanges must have ended; NULL is fine. */
void web_free(struct web *web);

enum { WEB_ROUTES = 12 };
/* Writes the rows of the page, WEB_ROUTES of them. */
void web_routes(struct web *web, struct http_route *routes);

/* Headers of everything that is shown: no framing, no foreign code, no caching. */
void web_headers(struct http_exchange *x);

#endif
