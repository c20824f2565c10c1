/* The status page: "/" and "/index.html". Shows, changes nothing. */
#ifndef APPLETS_SUPERVISORD_API_WEB_STATUS_H
#define APPLETS_SUPERVISORD_API_WEB_STATUS_H

#include "applets/supervisord/super.h"
#include "core/http/http_exchange.h"

/* A handler of core/http/http_server.h; arg is the struct super. */
void web_status(struct http_exchange *x, void *arg);

#endif
