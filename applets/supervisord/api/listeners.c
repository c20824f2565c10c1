/* Sockets and certificates. The one idea: all certificates of a configuration are read
 * before the first of them is used, so a wrong file changes nothing. */
#include "applets/supervisord/api/listeners.h"

#include "applets/supervisord/super_save.h"
#include "core/base/alloc.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "core/io/fd.h"
#include "core/io/sock.h"
#include "core/io/tls.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { RANDOM_RETRY_MS = 100, RESTORE_RETRY_MS = 1000 };

struct place {    /* where one of conf->http is served */
    int fd;       /* its socket; -1: none */
    ino_t inode;  /* of a unix socket's file, which is removed at the end; 0: none */
    bool serving; /* the server has the socket */
    bool waiting; /* it is tried again */
};

struct certificate { /* of a section that speaks TLS; its addresses share it */
    const char *section;
    struct tls_context *context;
};

struct listeners {
    struct super *super;
    struct super_front front;
    struct http_server *server;
    struct conf *conf;    /* the one we were opened with */
    struct place *places; /* for each of conf->http */
    struct certificate *certificates;
    size_t certificate_count;
    struct timer retry; /* early boot: TLS has to wait for random numbers */
    bool restored; /* by an earlier image: nothing that fails ends us, or is given up */
};

/* --- certificates ------------------------------------------------------------------ */

/* A context for the section, or NULL with err. */
static struct tls_context *read_certificate(const struct http_conf *c, struct err *err)
{
    struct tls_settings settings = {.cert_file = c->ssl_certfile,
                                    .key_file = c->ssl_keyfile,
                                    .ca_file = c->ssl_client_ca,
                                    .only_tls13 = str_eq(c->ssl_min_version, "1.3")};
    struct tls_context *context = tls_context_new(TLS_SERVER, &settings, err);
    if (!context)
        err_wrap(err, "[%s]", c->section);
    return context;
}

static const struct http_conf *find_section(const struct conf *conf, const char *section)
{
    for (size_t i = 0; i < conf->http_count; i++)
        if (str_eq(conf->http[i]->section, section))
            return conf->http[i];
    return NULL;
}

/* super_front: sections that are new, gone, or have begun or ceased to speak TLS wait for
 * the next restart. */
static int take_certificates(void *arg, const struct conf *next, bool now,
                             struct err *err)
{
    struct listeners *l = arg;
    struct tls_context **fresh =
        xcalloc(l->certificate_count + 1, sizeof(struct tls_context *));
    int rc = 0;

    for (size_t i = 0; i < l->certificate_count && rc == 0; i++) {
        const struct http_conf *c = find_section(next, l->certificates[i].section);
        if (!c || !c->ssl_certfile)
            continue;
        fresh[i] = read_certificate(c, err);
        rc = fresh[i] ? 0 : -1;
    }
    for (size_t i = 0; i < l->certificate_count; i++) {
        struct certificate *one = &l->certificates[i];
        if (rc == 0 && now && fresh[i]) {
            http_server_renew_tls(l->server, one->context, fresh[i]);
            tls_context_unref(one->context);
            one->context = fresh[i];
        } else {
            tls_context_unref(fresh[i]);
        }
    }
    free(fresh);
    return rc;
}

/* *tls stays NULL for a section without ssl_ options. 0, or -1 with err. */
static int get_certificate(struct listeners *l, const struct http_conf *c,
                           struct tls_context **tls, struct err *err)
{
    *tls = NULL;
    if (!c->ssl_certfile)
        return 0;
    for (size_t i = 0; i < l->certificate_count && !*tls; i++)
        if (str_eq(l->certificates[i].section, c->section))
            *tls = l->certificates[i].context;
    if (*tls)
        return 0;
    const struct http_conf *renewed = find_section(super_conf(l->super), c->section);
    *tls = read_certificate(renewed && renewed->ssl_certfile ? renewed : c, err);
    if (!*tls)
        return -1;
    l->certificates =
        xreallocarray(l->certificates, l->certificate_count + 1, sizeof *l->certificates);
    l->certificates[l->certificate_count++] = (struct certificate){c->section, *tls};
    return 0;
}

/* --- sockets ----------------------------------------------------------------------- */

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

static int listen_unix(struct place *place, const struct http_conf *c, struct err *err)
{
    struct sock_unix_opts opts = {.mode = c->chmod,
                                  .has_owner = c->has_chown,
                                  .uid = c->chown_uid,
                                  .gid = c->chown_gid};
    return sock_listen_unix(c->file, &opts, &place->inode, err);
}

static int open_listener(struct listeners *l, size_t i, struct err *err)
{
    const struct http_conf *c = l->conf->http[i];
    struct place *place = &l->places[i];
    struct tls_context *tls;
    if (get_certificate(l, c, &tls, err) < 0)
        return -1;
    if (place->fd < 0)
        place->fd = c->is_unix ? listen_unix(place, c, err)
                               : sock_listen_tcp(c->host, c->port, 0, err);
    if (place->fd < 0)
        return explain(err);
    struct http_listener_opts opts = {.fd = place->fd,
                                      .is_unix = c->is_unix,
                                      .username = c->username,
                                      .password = c->password,
                                      .name = c->section,
                                      .tls = tls};
    if (http_server_listen(l->server, &opts, err) < 0) {
        place->fd = -1; /* closed by the server */
        return -1;
    }
    place->serving = true;
    super_want_base(l->super);
    return 0;
}

static bool must_wait(const struct err *err)
{
    return err->code == ERR_SYS && err->sys == EAGAIN;
}

static void try_later(struct listeners *l, size_t i, int64_t ms)
{
    int64_t due_ms = loop_now_ms(super_loop(l->super)) + ms;
    l->places[i].waiting = true;
    if (!timer_is_set(&l->retry) || l->retry.due_ms > due_ms)
        timer_set(&l->retry, due_ms);
}

/* Early boot: the programs run already, TLS follows as soon as the kernel can. */
static void retry(struct timer *t, int64_t now_ms)
{
    UNUSED(now_ms);
    struct listeners *l = container_of(t, struct listeners, retry);
    for (size_t i = 0; i < l->conf->http_count; i++) {
        const struct http_conf *c = l->conf->http[i];
        struct err err = {0};
        if (!l->places[i].waiting)
            continue;
        l->places[i].waiting = false;
        if (open_listener(l, i, &err) == 0)
            log_info(l->restored ? "[%s] serves again"
                                 : "[%s] has its random numbers and listens",
                     c->section);
        else if (must_wait(&err))
            try_later(l, i, RANDOM_RETRY_MS);
        else if (l->restored)
            try_later(l, i, RESTORE_RETRY_MS);
        else
            log_crit("[%s] stays closed: %s", c->section, err.text);
    }
}

static int open_all(struct listeners *l, struct err *err)
{
    for (size_t i = 0; i < l->conf->http_count; i++) {
        if (open_listener(l, i, err) == 0)
            continue;
        if (must_wait(err)) {
            log_warn("%s; listening later", err->text);
            try_later(l, i, RANDOM_RETRY_MS);
        } else if (l->restored) {
            log_crit("[%s] serves nobody for now: %s", l->conf->http[i]->section,
                     err->text);
            try_later(l, i, RESTORE_RETRY_MS);
        } else {
            return -1;
        }
    }
    return 0;
}

static bool is_loopback(const char *host)
{
    return host &&
           (str_starts(host, "127.") || str_eq(host, "localhost") || str_eq(host, "::1"));
}

static void announce(const struct http_conf *c)
{
    log_info("RPC interface 'supervisor' initialized");
    if (c->username)
        return;
    log_crit("Server '%s' running without any HTTP authentication checking", c->section);
    if (!c->is_unix && !c->ssl_client_ca && !is_loopback(c->host))
        log_crit("Server '%s' is open to the network: whoever reaches %s:%d can run "
                 "programs as this user; set username and password, or a loopback "
                 "address",
                 c->section, c->host && c->host[0] ? c->host : "*", c->port);
}

static struct listeners *listeners_new(struct super *super, struct http_server *server)
{
    struct listeners *l = xcalloc(1, sizeof *l);
    l->super = super;
    l->server = server;
    l->conf = conf_ref((struct conf *)(uintptr_t)super_first_conf(super));
    l->places = xcalloc(l->conf->http_count + 1, sizeof *l->places);
    for (size_t i = 0; i < l->conf->http_count; i++)
        l->places[i].fd = -1;
    timer_init(&l->retry, loop_timers(super_loop(super)), retry);
    l->front = (struct super_front){take_certificates, l};
    return l;
}

struct listeners *listeners_open(struct super *super, struct http_server *server,
                                 struct err *err)
{
    struct listeners *l = listeners_new(super, server);
    if (open_all(l, err) < 0) {
        listeners_close(l);
        return NULL;
    }
    for (size_t i = 0; i < l->conf->http_count; i++)
        announce(l->conf->http[i]);
    super_set_front(super, &l->front);
    return l;
}

void listeners_close(struct listeners *l)
{
    if (!l)
        return;
    super_set_front(l->super, NULL);
    timer_cancel(&l->retry);
    for (size_t i = 0; i < l->conf->http_count; i++) {
        struct place *place = &l->places[i];
        if (place->inode)
            sock_unlink_unix(l->conf->http[i]->file, place->inode);
        if (!place->serving)
            fd_close(&place->fd);
    }
    for (size_t i = 0; i < l->certificate_count; i++)
        tls_context_unref(l->certificates[i].context);
    free(l->certificates);
    free(l->places);
    conf_unref(l->conf);
    free(l);
}

/* --- handing over ------------------------------------------------------------------ */

void listeners_save(const struct listeners *l, struct record_writer *w)
{
    for (size_t i = 0; i < l->conf->http_count; i++) {
        if (l->places[i].fd < 0)
            continue;
        record_begin(w, "listener_socket");
        record_put_str(w, "section", l->conf->http[i]->section);
        record_put_int(w, "index", (int64_t)i);
        record_put_fd(w, "listen_fd", l->places[i].fd);
        record_put_int(w, "inode", (int64_t)l->places[i].inode);
        record_end(w);
    }
}

/* The line's section and number must belong together, and the socket be of its kind. */
static void take_socket(struct listeners *l, const struct record_reader *r)
{
    int64_t i = record_get_int(r, "index", 0, INT_MAX, -1);
    int fd = (int)record_get_int(r, "listen_fd", 0, INT_MAX, -1);
    struct span section;
    if (i < 0 || (size_t)i >= l->conf->http_count || l->places[i].fd >= 0)
        return;
    const struct http_conf *c = l->conf->http[i];
    if (!record_get(r, "section", &section) || !c->section ||
        !span_eq(section, c->section) || !sock_is_listening(fd, c->is_unix) ||
        fd_set_cloexec(fd, true) < 0)
        return;
    l->places[i].fd = fd;
    l->places[i].inode = (ino_t)record_get_int(r, "inode", 0, INT64_MAX, 0);
}

struct listeners *listeners_restore(struct super *super, struct http_server *server,
                                    const char *data, size_t n)
{
    struct listeners *l = listeners_new(super, server);
    struct record_reader r;
    struct err err = {0};
    l->restored = true;
    record_open(&r, data, n);
    while (record_next_of(&r, "listener_socket") == 1)
        take_socket(l, &r);
    open_all(l, &err);
    super_set_front(super, &l->front);
    return l;
}
