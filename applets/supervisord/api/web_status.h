/* The status page: / and /index.html. Complete without scripts: a table and forms; the
 * script page.js, where it runs, takes the table over and keeps it up to date. */
#ifndef APPLETS_SUPERVISORD_API_WEB_STATUS_H
#define APPLETS_SUPERVISORD_API_WEB_STATUS_H

#include "applets/supervisord/api/web.h"

/* A handler of core/http/http_server.h; arg is the struct web. The query may hold
 * message=TEXT (shown), q=TEXT (programs whose name or state contains it), or an action
 * (web_action.h). */
void web_status(struct http_exchange *x, void *arg);
/* Answers with the page; diff, if not NULL, is shown with a button that applies it. */
void web_status_show(struct http_exchange *x, struct web *web,
                     const struct conf_diff *diff);

#endif
