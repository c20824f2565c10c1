/* The actions of the page, by form or by link: action=NAME&processname=GROUP:NAME (any
 * number of them; GROUP:* is a whole group). A button of a row sends row="NAME
 * GROUP:NAME" instead. The addresses of old, /index.html?action=..., work as ever; the
 * answer to a form is a redirection to the page once all is done, that to a script with
 * Accept: application/json is JSON. Source: upstream web.py, StatusView. */
#ifndef APPLETS_SUPERVISORD_API_WEB_ACTION_H
#define APPLETS_SUPERVISORD_API_WEB_ACTION_H

#include "applets/supervisord/api/web.h"
#include "core/base/buf.h"
#include "core/base/str.h"

/* True if the request asks for an action (GET or POST); nothing is done yet. */
bool web_action_asked(const struct http_request *rq);
/* Does it, after asking whether the request may, and answers x. */
void web_action(struct http_exchange *x, struct web *web);

/* The first value of that name in body or query, decoded; yours, or NULL. */
char *web_form_get(const struct http_request *rq, const char *name);

#endif
