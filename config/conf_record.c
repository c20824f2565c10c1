#include "config/conf_record.h"

#include "config/conf_load.h"
#include "config/conf_priv.h"
#include "core/base/alloc.h"
#include "core/base/num.h"

#include <stdlib.h>
#include <string.h>

enum kind { INT, UINT, TEXT, TEXTS, INTS };

struct field {
    const char *key;
    enum kind kind;
    size_t where, size; /* size: of a number */
    size_t count_where; /* INTS: of the size_t that counts them */
};

#define N(kind, s, key, member)                                                          \
    {                                                                                    \
        key, kind, offsetof(struct s, member), sizeof(((struct s *)0)->member), 0        \
    }
#define I(s, key, member) N(INT, s, key, member)
#define U(s, key, member) N(UINT, s, key, member)
#define T(s, key, member) N(TEXT, s, key, member)
#define V(s, key, member) N(TEXTS, s, key, member)

// clang-format off
static const struct field conf_fields[] = {
    T(conf, "path", path), T(conf, "here", here), T(conf, "serverurl", serverurl),
    V(conf, "includes", includes),
};

static const struct field server_fields[] = {
    T(server_conf, "logfile", logfile), I(server_conf, "logfile_maxbytes", logfile_maxbytes),
    I(server_conf, "logfile_backups", logfile_backups), I(server_conf, "loglevel", loglevel),
    T(server_conf, "pidfile", pidfile), U(server_conf, "umask", umask),
    U(server_conf, "nodaemon", nodaemon), U(server_conf, "silent", silent),
    U(server_conf, "nocleanup", nocleanup), U(server_conf, "strip_ansi", strip_ansi),
    I(server_conf, "minfds", minfds), I(server_conf, "minprocs", minprocs),
    T(server_conf, "childlogdir", childlogdir), U(server_conf, "has_user", has_user),
    U(server_conf, "uid", uid), U(server_conf, "gid", gid), T(server_conf, "user", user),
    T(server_conf, "directory", directory), T(server_conf, "identifier", identifier),
    U(server_conf, "keeper", keeper), U(server_conf, "adopt", adopt),
    T(server_conf, "statefile", statefile),
    U(server_conf, "on_supervisor_death", on_supervisor_death),
    V(server_conf, "env_keys", environment.keys),
    V(server_conf, "env_values", environment.values),
};

static const struct field http_fields[] = {
    U(http_conf, "is_unix", is_unix), T(http_conf, "file", file), U(http_conf, "chmod", chmod),
    U(http_conf, "has_chown", has_chown), U(http_conf, "chown_uid", chown_uid),
    U(http_conf, "chown_gid", chown_gid), T(http_conf, "host", host), I(http_conf, "port", port),
    T(http_conf, "username", username), T(http_conf, "password", password),
    T(http_conf, "ssl_certfile", ssl_certfile), T(http_conf, "ssl_keyfile", ssl_keyfile),
    T(http_conf, "ssl_client_ca", ssl_client_ca),
    T(http_conf, "ssl_min_version", ssl_min_version), T(http_conf, "section", section),
};

static const struct field group_fields[] = {
    T(group_conf, "name", name), I(group_conf, "priority", priority), U(group_conf, "kind", kind),
    I(group_conf, "buffer_size", listener.buffer_size),
    I(group_conf, "listener_timeout", listener.listener_timeout),
    { "events", INTS, offsetof(struct group_conf, listener.events), 0,
      offsetof(struct group_conf, listener.event_count) },
    T(group_conf, "result_handler", listener.result_handler),
    T(group_conf, "socket", fcgi.socket), T(group_conf, "socket_path", fcgi.socket_path),
    T(group_conf, "host", fcgi.host), I(group_conf, "port", fcgi.port),
    U(group_conf, "has_owner", fcgi.has_owner), U(group_conf, "owner_uid", fcgi.owner_uid),
    U(group_conf, "owner_gid", fcgi.owner_gid), U(group_conf, "has_mode", fcgi.has_mode),
    U(group_conf, "mode", fcgi.mode), I(group_conf, "backlog", fcgi.backlog),
};

#define CHANNEL(prefix, ch)                                                              \
    U(program_conf, prefix "_target", ch.target), T(program_conf, prefix "_logfile", ch.logfile), \
    I(program_conf, prefix "_logfile_maxbytes", ch.logfile_maxbytes),                    \
    I(program_conf, prefix "_logfile_backups", ch.logfile_backups),                      \
    I(program_conf, prefix "_capture_maxbytes", ch.capture_maxbytes),                    \
    U(program_conf, prefix "_events_enabled", ch.events_enabled),                        \
    U(program_conf, prefix "_syslog", ch.syslog)

static const struct field program_fields[] = {
    T(program_conf, "program", program), T(program_conf, "name", name),
    T(program_conf, "command", command), T(program_conf, "directory", directory),
    I(program_conf, "umask", umask), I(program_conf, "priority", priority),
    U(program_conf, "autostart", autostart), U(program_conf, "autorestart", autorestart),
    I(program_conf, "startsecs", startsecs), I(program_conf, "startretries", startretries),
    { "exitcodes", INTS, offsetof(struct program_conf, exitcodes), 0,
      offsetof(struct program_conf, exitcode_count) },
    I(program_conf, "stopsignal", stopsignal), I(program_conf, "stopwaitsecs", stopwaitsecs),
    U(program_conf, "stopasgroup", stopasgroup), U(program_conf, "killasgroup", killasgroup),
    U(program_conf, "redirect_stderr", redirect_stderr),
    CHANNEL("stdout", out), CHANNEL("stderr", err),
    U(program_conf, "has_uid", has_uid), U(program_conf, "uid", uid), T(program_conf, "user", user),
    V(program_conf, "env_keys", environment.keys),
    V(program_conf, "env_values", environment.values),
    T(program_conf, "serverurl", serverurl), T(program_conf, "file", file),
    I(program_conf, "line", line),
};
// clang-format on

/* --- saving ------------------------------------------------------------------------ */

/* A number of 1, 2, 4 or 8 bytes at p. */
static int64_t load_number(const char *p, size_t size, bool is_signed)
{
    uint64_t v = 0;
    memcpy(&v, p, size); /* little-endian, as all targets are; checked below */
    if (is_signed && size < 8 && (v >> (size * 8 - 1) & 1))
        v |= ~UINT64_C(0) << (size * 8);
    return (int64_t)v;
}

static void store_number(char *p, size_t size, int64_t v)
{
    memcpy(p, &v, size);
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "load_number and store_number take the low bytes");

/* A list with a piece missing would be a damaged record to whoever reads it. */
static void put_list(struct record_writer *w, const char *key, struct buf *text,
                     bool is_whole)
{
    if (is_whole)
        record_put(w, key, buf_data(text), text->len);
    else
        w->failed = true;
    buf_wipe(text);
}

/* Items as LEN:BYTES one after the other. */
static void save_texts(struct record_writer *w, const char *key, const struct strv *v)
{
    struct buf text;
    bool is_whole = true;
    buf_init(&text, BUF_NO_LIMIT);
    for (size_t i = 0; i < v->len && is_whole; i++)
        is_whole = buf_put_uint(&text, strlen(v->items[i])) == 0 &&
                   buf_putc(&text, ':') == 0 && buf_puts(&text, v->items[i]) == 0;
    put_list(w, key, &text, is_whole);
}

static void save_ints(struct record_writer *w, const char *key, const int *list, size_t n)
{
    struct buf text;
    bool is_whole = true;
    buf_init(&text, BUF_NO_LIMIT);
    for (size_t i = 0; i < n && is_whole; i++)
        is_whole = buf_put_int(&text, list[i]) == 0 && buf_putc(&text, ',') == 0;
    put_list(w, key, &text, is_whole);
}

static void save_field(struct record_writer *w, const struct field *f, const char *from)
{
    const char *p = from + f->where;
    int64_t v;
    switch (f->kind) {
    case INT:
        record_put_int(w, f->key, load_number(p, f->size, true));
        return;
    case UINT: /* mostly switches that are off: a missing one is zero */
        v = load_number(p, f->size, false);
        if (v != 0)
            record_put_int(w, f->key, v);
        return;
    case TEXT:
        record_put_str(w, f->key, *(const char *const *)(const void *)p);
        return;
    case TEXTS:
        if (((const struct strv *)(const void *)p)->len > 0)
            save_texts(w, f->key, (const struct strv *)(const void *)p);
        return;
    case INTS:
        save_ints(w, f->key, *(int *const *)(const void *)p,
                  *(const size_t *)(const void *)(from + f->count_where));
        return;
    }
}

static void save_object(struct record_writer *w, const char *type,
                        const struct field *fields, size_t n, const void *from)
{
    record_begin(w, type);
    for (size_t i = 0; i < n; i++)
        save_field(w, &fields[i], from);
    record_end(w);
}

void conf_save(const struct conf *c, struct record_writer *w)
{
    save_object(w, "conf", conf_fields, array_len(conf_fields), c);
    save_object(w, "server", server_fields, array_len(server_fields), &c->server);
    for (size_t i = 0; i < c->http_count; i++)
        save_object(w, "http", http_fields, array_len(http_fields), c->http[i]);
    for (size_t i = 0; i < c->group_count; i++) {
        const struct group_conf *g = c->groups[i];
        save_object(w, "group", group_fields, array_len(group_fields), g);
        for (size_t k = 0; k < g->process_count; k++)
            save_object(w, "process", program_fields, array_len(program_fields),
                        g->processes[k]);
    }
}

/* --- restoring --------------------------------------------------------------------- */

struct restoring {
    struct conf *conf;
    struct pool *pool;
    struct record_reader r;
};

static bool take_text(struct span *rest, struct span *item)
{
    size_t n = 0;
    while (rest->len > 0 && *rest->ptr >= '0' && *rest->ptr <= '9') {
        n = n * 10 + (size_t)(*rest->ptr++ - '0');
        rest->len--;
        if (n > rest->len)
            return false;
    }
    if (rest->len == 0 || *rest->ptr != ':' || n > rest->len - 1)
        return false;
    *item = (struct span){rest->ptr + 1, n};
    rest->ptr += n + 1;
    rest->len -= n + 1;
    return true;
}

static int restore_texts(struct restoring *b, struct span value, struct strv *out)
{
    struct strv list = {0};
    struct span item;
    while (value.len > 0) {
        if (!take_text(&value, &item)) {
            strv_free(&list);
            return -1;
        }
        strv_take(&list, span_dup(item));
    }
    *out = (struct strv){0};
    out->items = pool_alloc(b->pool, (list.len + 1) * sizeof(char *));
    for (; out->len < list.len; out->len++)
        out->items[out->len] = pool_str(b->pool, list.items[out->len]);
    strv_free(&list);
    return 0;
}

static int restore_ints(struct restoring *b, struct span value, int **list, size_t *count)
{
    struct span item;
    size_t n = 0;
    int *out =
        pool_alloc(b->pool, (value.len + 1) * sizeof(int)); /* enough in any case */
    while (value.len > 0 && span_split(&value, ',', &item) && item.len > 0) {
        char text[24] = "";
        int64_t v;
        if (item.len >= sizeof text)
            return -1;
        memcpy(text, item.ptr, item.len);
        if (parse_int(text, INT32_MIN, INT32_MAX, &v) < 0)
            return -1;
        out[n++] = (int)v;
    }
    *list = out;
    *count = n;
    return 0;
}

static int restore_field(struct restoring *b, const struct field *f, struct span value,
                         char *to)
{
    char *p = to + f->where;
    if (f->kind == TEXTS)
        return restore_texts(b, value, (struct strv *)(void *)p);
    if (f->kind == INTS)
        return restore_ints(b, value, (int **)(void *)p,
                            (size_t *)(void *)(to + f->count_where));
    char room[256], *text = value.len < sizeof room ? room : span_dup(value);
    int64_t v = 0;
    int rc = 0;
    if (text == room) {
        memcpy(room, value.ptr, value.len);
        room[value.len] = '\0';
    }
    if (f->kind == TEXT)
        *(char **)(void *)p = pool_str(b->pool, text);
    else if ((rc = parse_int(text, INT64_MIN, INT64_MAX, &v)) == 0)
        store_number(p, f->size, f->size == sizeof(bool) ? v != 0 : v);
    if (text != room)
        free(text);
    return rc;
}

/* They come in the order of the table: the row is found at once. NULL: a later version's.
 */
static const struct field *next_field(const struct field *fields, size_t n, size_t *at,
                                      struct span key)
{
    for (size_t tried = 0; tried < n; tried++) {
        const struct field *f = &fields[*at];
        *at = *at + 1 < n ? *at + 1 : 0;
        if (strncmp(f->key, key.ptr, key.len) == 0 && f->key[key.len] == '\0')
            return f;
    }
    return NULL;
}

static int restore_object(struct restoring *b, const struct field *fields, size_t n,
                          void *to)
{
    size_t at = 0;
    for (size_t i = 0; i < b->r.count; i++) {
        const struct field *f = next_field(fields, n, &at, b->r.fields[i].key);
        if (f && restore_field(b, f, b->r.fields[i].value, to) < 0)
            return -1;
    }
    return 0;
}

/* Appends to an array in the pool that doubles: the old ones are left in it. */
static void pool_push(struct pool *pool, void ***items, size_t *count, void *item)
{
    if ((*count & (*count - 1)) == 0) {
        void **more = pool_alloc(pool, (*count ? *count * 2 : 1) * sizeof(void *));
        if (*count)
            memcpy(more, *items, *count * sizeof(void *));
        *items = more;
    }
    (*items)[(*count)++] = item;
}

static int restore_http(struct restoring *b)
{
    struct http_conf *h = pool_alloc(b->pool, sizeof *h);
    pool_push(b->pool, (void ***)(void *)&b->conf->http, &b->conf->http_count, h);
    return restore_object(b, http_fields, array_len(http_fields), h);
}

static int restore_group(struct restoring *b)
{
    struct group_conf *g = pool_alloc(b->pool, sizeof *g);
    pool_push(b->pool, (void ***)(void *)&b->conf->groups, &b->conf->group_count, g);
    return restore_object(b, group_fields, array_len(group_fields), g);
}

static int restore_process(struct restoring *b)
{
    if (b->conf->group_count == 0)
        return -1;
    struct group_conf *g = b->conf->groups[b->conf->group_count - 1];
    struct program_conf *p = pool_alloc(b->pool, sizeof *p);
    p->umask = -1;
    pool_push(b->pool, (void ***)(void *)&g->processes, &g->process_count, p);
    return restore_object(b, program_fields, array_len(program_fields), p);
}

static int restore_conf(struct restoring *b)
{
    struct strv includes = b->conf->includes;
    int rc = restore_object(b, conf_fields, array_len(conf_fields), b->conf);
    struct strv in_pool = b->conf->includes; /* the one vector that conf_unref frees */
    b->conf->includes = includes;
    strv_copy(&b->conf->includes, &in_pool);
    return rc;
}

static int restore_server(struct restoring *b)
{
    return restore_object(b, server_fields, array_len(server_fields), &b->conf->server);
}

static const struct {
    const char *type;
    int (*restore)(struct restoring *b);
} types[] = {
    {"conf", restore_conf},   {"server", restore_server},   {"http", restore_http},
    {"group", restore_group}, {"process", restore_process},
};

static int restore_any(struct restoring *b)
{
    for (size_t i = 0; i < array_len(types); i++)
        if (record_is(&b->r, types[i].type))
            return types[i].restore(b);
    return 0; /* of a later version */
}

/* Names are looked at by everybody: a configuration without them is none. */
static bool is_whole(const struct conf *c)
{
    for (size_t i = 0; i < c->group_count; i++) {
        const struct group_conf *g = c->groups[i];
        if (!g->name)
            return false;
        for (size_t k = 0; k < g->process_count; k++)
            if (!g->processes[k]->name || !g->processes[k]->command)
                return false;
    }
    return c->path && c->server.identifier && c->server.childlogdir && c->server.pidfile;
}

struct conf *conf_restore(const char *data, size_t n, struct err *err)
{
    struct restoring b;
    int rc;
    b.conf = conf_alloc(&b.pool);
    record_open(&b.r, data, n);
    while ((rc = record_next(&b.r)) == 1)
        if (restore_any(&b) < 0) {
            rc = -1;
            break;
        }
    pool_seal(b.pool);
    if (rc == 0 && is_whole(b.conf))
        return b.conf;
    err_set(err, ERR_SYNTAX, "the saved configuration is damaged");
    conf_unref(b.conf);
    return NULL;
}
