#include "applets/supervisord/api/routes.h"

#include "applets/supervisord/api/log_tail.h"
#include "applets/supervisord/api/rpc_server.h"
#include "applets/supervisord/api/rpc_wait.h"
#include "applets/supervisord/api/web.h"
#include "core/base/alloc.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "core/io/sock.h"
#include "core/io/tls.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROUTE_COUNT (3 + WEB_ROUTES)

struct unix_socket { /* a file of ours, to be removed at the end */
    char *path;
    ino_t inode;
};

struct api {
    struct super *super;
    struct rpc_server rpc;
    struct log_tails *tails;
    struct web *web;
    struct http_server *server;
    struct http_route routes[ROUTE_COUNT + 1];
    struct unix_socket *sockets;
    size_t socket_count;
    struct tls_context **tls; /* one a listener, NULL where it is plain */
    size_t tls_count;
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

/* --- listeners --------------------------------------------------------------------- */

/* Upstream's words, options.py openhttpservers; what went wrong follows them. */
static int explain(struct err *err)
{
    if (err->code == ERR_SYS && err->sys == EADDRINUSE)
        return err_set(err, ERR_SYS,
                       "Another program is already listening on a port that one of our "
                       "HTTP servers is configured to use.  Shut this program down first "
                       "before starting supervisord.");
    const char *name = err->code == ERR_SYS ? err_errno_name(err->sys) : NULL;
    if (!name)
        return err_wrap(err, "Cannot open an HTTP server");
    return err_wrap(err,
                    "Cannot open an HTTP server: socket.error reported errno.%s (%d)",
                    name, err->sys);
}

static int listen_unix(struct api *a, const struct http_conf *c, struct err *err)
{
    struct sock_unix_opts opts = {.mode = c->chmod,
                                  .has_owner = c->has_chown,
                                  .uid = c->chown_uid,
                                  .gid = c->chown_gid};
    ino_t inode;
    int fd = sock_listen_unix(c->file, &opts, &inode, err);
    if (fd < 0)
        return -1;
    a->sockets = xreallocarray(a->sockets, a->socket_count + 1, sizeof *a->sockets);
    a->sockets[a->socket_count++] = (struct unix_socket){xstrdup(c->file), inode};
    return fd;
}

/* *tls stays NULL for a section without ssl_ options. 0, or -1 with err. */
static int make_tls(const struct http_conf *c, struct tls_context **tls, struct err *err)
{
    *tls = NULL;
    if (!c->ssl_certfile) {
        if (c->ssl_client_ca) /* never in the clear by mistake */
            return err_set(err, ERR_CONFIG, "[%s] has no ssl_certfile", c->section);
        return 0;
    }
    struct tls_settings settings = {.cert_file = c->ssl_certfile,
                                    .key_file = c->ssl_keyfile,
                                    .ca_file = c->ssl_client_ca,
                                    .only_tls13 = str_eq(c->ssl_min_version, "1.3")};
    *tls = tls_context_new(TLS_SERVER, &settings, err);
    return *tls ? 0 : err_wrap(err, "[%s]", c->section);
}

static int open_listener(struct api *a, const struct http_conf *c, struct err *err)
{
    struct tls_context *tls;
    if (make_tls(c, &tls, err) < 0)
        return -1;
    a->tls = xreallocarray(a->tls, a->tls_count + 1, sizeof(struct tls_context *));
    a->tls[a->tls_count++] = tls;
    int fd =
        c->is_unix ? listen_unix(a, c, err) : sock_listen_tcp(c->host, c->port, 0, err);
    if (fd < 0)
        return explain(err);
    struct http_listener_opts opts = {.fd = fd,
                                      .is_unix = c->is_unix,
                                      .username = c->username,
                                      .password = c->password,
                                      .name = c->section,
                                      .tls = tls};
    return http_server_listen(a->server, &opts, err);
}

static void announce(const struct http_conf *c)
{
    log_info("RPC interface 'supervisor' initialized");
    if (!c->username)
        log_crit("Server '%s' running without any HTTP authentication checking",
                 c->section);
}

struct api *api_open(struct super *super, struct err *err)
{
    const struct conf *conf = super_conf(super);
    struct api *a = xcalloc(1, sizeof *a);
    a->super = super;
    a->rpc = (struct rpc_server){super, rpc_waits_new(super)};
    a->tails = log_tails_new(super);
    a->web = web_new(super);
    make_routes(a);
    a->server = http_server_new(super_loop(super), a->routes, &(struct http_limits){0});
    for (size_t i = 0; i < conf->http_count; i++)
        if (open_listener(a, conf->http[i], err) < 0) {
            api_close(a);
            return NULL;
        }
    for (size_t i = 0; i < conf->http_count; i++)
        announce(conf->http[i]);
    return a;
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
    for (size_t i = 0; i < a->socket_count; i++) {
        sock_unlink_unix(a->sockets[i].path, a->sockets[i].inode);
        free(a->sockets[i].path);
    }
    for (size_t i = 0; i < a->tls_count; i++)
        tls_context_unref(a->tls[i]);
    free(a->tls);
    free(a->sockets);
    free(a);
}
