/* From a file to a struct conf: reading and includes, [supervisord] with what the command
 * line says over it, then groups and servers, and at last the names nobody knows. The
 * order is upstream's, since it decides which of several faults is reported.
 * Source: upstream options.py, ServerOptions.read_config and realize. */
#include "config/conf_load.h"

#include "config/conf_priv.h"
#include "config/include.h"
#include "config/path.h"
#include "core/base/pytext.h"
#include "core/base/alloc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

extern char **environ;

struct conf_owner { /* a configuration with the memory it lies in */
    struct conf conf;
    struct pool *pool;
};

struct option_source conf_source(struct conf_build *b, const struct ini_section *s,
                                 const struct scope *scope)
{
    return (struct option_source){&b->doc, s, scope, b->pool, &b->conf->warnings};
}

void conf_warn(struct conf_build *b, char *text)
{
    strv_take(&b->conf->warnings, text);
}

struct conf *conf_alloc(struct pool **pool)
{
    struct conf_owner *owner = xcalloc(1, sizeof *owner);

    *pool = owner->pool = pool_new();
    owner->conf.refs = 1;
    return &owner->conf;
}

static void build_init(struct conf_build *b, const char *path, struct err *err)
{
    struct utsname host;

    *b = (struct conf_build){.err = err};
    b->conf = conf_alloc(&b->pool);
    ini_doc_init(&b->doc);
    b->node = pool_str(b->pool, uname(&host) == 0 ? host.nodename : "");
    char *whole = path_absolute(path ? path : ".");
    char *here = path ? path_dirname(whole) : xstrdup(whole);
    b->conf->path = path ? pool_str(b->pool, whole) : NULL;
    b->conf->here = pool_str(b->pool, here);
    free(here);
    free(whole);

    b->environ_scope.environ = environ;
    b->here_scope.outer = &b->environ_scope;
    scope_set_text(&b->here_scope, "here", b->conf->here);
    b->include_scope.outer = &b->here_scope;
    scope_set_text(&b->include_scope, "host_node_name", b->node);
    b->server_env_scope.outer = &b->environ_scope;
    b->base_scope.outer = &b->server_env_scope;
    scope_set_text(&b->base_scope, "here", b->conf->here);
}

/* The finished configuration, or NULL after a fault. */
static struct conf *build_end(struct conf_build *b, int rc)
{
    struct conf *c = b->conf;
    ini_doc_free(&b->doc);
    scope_clear(&b->here_scope);
    scope_clear(&b->include_scope);
    scope_clear(&b->base_scope);
    pool_seal(b->pool);
    if (rc == 0)
        return c;
    conf_unref(c);
    return NULL;
}

/* ---- [include] ---- */

static int include_file(struct conf_build *b, const char *path)
{
    if (access(path, R_OK) < 0 || path_is_dir(path)) {
        conf_warn(b, xasprintf("cannot read included file %s", path));
        return 0;
    }
    strv_push(&b->conf->includes, path);
    if (ini_doc_load(&b->doc, path, b->err) < 0)
        return -1;
    char *dir = path_dirname(path);
    char *here = path_absolute(dir);
    ini_doc_expand_here(&b->doc, here);
    free(here);
    free(dir);
    return 0;
}

static int include_pattern(struct conf_build *b, const char *pattern)
{
    char *whole = path_join(b->conf->here, pattern);
    struct strv found = {0};
    int rc = 0;
    include_glob(whole, &found);
    if (found.len == 0)
        conf_warn(b, xasprintf("No file matches via include \"%s\"", whole));
    for (size_t i = 0; rc == 0 && i < found.len; i++)
        rc = include_file(b, found.items[i]);
    strv_free(&found);
    free(whole);
    return rc;
}

static int read_includes(struct conf_build *b)
{
    const struct ini_section *s = ini_section_find(&b->doc, "include");
    if (!s)
        return 0;
    ini_doc_expand_here(&b->doc, b->conf->here);
    const struct ini_entry *e = ini_find(&b->doc, s, "files");
    struct option_source src = conf_source(b, s, &b->include_scope);
    if (!e) {
        err_set(b->err, ERR_CONFIG,
                ".ini file has [include] section, but no files setting");
        return option_located_only(&src, NULL, b->err);
    }
    char *files = option_text(&src, "files", NULL, false, b->err);
    if (!files)
        return -1;
    struct span rest = span_of(files), word;
    int rc = 0;
    while (rc == 0 && py_word(&rest, &word)) {
        char *pattern = span_dup(word);
        rc = include_pattern(b, pattern);
        free(pattern);
    }
    free(files);
    return rc;
}

static void warn_nested_include(struct conf_build *b)
{
    const struct ini_section *s = ini_section_find(&b->doc, "include");
    for (size_t i = 0; s && i < s->count; i++)
        if (s->entries[i]->file > 0)
            conf_warn(b, xasprintf("%s:%d: an [include] in an included file is not read",
                                   ini_file_name(&b->doc, s->entries[i]->file),
                                   s->entries[i]->line));
}

/* ---- [supervisord] and the command line ---- */

static int apply_override(struct conf_build *b, const char *name, const char *text)
{
    for (size_t i = 0; i < server_options.count; i++) {
        const struct option *row = &server_options.rows[i];
        if (!str_eq(row->name, name))
            continue;
        if (row->parse(b->pool, text, (char *)&b->conf->server + row->where, b->err) == 0)
            return 0;
        char *shown = py_repr(span_of(text));
        err_wrap(b->err, "invalid value for --%s %s", name, shown);
        b->err->code = ERR_USAGE;
        free(shown);
        return -1;
    }
    return 0;
}

static int apply_overrides(struct conf_build *b, const struct conf_overrides *over)
{
    struct server_conf *s = &b->conf->server;
    const struct {
        const char *name, *text;
    } given[] = {
        {"umask", over->umask},
        {"directory", over->directory},
        {"logfile", over->logfile},
        {"logfile_maxbytes", over->logfile_maxbytes},
        {"logfile_backups", over->logfile_backups},
        {"loglevel", over->loglevel},
        {"pidfile", over->pidfile},
        {"identifier", over->identifier},
        {"childlogdir", over->childlogdir},
        {"minfds", over->minfds},
        {"minprocs", over->minprocs},
        {"user", over->user},
    };
    for (size_t i = 0; i < array_len(given); i++)
        if (given[i].text && apply_override(b, given[i].name, given[i].text) < 0)
            return -1;
    s->nodaemon |= over->nodaemon;
    s->silent |= over->silent;
    s->nocleanup |= over->nocleanup;
    s->strip_ansi |= over->strip_ansi;
    return 0;
}

static int read_server_environment(struct conf_build *b, const struct option_source *src)
{
    struct env_conf *env = &b->conf->server.environment;
    const struct ini_entry *e = ini_find(&b->doc, src->section, "environment");
    char *text =
        expand(e ? e->value : "", &b->include_scope, "environment", NULL, b->err);
    int rc = text ? value_pairs(b->pool, text, env, b->err) : -1;
    free(text);
    if (rc < 0)
        return option_located(src, "environment", b->err);
    b->server_env_scope.env_keys = &env->keys;
    b->server_env_scope.env_values = &env->values;
    return 0;
}

static int find_server_user(struct conf_build *b, const struct option_source *src,
                            bool from_file)
{
    struct server_conf *s = &b->conf->server;
    struct value_user user;
    if (!s->user)
        return 0;
    if (value_user(b->pool, s->user, &user, b->err) < 0)
        return from_file ? option_located(src, "user", b->err) : -1;
    s->has_user = true;
    s->uid = user.uid;
    s->gid = user.gid;
    s->user = user.name;
    return 0;
}

static int read_server(struct conf_build *b, const struct option_source *src,
                       const struct conf_overrides *over)
{
    struct server_conf *s = &b->conf->server;
    if (option_apply(src, server_options.rows, server_options.count, s, b->err) < 0 ||
        read_server_environment(b, src) < 0 || apply_overrides(b, over) < 0)
        return -1;
    if (!s->childlogdir) {
        char *dir = path_temp_dir();
        s->childlogdir = pool_str(b->pool, dir);
        free(dir);
    }
    return 0;
}

/* ---- plug-ins: upstream imports Python code for these ---- */

static int check_rpcinterfaces(struct conf_build *b)
{
    static const char factory_key[] = "supervisor.rpcinterface_factory";
    for (size_t i = 0; i < b->doc.count; i++) {
        const struct ini_section *s = b->doc.sections[i];
        struct option_source src = conf_source(b, s, &b->base_scope);
        if (!str_starts(s->name, "rpcinterface:"))
            continue;
        char *factory = option_text(&src, factory_key, NULL, false, b->err);
        if (!factory && b->err->code != ERR_NONE)
            return -1;
        if (!factory) {
            err_set(b->err, ERR_CONFIG, "section [%.200s] does not specify a %s", s->name,
                    factory_key);
            return option_located_only(&src, NULL, b->err);
        }
        bool known = str_eq(factory, "supervisor.rpcinterface:make_main_rpcinterface");
        if (!known)
            err_set(
                b->err, ERR_CONFIG,
                "%.200s cannot be resolved within [%.200s]: No module named '%.*s', "
                "since no Python is run here; use "
                "supervisor.rpcinterface:make_main_rpcinterface, which is built in, or "
                "take the section out",
                factory, s->name, (int)strcspn(factory, ":"), factory);
        free(factory);
        if (!known)
            return option_located_only(&src, factory_key, b->err);
    }
    return 0;
}

/* ---- names nobody knows ---- */

struct section_kind {
    const char *name; /* ends in ':' where a name follows */
    bool any_suffix;  /* upstream takes whatever begins so */
    const struct option_table *tables[3];
};

static const struct section_kind kinds[] = {
    {"supervisord", false, {&server_options}},
    {"supervisorctl", false, {&ctl_options}},
    {"include", false, {&include_options}},
    {"unix_http_server", true, {&unix_http_options}},
    {"inet_http_server", true, {&inet_http_options}},
    {"program:", true, {&program_options, &process_options}},
    {"eventlistener:", true, {&program_options, &process_options, &listener_options}},
    {"fcgi-program:", true, {&program_options, &process_options, &fcgi_options}},
    {"group:", true, {&group_options}},
    {"rpcinterface:", true, {&rpcinterface_options}},
    {"ctlplugin:", true, {NULL}}, /* its keys belong to the plug-in */
};

static const struct section_kind *kind_of(const char *name)
{
    for (size_t i = 0; i < array_len(kinds); i++)
        if (kinds[i].any_suffix ? str_starts(name, kinds[i].name)
                                : str_eq(name, kinds[i].name))
            return &kinds[i];
    return NULL;
}

static void warn_unknown_section(struct conf_build *b, const struct ini_section *s)
{
    struct option_nearest nearest = {0};
    char *word = xstrndup(s->name, strcspn(s->name, ":"));
    for (size_t i = 0; i < array_len(kinds); i++) {
        char *name = xstrndup(kinds[i].name, strcspn(kinds[i].name, ":"));
        const char *before = nearest.best;
        option_nearest_try(&nearest, word, name);
        if (nearest.best != before)
            nearest.best = kinds[i].name;
        free(name);
    }
    conf_warn(b, xasprintf("%s:%d: unknown section [%.200s]%s%s%s",
                           ini_file_name(&b->doc, s->file), s->line, s->name,
                           nearest.best ? "; did you mean [" : "",
                           nearest.best ? nearest.best : "",
                           !nearest.best                 ? ""
                           : str_ends(nearest.best, ":") ? "NAME]?"
                                                         : "]?"));
    free(word);
}

static void warn_unknown(struct conf_build *b)
{
    for (size_t i = 0; i < b->doc.count; i++) {
        const struct ini_section *s = b->doc.sections[i];
        const struct section_kind *kind = kind_of(s->name);
        struct option_table tables[array_len(kind->tables)];
        struct option_source src = conf_source(b, s, NULL);
        size_t n = 0;
        if (!kind) {
            warn_unknown_section(b, s);
            continue;
        }
        for (; n < array_len(tables) && kind->tables[n]; n++)
            tables[n] = *kind->tables[n];
        if (n > 0)
            option_warn_unknown(&src, tables, n);
    }
}

/* ---- the whole ---- */

static int build_server(struct conf_build *b, const char *path,
                        const struct conf_overrides *over)
{
    /* What the command line says is judged before the file, then said again over it. */
    if (apply_overrides(b, over) < 0)
        return -1;
    b->conf->server = (struct server_conf){0};
    if (ini_doc_load(&b->doc, path, b->err) < 0 || read_includes(b) < 0)
        return -1;
    const struct ini_section *s = ini_section_find(&b->doc, "supervisord");
    if (!s)
        return err_set(b->err, ERR_CONFIG,
                       ".ini file does not include supervisord section (file: '%.300s')",
                       path);
    struct option_source src = conf_source(b, s, &b->here_scope);
    if (read_server(b, &src, over) < 0 || check_rpcinterfaces(b) < 0 ||
        conf_build_groups(b) < 0 || conf_build_http(b) < 0 ||
        find_server_user(b, &src, !over->user) < 0)
        return -1;
    b->conf->has_ctl_section = ini_section_find(&b->doc, "supervisorctl") != NULL;
    warn_nested_include(b);
    warn_unknown(b);
    return 0;
}

struct conf *conf_load(const char *path, const struct conf_overrides *over,
                       struct err *err)
{
    static const struct conf_overrides nothing;
    struct conf_build b;
    struct err fault = {0};

    build_init(&b, path, &fault);
    struct conf *c = build_end(&b, build_server(&b, path, over ? over : &nothing));
    if (!c && err)
        *err = fault;
    return c;
}

static int build_ctl(struct conf_build *b, const char *path)
{
    if (path && ini_doc_load(&b->doc, path, b->err) < 0)
        return -1;
    const struct ini_section *s = ini_section_find(&b->doc, "supervisorctl");
    static char name[] = "supervisorctl";
    const struct ini_section nothing = {.name = name};
    if (path && !s)
        return err_set(
            b->err, ERR_CONFIG,
            ".ini file does not include supervisorctl section (file: '%.300s')", path);
    struct option_source src = conf_source(b, s ? s : &nothing, &b->here_scope);
    if (option_apply(&src, ctl_options.rows, ctl_options.count, &b->conf->ctl, b->err) <
        0)
        return -1;
    b->conf->has_ctl_section = s != NULL;
    if (s)
        option_warn_unknown(&src, &ctl_options, 1);
    for (size_t i = 0; i < b->doc.count; i++)
        if (str_starts(b->doc.sections[i]->name, "ctlplugin:"))
            conf_warn(b,
                      xasprintf("%s:%d: [%s] is passed over: no Python is run here", path,
                                b->doc.sections[i]->line, b->doc.sections[i]->name));
    return 0;
}

struct conf *conf_load_ctl(const char *path, struct err *err)
{
    struct conf_build b;
    struct err fault = {0};

    build_init(&b, path, &fault);
    struct conf *c = build_end(&b, build_ctl(&b, path));
    if (!c && err)
        *err = fault;
    return c;
}

struct conf *conf_ref(struct conf *c)
{
    c->refs++;
    return c;
}

void conf_unref(struct conf *c)
{
    if (!c || --c->refs > 0)
        return;
    struct conf_owner *owner = container_of(c, struct conf_owner, conf);
    strv_free(&c->includes);
    strv_free(&c->warnings);
    pool_free(owner->pool);
    free(owner);
}

const struct group_conf *conf_find_group(const struct conf *c, const char *name)
{
    for (size_t i = 0; i < c->group_count; i++)
        if (str_eq(c->groups[i]->name, name))
            return c->groups[i];
    return NULL;
}
