#include "applets/supervisord/api/routes.h"

#include "applets/supervisord/api/listeners.h"
#include "applets/supervisord/api/log_tail.h"
#include "applets/supervisord/api/rpc_server.h"
#include "applets/supervisord/api/rpc_wait.h"
#include "applets/supervisord/api/web.h"
#include "core/base/alloc.h"
#include <stdlib.h>
#include <string.h>

#define ROUTE_COUNT (3 + WEB_ROUTES)

struct api {
    struct super *super;
    struct rpc_server rpc;
    struct log_tails *tails;
    struct web *web;
    struct http_server *server;
    struct http_route routes[ROUTE_COUNT + 1];
    struct listeners *listeners;
};

static void make_routes(struct api *a)
{
    /* what upstream refuses with 400 comes to the handler, which does so */
    static const char any[] = "GET HEAD POST PUT DELETE OPTIONS PATCH";
    const struct http_route routes[] = {
        {"/RPC2", true, any, rpc_handle, &a->rpc},
        {"/logtail", true, any, log_tail_process, a->tails},
        {"/mainlogtail", true, any, log_tail_main, a->tails},
    };
    memcpy(a->routes, routes, sizeof routes);
    web_routes(a->web, a->routes + array_len(routes));
}

static struct api *api_new(struct super *super)
{
    struct api *a = xcalloc(1, sizeof *a);
    a->super = super;
    a->rpc = (struct rpc_server){super, rpc_waits_new(super)};
    a->tails = log_tails_new(super);
    a->web = web_new(super);
    make_routes(a);
    a->server = http_server_new(super_loop(super), a->routes, &(struct http_limits){0});
    return a;
}

struct api *api_open(struct super *super, struct err *err)
{
    struct api *a = api_new(super);
    a->listeners = listeners_open(super, a->server, err);
    if (!a->listeners) {
        api_close(a);
        return NULL;
    }
    return a;
}

void api_save(const struct api *a, struct record_writer *w)
{
    listeners_save(a->listeners, w);
}

struct api *api_restore(struct super *super, const char *data, size_t n)
{
    struct api *a = api_new(super);
    a->listeners = listeners_restore(super, a->server, data, n);
    return a;
}

void api_refuse_waits(struct api *a, const char *why)
{
    rpc_waits_refuse(a->rpc.waits, why);
}

bool api_is_quiet(struct api *a)
{
    log_tails_end(a->tails); /* they have no end of their own */
    web_end_streams(a->web);
    return http_server_is_quiet(a->server);
}

void api_close(struct api *a)
{
    if (!a)
        return;
    http_server_free(a->server);
    log_tails_free(a->tails);
    web_free(a->web);
    rpc_waits_free(a->rpc.waits);
    listeners_close(a->listeners);
    free(a);
}
