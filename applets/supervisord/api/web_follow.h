/* Logs for the viewer: GET /events/log follows one by server-sent events, GET /download
 * sends a whole one. The one idea of following: a reader is shown at most so much in a
 * moment; what a faster program wrote in between is passed over and said to be, so the
 * cost of a viewer does not depend on the program. A timer looks for news, only while a
 * viewer is open. */
#ifndef APPLETS_SUPERVISORD_API_WEB_FOLLOW_H
#define APPLETS_SUPERVISORD_API_WEB_FOLLOW_H

#include "applets/supervisord/api/web.h"

struct web_follows;

struct web_follows *web_follows_new(struct super *super);
void web_follows_end(struct web_follows *fs);
void web_follows_free(struct web_follows *fs); /* NULL is fine */

/* Handlers of core/http/http_server.h; arg is the struct web. Events of the first: log,
 * gap, reset (supervisord_web(7)); its query besides that of web_log.h: tail=BYTES. */
void web_follow(struct http_exchange *x, void *arg);
void web_download(struct http_exchange *x, void *arg);

#endif
