/* Sections into groups: [group:x] first, then programs, listeners and fcgi-programs that
 * no group took; at last everything by priority and name.
 * Source: upstream options.py, process_groups_from_parser. */
#include "config/conf_priv.h"

#include "core/base/alloc.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct group_list {
    struct group_conf **items;
    size_t count, cap;
    struct map taken; /* sections that a [group:x] names */
};

/* A name that comes twice: the later process takes the place of the earlier, as in
 * upstream's dictionary. */
static void drop_duplicates(struct conf_build *b, const char *group,
                            struct process_list *list)
{
    struct map places = {0};
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct program_conf *p = list->items[i];
        struct program_conf **place = map_get(&places, p->name, strlen(p->name));
        if (place) {
            conf_warn(b, xasprintf("%s:%d: process %s is defined more than once in group "
                                   "%s; the last one counts",
                                   p->file, p->line, p->name, group));
            *place = p;
            continue;
        }
        list->items[kept] = p;
        map_put(&places, p->name, strlen(p->name), &list->items[kept++]);
    }
    list->count = kept;
    map_free(&places);
}

static struct group_conf *group_add(struct conf_build *b, struct group_list *groups,
                                    const char *name, int priority, enum group_kind kind,
                                    struct process_list *list)
{
    struct group_conf *g = pool_alloc(b->pool, sizeof *g);
    drop_duplicates(b, name, list);
    g->name = pool_str(b->pool, name);
    g->priority = priority;
    g->kind = kind;
    g->process_count = list->count;
    g->processes = pool_alloc(b->pool, (list->count + 1) * sizeof(void *));
    if (list->count > 0)
        memcpy(g->processes, list->items, list->count * sizeof(void *));
    free(list->items);
    *list = (struct process_list){0};
    if (groups->count == groups->cap) {
        groups->cap = groups->cap ? groups->cap * 2 : 16;
        groups->items = xreallocarray(groups->items, groups->cap, sizeof(void *));
    }
    groups->items[groups->count++] = g;
    return g;
}

/* The text after the colon, checked. */
static int section_name(struct conf_build *b, const struct option_source *src,
                        char **name)
{
    if (value_name(b->pool, strchr(src->section->name, ':') + 1, name, b->err) < 0)
        return option_located(src, NULL, b->err);
    return 0;
}

/* ---- [group:x] ---- */

struct member_arg {
    struct conf_build *b;
    struct option_source *src;
    struct group_list *groups;
    struct process_list *list;
    const char *group;
};

static int add_member(void *arg, const char *program)
{
    struct member_arg *m = arg;
    struct ini_doc *doc = &m->b->doc;
    char *plain = xasprintf("program:%s", program);
    char *fcgi = xasprintf("fcgi-program:%s", program);
    struct ini_section *p = ini_section_find(doc, plain),
                       *f = ini_section_find(doc, fcgi);
    int rc = -1;

    if (!p && !f) {
        err_set(m->b->err, ERR_CONFIG,
                "[%.100s] names unknown program or fcgi-program %.100s",
                m->src->section->name, program);
        option_located_only(m->src, "programs", m->b->err);
    } else if (p && f) {
        err_set(m->b->err, ERR_CONFIG,
                "[%.100s] name %.100s is ambiguous (exists as program and fcgi-program)",
                m->src->section->name, program);
        option_located_only(m->src, "programs", m->b->err);
    } else {
        struct ini_section *s = p ? p : f;
        map_put(&m->groups->taken, s->name, strlen(s->name), s);
        rc = conf_build_processes(m->b, s, m->group, m->list);
    }
    free(plain);
    free(fcgi);
    return rc;
}

static int add_group(struct conf_build *b, struct group_list *groups,
                     const struct ini_section *s)
{
    struct option_source src = conf_source(b, s, &b->base_scope);
    struct process_list list = {0};
    struct group_draft d = {0};
    char *name;
    struct member_arg arg = {b, &src, groups, &list, NULL};

    if (section_name(b, &src, &name) < 0 ||
        option_apply(&src, group_options.rows, group_options.count, &d, b->err) < 0)
        return -1;
    arg.group = name;
    if (value_list_each(d.programs, add_member, &arg) < 0) {
        free(list.items);
        return -1;
    }
    group_add(b, groups, name, d.priority, GROUP_PROGRAMS, &list);
    return 0;
}

/* ---- [program:x] ---- */

static int add_program(struct conf_build *b, struct group_list *groups,
                       const struct ini_section *s)
{
    struct option_source src = conf_source(b, s, &b->base_scope);
    struct process_list list = {0};
    char *name, *text;
    int priority = 0;

    if (section_name(b, &src, &name) < 0)
        return -1;
    text = option_text(&src, "priority", "999", false, b->err);
    if (!text)
        return -1;
    int rc = value_int(b->pool, text, &priority, b->err);
    free(text);
    if (rc < 0)
        return option_located(&src, "priority", b->err);
    if (conf_build_processes(b, s, name, &list) < 0) {
        free(list.items);
        return -1;
    }
    group_add(b, groups, name, priority, GROUP_PROGRAMS, &list);
    return 0;
}

/* ---- [eventlistener:x] ---- */

struct events_arg {
    bool wanted[EVENT_TYPE_COUNT];
    size_t count;
    struct err *err;
    const char *section;
};

static int add_event(void *arg, const char *item)
{
    struct events_arg *e = arg;
    char *name = xstrdup(item);
    for (char *p = name; *p; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
    int type = event_type_parse(name);
    if (type < 0)
        err_set(e->err, ERR_CONFIG, "Unknown event type %.100s in [%.100s] events", name,
                e->section);
    else if (!e->wanted[type]) {
        e->wanted[type] = true;
        e->count++;
    }
    free(name);
    return type < 0 ? -1 : 0;
}

static int listener_events(struct conf_build *b, const struct option_source *src,
                           const char *text, struct listener_conf *out)
{
    struct events_arg e = {.err = b->err, .section = src->section->name};
    if (text[0] == '\0') {
        err_set(b->err, ERR_CONFIG, "[%.200s] section requires an \"events\" line",
                src->section->name);
        return option_located_only(src, NULL, b->err);
    }
    if (value_list_each(text, add_event, &e) < 0)
        return option_located_only(src, "events", b->err);
    out->events = pool_alloc(b->pool, e.count * sizeof *out->events);
    for (int t = 0; t < EVENT_TYPE_COUNT; t++)
        if (e.wanted[t])
            out->events[out->event_count++] = (enum event_type)t;
    return 0;
}

/* Upstream imports Python code here; two such handlers are built in. */
static int check_handler(const struct option_source *src, const char *handler,
                         struct err *err)
{
    if (str_eq(handler, "supervisor.dispatchers:default_handler") ||
        str_eq(handler, "supervisor_stdout:event_handler"))
        return 0;
    err_set(err, ERR_CONFIG,
            "%.100s cannot be resolved within [%.100s]: No module named '%.*s', since no "
            "Python is run here; supervisor.dispatchers:default_handler and "
            "supervisor_stdout:event_handler are built in",
            handler, src->section->name, (int)strcspn(handler, ":"), handler);
    return option_located_only(src, "result_handler", err);
}

static int add_listener(struct conf_build *b, struct group_list *groups,
                        const struct ini_section *s)
{
    struct option_source src = conf_source(b, s, &b->base_scope);
    struct process_list list = {0};
    struct listener_draft d = {0};
    struct listener_conf l = {0};
    char *name;

    if (option_apply(&src, listener_options.rows, listener_options.count, &d, b->err) < 0)
        return -1;
    if (d.buffer_size < 1) {
        err_set(b->err, ERR_CONFIG, "[%.100s] section sets invalid buffer_size (%d)",
                s->name, d.buffer_size);
        return option_located_only(&src, "buffer_size", b->err);
    }
    if (d.listener_timeout < 0) {
        err_set(b->err, ERR_CONFIG, "[%.100s] section sets invalid listener_timeout (%d)",
                s->name, d.listener_timeout);
        return option_located_only(&src, "listener_timeout", b->err);
    }
    l.buffer_size = d.buffer_size;
    l.listener_timeout = d.listener_timeout;
    l.result_handler = d.result_handler;
    if (check_handler(&src, d.result_handler, b->err) < 0 ||
        listener_events(b, &src, d.events, &l) < 0)
        return -1;
    if (d.redirect_stderr) {
        err_set(b->err, ERR_CONFIG,
                "[%.100s] section sets redirect_stderr=true but this is not allowed "
                "because it will interfere with the eventlistener protocol",
                s->name);
        return option_located_only(&src, "redirect_stderr", b->err);
    }
    if (section_name(b, &src, &name) < 0)
        return -1;
    if (conf_build_processes(b, s, name, &list) < 0) {
        free(list.items);
        return -1;
    }
    group_add(b, groups, name, d.priority, GROUP_LISTENERS, &list)->listener = l;
    return 0;
}

/* ---- the list ---- */

static int by_priority_and_name(const void *a, const void *b)
{
    const struct group_conf *const *ga = a, *const *gb = b;
    if ((*ga)->priority != (*gb)->priority)
        return (*ga)->priority < (*gb)->priority ? -1 : 1;
    int order = strcmp((*ga)->name, (*gb)->name);
    if (order != 0)
        return order;
    return (*ga)->kind < (*gb)->kind ? -1 : (*ga)->kind > (*gb)->kind;
}

static void finish_groups(struct conf_build *b, struct group_list *groups)
{
    struct map names = {0};
    struct conf *c = b->conf;
    if (groups->count > 0)
        qsort(groups->items, groups->count, sizeof(void *), by_priority_and_name);
    c->groups = pool_alloc(b->pool, (groups->count + 1) * sizeof(void *));
    for (size_t i = 0; i < groups->count; i++) {
        struct group_conf *g = groups->items[i];
        if (map_get(&names, g->name, strlen(g->name))) {
            conf_warn(b, xasprintf("group %s is defined more than once; the first by "
                                   "priority counts",
                                   g->name));
            continue;
        }
        map_put(&names, g->name, strlen(g->name), g);
        c->groups[c->group_count++] = g;
    }
    map_free(&names);
}

static int add_fcgi(struct conf_build *b, struct group_list *groups,
                    const struct ini_section *s)
{
    struct option_source src = conf_source(b, s, &b->base_scope);
    struct process_list list = {0};
    struct fcgi_conf fcgi = {0};
    int priority;
    char *name;

    if (section_name(b, &src, &name) < 0 ||
        conf_build_fcgi(b, s, name, &fcgi, &priority) < 0)
        return -1;
    if (conf_build_processes(b, s, name, &list) < 0) {
        free(list.items);
        return -1;
    }
    group_add(b, groups, name, priority, GROUP_FCGI, &list)->fcgi = fcgi;
    return 0;
}

int conf_build_groups(struct conf_build *b)
{
    static const struct {
        const char *prefix;
        int (*add)(struct conf_build *, struct group_list *, const struct ini_section *);
        bool may_be_taken;
    } kinds[] = {
        {"group:", add_group, false},
        {"program:", add_program, true},
        {"eventlistener:", add_listener, false},
        {"fcgi-program:", add_fcgi, true},
    };
    struct group_list groups = {0};
    int rc = 0;

    for (size_t k = 0; rc == 0 && k < array_len(kinds); k++) {
        for (size_t i = 0; rc == 0 && i < b->doc.count; i++) {
            const struct ini_section *s = b->doc.sections[i];
            if (!str_starts(s->name, kinds[k].prefix) ||
                (kinds[k].may_be_taken &&
                 map_get(&groups.taken, s->name, strlen(s->name))))
                continue;
            rc = kinds[k].add(b, &groups, s);
        }
    }
    if (rc == 0)
        finish_groups(b, &groups);
    free(groups.items);
    map_free(&groups.taken);
    return rc;
}
