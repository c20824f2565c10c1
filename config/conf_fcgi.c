/* The socket of an [fcgi-program:x]. Source: upstream options.py, parse_fcgi_socket;
 * datatypes.py, InetStreamSocketConfig and UnixStreamSocketConfig. */
#include "config/conf_priv.h"

#include "config/path.h"
#include "core/base/pytext.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int unix_socket(struct conf_build *b, const struct fcgi_draft *d,
                       struct fcgi_conf *out)
{
    if (d->socket[7] != '/')
        return err_set(b->err, ERR_CONFIG,
                       "Unix socket path %.300s is not an absolute path", d->socket + 7);
    char *path = path_normalize(d->socket + 7);
    out->socket_path = pool_str(b->pool, path);
    free(path);
    /* Without an owner it belongs to the user its programs run as. */
    if (!out->has_owner && d->has_user && d->user.uid != getuid()) {
        out->has_owner = true;
        out->owner_uid = d->user.uid;
        out->owner_gid = d->user.gid;
    }
    if (!out->has_mode) {
        out->has_mode = true;
        out->mode = 0700;
    }
    return 0;
}

static int tcp_socket(struct conf_build *b, const char *text, struct fcgi_conf *out)
{
    const char *host = text + 6, *colon = strchr(host, ':');
    bool ok = colon && colon > host && colon[1] != '\0' &&
              strspn(colon + 1, "0123456789") == strlen(colon + 1);
    for (const char *p = host; ok && p < colon; p++)
        ok = py_space_at(p, (size_t)(colon - p)) == 0;
    if (!ok)
        return err_set(b->err, ERR_CONFIG, "Bad socket format %.300s", text);
    if (value_range(colon + 1, 1, 65535, &out->port, b->err) < 0)
        return -1;
    char *name = span_dup((struct span){host, (size_t)(colon - host)});
    for (char *p = name; *p; p++)
        *p = char_lower(*p);
    out->host = pool_str(b->pool, name);
    free(name);
    return 0;
}

static int any_socket(struct conf_build *b, const struct fcgi_draft *d,
                      struct fcgi_conf *out)
{
    if (str_starts(d->socket, "unix://"))
        return unix_socket(b, d, out);
    if (out->has_owner || out->has_mode)
        return err_set(b->err, ERR_CONFIG,
                       "socket_owner and socket_mode params should only be used with a "
                       "Unix domain socket");
    if (str_starts(d->socket, "tcp://"))
        return tcp_socket(b, d->socket, out);
    return err_set(b->err, ERR_CONFIG, "Bad socket format %.300s", d->socket);
}

static int read_owner_and_mode(const struct option_source *src,
                               const struct fcgi_draft *d, struct fcgi_conf *out,
                               struct err *err)
{
    if (d->owner) {
        if (value_owner(d->owner, &out->owner_uid, &out->owner_gid, NULL) < 0) {
            err_set(err, ERR_CONFIG, "Invalid socket_owner value %.200s", d->owner);
            return option_located(src, "socket_owner", err);
        }
        out->has_owner = true;
    }
    if (d->mode) {
        if (value_mode(src->pool, d->mode, &out->mode, NULL) < 0) {
            err_set(err, ERR_CONFIG, "Invalid socket_mode value %.200s", d->mode);
            return option_located(src, "socket_mode", err);
        }
        out->has_mode = true;
    }
    return 0;
}

int conf_build_fcgi(struct conf_build *b, const struct ini_section *s, const char *name,
                    struct fcgi_conf *out, int *priority)
{
    struct scope scope = {.outer = &b->base_scope};
    struct option_source src = conf_source(b, s, &scope);
    struct fcgi_draft d = {.backlog = -1};
    int rc;

    scope_set_text(&scope, "program_name", name);
    rc = option_apply(&src, fcgi_options.rows, fcgi_options.count, &d, b->err);
    scope_clear(&scope);
    if (rc < 0 || read_owner_and_mode(&src, &d, out, b->err) < 0)
        return -1;
    if (!d.socket || d.socket[0] == '\0') {
        err_set(b->err, ERR_CONFIG, "[%.200s] section requires a \"socket\" line",
                s->name);
        return option_located_only(&src, NULL, b->err);
    }
    out->socket = d.socket;
    out->backlog = d.backlog;
    *priority = d.priority;
    if (any_socket(b, &d, out) < 0) {
        size_t n = strlen(b->err->text);
        snprintf(b->err->text + n, sizeof b->err->text - n, " in [%.200s] socket",
                 s->name);
        return option_located_only(&src, "socket", b->err);
    }
    return 0;
}
