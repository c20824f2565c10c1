/* One program's section into its processes: numprocs of them, each with its own
 * expansion. Source: upstream options.py, _processes_from_section. */
#include "config/conf_priv.h"

#include "core/base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* More would only be a slip of the finger; upstream just runs out of memory. */
enum { NUMPROCS_MAX = 100000 };

static int draft_check(const struct option_source *src, struct program_draft *d,
                       struct err *err)
{
    if (value_name(src->pool, d->process_name, &d->process_name, err) < 0)
        return option_located(src, "process_name", err);
    if (d->numprocs > 1 && !strstr(d->process_name, "%(process_num)")) {
        err_set(err, ERR_CONFIG,
                "%%(process_num) must be present within process_name when numprocs > 1");
        return option_located(src, "process_name", err);
    }
    if (d->numprocs > NUMPROCS_MAX) {
        err_set(err, ERR_CONFIG, "numprocs is more than %d", NUMPROCS_MAX);
        return option_located(src, "numprocs", err);
    }
    if (d->killasgroup < 0)
        d->killasgroup = d->common.stopasgroup;
    d->common.killasgroup = d->killasgroup;
    if (d->common.stopasgroup && !d->common.killasgroup) {
        err_set(err, ERR_CONFIG, "Cannot set stopasgroup=true and killasgroup=false");
        return option_located(src, "killasgroup", err);
    }
    return 0;
}

static void warn_log(struct conf_build *b, const char *section, struct channel_conf *c,
                     const char *channel)
{
    if (c->target == LOG_TO_SYSLOG)
        conf_warn(b,
                  xasprintf("For [%s], %s_logfile=syslog but this is deprecated and will "
                            "be removed.  Use %s_syslog=true to enable syslog instead.",
                            section, channel, channel));
    if (c->target == LOG_TO_AUTO && c->logfile_maxbytes == 0)
        conf_warn(b, xasprintf("For [%s], AUTO logging used for %s_logfile without "
                               "rollover, set maxbytes > 0 to avoid filling up "
                               "filesystem unintentionally",
                               section, channel));
}

/* "syslog" as a file's name is the old spelling of stdout_syslog=true. */
static void replace_syslog(struct channel_conf *c)
{
    if (c->target != LOG_TO_SYSLOG)
        return;
    c->target = LOG_TO_NONE;
    c->syslog = true;
}

static void finish_logs(struct conf_build *b, const char *section, struct program_conf *p,
                        bool warn)
{
    if (warn) {
        warn_log(b, section, &p->out, "stdout");
        warn_log(b, section, &p->err, "stderr");
    }
    replace_syslog(&p->out);
    replace_syslog(&p->err);
    if (!p->redirect_stderr)
        return;
    if (warn && p->err.target == LOG_TO_FILE)
        conf_warn(b,
                  xasprintf("For [%s], redirect_stderr=true but stderr_logfile has also "
                            "been set to a filename, the filename has been ignored",
                            section));
    p->err.target = LOG_TO_NONE;
    p->err.logfile = NULL;
}

/* Upstream adds [supervisord]'s environment under the program's own when all is read. */
static void merge_environment(struct conf_build *b, struct program_conf *p)
{
    const struct env_conf *base = &b->conf->server.environment, *own = &p->environment;
    size_t n = base->keys.len;
    if (own->keys.len == 0) {
        p->environment = *base;
        return;
    }
    if (n == 0)
        return;
    char **keys = xreallocarray(NULL, n + own->keys.len, sizeof *keys);
    char **values = xreallocarray(NULL, n + own->keys.len, sizeof *values);
    memcpy(keys, base->keys.items, n * sizeof *keys);
    memcpy(values, base->values.items, n * sizeof *values);
    for (size_t i = 0; i < own->keys.len; i++) {
        size_t at = 0;
        while (at < n && !str_eq(keys[at], own->keys.items[i]))
            at++;
        keys[at] = own->keys.items[i];
        values[at] = own->values.items[i];
        n += at == n;
    }
    p->environment.keys = (struct strv){pool_blob(b->pool, keys, n * sizeof *keys), n, n};
    p->environment.values =
        (struct strv){pool_blob(b->pool, values, n * sizeof *values), n, n};
    free(keys);
    free(values);
}

/* The process's own environment, expanded before it is split; it then joins the scope. */
static int read_environment(const struct option_source *src,
                            const struct program_draft *d, struct scope *scope,
                            struct env_conf *out, struct err *err)
{
    char *text = expand(d->environment, scope, "environment", NULL, err);
    int rc = text ? value_pairs(src->pool, text, out, err) : -1;
    free(text);
    if (rc < 0)
        return option_located(src, "environment", err);
    scope->env_keys = &out->keys;
    scope->env_values = &out->values;
    return 0;
}

static int make_process(struct conf_build *b, const struct option_source *section_src,
                        const struct program_draft *d, struct scope *scope, bool first,
                        struct program_conf **out)
{
    struct option_source src = *section_src;
    struct program_conf *p = pool_alloc(b->pool, sizeof *p);
    src.scope = scope;
    src.warnings = first ? src.warnings : NULL;
    *p = d->common;
    if (read_environment(&src, d, scope, &p->environment, b->err) < 0 ||
        option_apply(&src, process_options.rows, process_options.count, p, b->err) < 0)
        return -1;
    if (!p->command) {
        err_set(b->err, ERR_CONFIG, "program section %.100s does not specify a command",
                src.section->name);
        return option_located(&src, NULL, b->err);
    }
    finish_logs(b, src.section->name, p, first);
    char *name = expand(d->process_name, scope, "process_name", NULL, b->err);
    if (!name)
        return option_located(&src, "process_name", b->err);
    p->name = pool_str(b->pool, name);
    free(name);
    merge_environment(b, p);
    *out = p;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const struct program_conf *const *pa = a, *const *pb = b;
    return strcmp((*pa)->name, (*pb)->name);
}

static void list_push(struct process_list *list, struct program_conf *p)
{
    if (list->count == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 4;
        list->items = xreallocarray(list->items, list->cap, sizeof *list->items);
    }
    list->items[list->count++] = p;
}

static int make_all(struct conf_build *b, const struct option_source *src,
                    const struct program_draft *d, struct process_list *list)
{
    size_t begin = list->count;
    for (int i = 0; i < d->numprocs; i++) {
        struct scope scope = {.outer = src->scope};
        struct program_conf *p = NULL;
        scope_set_number(&scope, "process_num", (long)d->numprocs_start + i);
        scope_set_number(&scope, "numprocs", d->numprocs);
        int rc = make_process(b, src, d, &scope, i == 0, &p);
        scope_clear(&scope);
        if (rc < 0)
            return -1;
        list_push(list, p);
    }
    if (list->count > begin)
        qsort(list->items + begin, list->count - begin, sizeof *list->items, by_name);
    return 0;
}

int conf_build_processes(struct conf_build *b, const struct ini_section *s,
                         const char *group, struct process_list *list)
{
    struct program_draft d = {.killasgroup = -1};
    struct scope scope = {.outer = &b->base_scope};
    struct option_source src = conf_source(b, s, &scope);
    int rc;

    d.common.umask = -1;
    d.common.file = ini_file_name(&b->doc, s->file);
    d.common.file = pool_str(b->pool, d.common.file);
    d.common.line = s->line;
    if (value_name(b->pool, strchr(s->name, ':') + 1, &d.common.program, b->err) < 0)
        return option_located(&src, NULL, b->err);
    scope_set_text(&scope, "program_name", d.common.program);
    scope_set_text(&scope, "host_node_name", b->node);
    scope_set_text(&scope, "group_name", group);
    rc = option_apply(&src, program_options.rows, program_options.count, &d, b->err);
    if (rc == 0)
        rc = draft_check(&src, &d, b->err);
    if (rc == 0)
        rc = make_all(b, &src, &d, list);
    scope_clear(&scope);
    return rc;
}
