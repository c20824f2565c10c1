/* Rows for [unix_http_server] and [inet_http_server]. The ssl_ options are ours.
 * Source: upstream options.py, server_configs_from_parser. */
#include "config/options.h"

#include "config/path.h"

#include <stdlib.h>

static int set_path(struct pool *pool, const char *text, void *to, struct err *err)
{
    UNUSED(err);
    char *stripped = span_dup(span_trim(span_of(text)));
    char *path = path_normalize(stripped);
    *(char **)to = pool_str(pool, path);
    free(path);
    free(stripped);
    return 0;
}

static int set_tls_version(struct pool *pool, const char *text, void *to, struct err *err)
{
    if (!str_eq(text, "1.2") && !str_eq(text, "1.3"))
        return err_set(err, ERR_CONFIG,
                       "Invalid ssl_min_version value %.100s: 1.2 or 1.3", text);
    return value_text(pool, text, to, err);
}

// clang-format off
#define H(member) offsetof(struct http_draft, member)
#define C(member) offsetof(struct http_draft, conf.member)
static const struct option inet_rows[] = {
    {"username",        value_text,      C(username),        NULL, 0},
    {"password",        value_text,      C(password),        NULL, 0},
    {"port",            value_text,      H(port),            NULL, 0},
    {"ssl_certfile",    set_path,        C(ssl_certfile),    NULL, 0},
    {"ssl_keyfile",     set_path,        C(ssl_keyfile),     NULL, 0},
    {"ssl_client_ca",   set_path,        C(ssl_client_ca),   NULL, 0},
    {"ssl_min_version", set_tls_version, C(ssl_min_version), NULL, 0},
};

static const struct option unix_rows[] = {
    {"file",     set_path,   C(file),     NULL, 0},
    {"username", value_text, C(username), NULL, 0},
    {"password", value_text, C(password), NULL, 0},
    {"chown",    value_text, H(chown),    NULL, 0},
    {"chmod",    value_text, H(chmod),    NULL, 0},
};
// clang-format on

const struct option_table inet_http_options = {inet_rows, array_len(inet_rows)};
const struct option_table unix_http_options = {unix_rows, array_len(unix_rows)};
