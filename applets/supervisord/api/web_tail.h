/* The log page, tail.html?processname=NAME&limit=BYTES: the end of a log, which the
 * script log.js, where it runs, follows live. Which log: web_log.h. Source: upstream
 * web.py, TailView. */
#ifndef APPLETS_SUPERVISORD_API_WEB_TAIL_H
#define APPLETS_SUPERVISORD_API_WEB_TAIL_H

#include "core/http/http_exchange.h"

/* A handler of core/http/http_server.h; arg is the struct web. */
void web_tail(struct http_exchange *x, void *arg);

#endif
