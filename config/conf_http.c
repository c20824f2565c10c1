/* [inet_http_server] and [unix_http_server] into struct http_conf.
 * Source: upstream options.py, server_configs_from_parser, realize. */
#include "config/conf_priv.h"

#include "core/base/alloc.h"

#include <stdlib.h>
#include <string.h>

static int check_login(struct option_source *src, const struct http_conf *h,
                       struct err *err)
{
    if (!h->username == !h->password)
        return 0;
    err_set(err, ERR_CONFIG,
            "Section [%.100s] contains incomplete authentication: If a username or a "
            "password is specified, both the username and password must be specified",
            src->section->name);
    return option_located_only(src, h->username ? "username" : "password", err);
}

static int finish_inet(struct option_source *src, struct http_draft *d, struct err *err)
{
    if (check_login(src, &d->conf, err) < 0)
        return -1;
    if (!d->port) {
        err_set(err, ERR_CONFIG, "section [%.200s] has no port value",
                src->section->name);
        return option_located_only(src, NULL, err);
    }
    if (!d->conf.ssl_certfile != !d->conf.ssl_keyfile) {
        err_set(err, ERR_CONFIG, "ssl_certfile and ssl_keyfile need each other");
        return option_located(src, d->conf.ssl_certfile ? "ssl_certfile" : "ssl_keyfile",
                              err);
    }
    if (!d->conf.ssl_certfile && (d->conf.ssl_client_ca || d->conf.ssl_min_version)) {
        /* Never in the clear by mistake. */
        err_set(err, ERR_CONFIG, "without ssl_certfile and ssl_keyfile it has no effect");
        return option_located(
            src, d->conf.ssl_client_ca ? "ssl_client_ca" : "ssl_min_version", err);
    }
    return 0;
}

static int finish_unix(struct option_source *src, struct http_draft *d, struct err *err)
{
    struct http_conf *h = &d->conf;
    h->is_unix = true;
    h->chmod = 0700;
    if (!h->file) {
        err_set(err, ERR_CONFIG, "section [%.200s] has no file value",
                src->section->name);
        return option_located_only(src, NULL, err);
    }
    if (check_login(src, h, err) < 0)
        return -1;
    if (d->chown) {
        if (value_owner(d->chown, &h->chown_uid, &h->chown_gid, NULL) < 0) {
            err_set(err, ERR_CONFIG, "Invalid sockchown value %.200s", d->chown);
            return option_located(src, "chown", err);
        }
        h->has_chown = true;
    }
    if (d->chmod && value_mode(src->pool, d->chmod, &h->chmod, NULL) < 0) {
        err_set(err, ERR_CONFIG, "Invalid chmod value %.200s", d->chmod);
        return option_located(src, "chmod", err);
    }
    return 0;
}

static void add_listener(struct conf_build *b, const struct http_conf *h)
{
    struct conf *c = b->conf;
    struct http_conf **list =
        pool_alloc(b->pool, (c->http_count + 1) * sizeof(struct http_conf *));
    if (c->http_count > 0)
        memcpy(list, c->http, c->http_count * sizeof(struct http_conf *));
    list[c->http_count] = pool_alloc(b->pool, sizeof *h);
    *list[c->http_count++] = *h;
    c->http = list;
}

struct address_adder {
    struct conf_build *b;
    struct option_source *src;
    struct http_conf conf;
};

static int add_address(void *arg, const char *address)
{
    struct address_adder *a = arg;
    if (value_inet(a->src->pool, address, &a->conf.host, &a->conf.port, a->b->err) < 0)
        return option_located(a->src, "port", a->b->err);
    add_listener(a->b, &a->conf);
    return 0;
}

/* An [inet_http_server] has one address upstream; here it may list several. */
static int add_server(struct conf_build *b, const struct ini_section *s, bool is_unix)
{
    struct option_source src = conf_source(b, s, &b->base_scope);
    const struct option_table *t = is_unix ? &unix_http_options : &inet_http_options;
    struct http_draft d = {0};

    if (option_apply(&src, t->rows, t->count, &d, b->err) < 0)
        return -1;
    if ((is_unix ? finish_unix : finish_inet)(&src, &d, b->err) < 0)
        return -1;
    d.conf.section = pool_str(b->pool, s->name);
    struct address_adder adder = {b, &src, d.conf};
    if (!is_unix && strchr(d.port, ','))
        return value_list_each(d.port, add_address, &adder);
    if (!is_unix)
        return add_address(&adder, d.port);
    add_listener(b, &d.conf);
    return 0;
}

/* What children are told: the unix socket if there is one, else the first address. */
static void set_serverurl(struct conf_build *b)
{
    struct conf *c = b->conf;
    const struct http_conf *best = NULL;
    for (size_t i = 0; i < c->http_count; i++)
        if (!best || (c->http[i]->is_unix && !best->is_unix))
            best = c->http[i];
    if (!best)
        return;
    char *url;
    if (best->is_unix) {
        url = xasprintf("unix://%s", best->file);
    } else {
        bool v6 = strchr(best->host, ':');
        url = xasprintf("%s://%s%s%s:%d", best->ssl_certfile ? "https" : "http",
                        v6 ? "[" : "", best->host[0] ? best->host : "localhost",
                        v6 ? "]" : "", best->port);
    }
    c->serverurl = pool_str(b->pool, url);
    free(url);
}

int conf_build_http(struct conf_build *b)
{
    for (int pass = 0; pass < 2; pass++) {
        const char *kind = pass == 0 ? "inet_http_server" : "unix_http_server";
        for (size_t i = 0; i < b->doc.count; i++)
            if (str_starts(b->doc.sections[i]->name, kind) &&
                add_server(b, b->doc.sections[i], pass == 1) < 0)
                return -1;
    }
    set_serverurl(b);
    return 0;
}
