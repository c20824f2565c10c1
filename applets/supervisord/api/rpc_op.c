#include "applets/supervisord/api/rpc_op.h"

#include "core/base/alloc.h"
#include "core/rules/namespec.h"
#include <stdlib.h>

/* --- names ------------------------------------------------------------------------- */

enum rpc_outcome rpc_find(struct rpc_ctx *ctx, const char *name, struct group **g,
                          struct process **p)
{
    struct namespec spec = namespec_parse(name);
    char *part = span_dup(spec.group);
    *p = NULL;
    *g = super_find_group(ctx->super, part);
    free(part);
    if (!*g)
        return rpc_fault(ctx, FAULT_BAD_NAME, name);
    if (spec.whole_group)
        return RPC_DONE;
    part = span_dup(spec.process);
    *p = group_find(*g, part);
    free(part);
    return *p ? RPC_DONE : rpc_fault(ctx, FAULT_BAD_NAME, name);
}

enum rpc_outcome rpc_find_process(struct rpc_ctx *ctx, const char *name,
                                  struct process **p)
{
    struct group *g;
    enum rpc_outcome outcome = rpc_find(ctx, name, &g, p);
    if (outcome == RPC_DONE && !*p)
        return rpc_fault(ctx, FAULT_BAD_NAME, name);
    return outcome;
}

/* --- one process ------------------------------------------------------------------- */

struct one {
    struct rpc_later later;
    const struct rpc_op *op;
    uint64_t id;
    char *name;
};

static void one_drop(struct rpc_later *l)
{
    struct one *o = container_of(l, struct one, later);
    free(o->name);
    free(o);
}

static bool news_has(const struct rpc_news *news, uint64_t id)
{
    for (size_t i = 0; i < news->count; i++)
        if (news->ids[i] == id)
            return true;
    return news->all;
}

static enum rpc_outcome one_look(struct rpc_later *l, struct rpc_ctx *ctx,
                                 const struct rpc_news *news)
{
    struct one *o = container_of(l, struct one, later);
    if (!news_has(news, o->id))
        return RPC_LATER;
    enum rpc_outcome outcome =
        o->op->look(ctx, super_find_process(ctx->super, o->id), o->name);
    return outcome == RPC_DONE ? rpc_true(ctx) : outcome;
}

static enum rpc_outcome one_later(struct rpc_ctx *ctx, const struct rpc_op *op,
                                  const struct process *p, const char *name)
{
    struct one *o = xcalloc(1, sizeof *o);
    o->later = (struct rpc_later){.look = one_look, .drop = one_drop};
    o->op = op;
    o->id = process_id(p);
    o->name = xstrdup(name);
    ctx->later = &o->later;
    return RPC_LATER;
}

enum rpc_outcome rpc_op_named(struct rpc_ctx *ctx, const struct rpc_op *op,
                              const char *name, const struct rpc_op_args *args)
{
    struct group *g;
    struct process *p;
    enum rpc_outcome outcome = rpc_find(ctx, name, &g, &p);
    if (outcome != RPC_DONE)
        return outcome;
    if (!p)
        return rpc_op_group(ctx, op, group_name(g), args);
    outcome = op->begin(ctx, p, name, args);
    if (outcome == RPC_LATER)
        return one_later(ctx, op, p, name);
    return outcome == RPC_DONE ? rpc_true(ctx) : outcome;
}

/* --- many processes --------------------------------------------------------------- */

struct member { /* one that is waited for */
    uint64_t id;
    char *group, *name, *spec;
    bool changed, done;
};

struct many {
    struct rpc_later later;
    const struct rpc_op *op;
    struct map pending;      /* id -> struct member */
    struct member **members; /* all that ever were pending; NULL once done */
    size_t count, cap;
    struct buf results; /* the structs of those done */
    struct rpc_writer writer;
};

static void member_free(struct member *m)
{
    if (!m)
        return;
    free(m->group);
    free(m->name);
    free(m->spec);
    free(m);
}

static struct many *many_new(const struct rpc_op *op)
{
    struct many *m = xcalloc(1, sizeof *m);
    m->op = op;
    buf_init(&m->results, BUF_NO_LIMIT);
    rpc_write_init(&m->writer, &m->results);
    return m;
}

static void many_drop(struct rpc_later *l)
{
    struct many *m = container_of(l, struct many, later);
    for (size_t i = 0; i < m->count; i++)
        member_free(m->members[i]);
    free(m->members);
    map_free(&m->pending);
    buf_free(&m->results);
    free(m);
}

static void many_result(struct many *m, const struct rpc_ctx *ctx,
                        enum rpc_outcome outcome, const char *group, const char *name)
{
    bool ok = outcome == RPC_DONE;
    rpc_write_struct_begin(&m->writer);
    rpc_write_member_str(&m->writer, "name", name);
    rpc_write_member_str(&m->writer, "group", group);
    rpc_write_member_int(&m->writer, "status", ok ? FAULT_SUCCESS : ctx->fault);
    rpc_write_member_str(&m->writer, "description",
                         ok ? "OK" : buf_str(&ctx->fault_text));
    rpc_write_struct_end(&m->writer);
}

/* Takes spec. */
static void many_wait_for(struct many *m, const struct process *p, char *spec)
{
    struct member *w = xcalloc(1, sizeof *w);
    w->id = process_id(p);
    w->group = xstrdup(group_name(process_group(p)));
    w->name = xstrdup(process_conf(p)->name);
    w->spec = spec;
    if (m->count == m->cap) {
        m->cap = m->cap ? m->cap * 2 : 16;
        m->members = xreallocarray(m->members, m->cap, sizeof *m->members);
    }
    m->members[m->count++] = w;
    map_put(&m->pending, &w->id, sizeof w->id, w);
}

static void many_begin(struct many *m, struct rpc_ctx *ctx, struct process *p,
                       const struct rpc_op_args *args)
{
    if (!m->op->applies(p)) {
        if (m->op->pass_over)
            m->op->pass_over(p);
        return;
    }
    const char *group = group_name(process_group(p)), *name = process_conf(p)->name;
    struct buf spec;
    buf_init(&spec, BUF_NO_LIMIT);
    namespec_format(&spec, group, name);
    char *text = buf_detach(&spec);
    enum rpc_outcome outcome = m->op->begin(ctx, p, text, args);
    if (outcome == RPC_LATER) {
        many_wait_for(m, p, text);
        return;
    }
    many_result(m, ctx, outcome, group, name);
    free(text);
}

static enum rpc_outcome many_finish(struct many *m, struct rpc_ctx *ctx)
{
    rpc_write_array_begin(ctx->out);
    if (m->writer.failed ||
        buf_append(ctx->out->out, buf_data(&m->results), m->results.len) < 0)
        ctx->out->failed = true;
    rpc_write_array_end(ctx->out);
    return RPC_DONE;
}

static void many_look_at(struct many *m, struct rpc_ctx *ctx, struct member *w)
{
    enum rpc_outcome outcome =
        m->op->look(ctx, super_find_process(ctx->super, w->id), w->spec);
    w->changed = false;
    if (outcome == RPC_LATER)
        return;
    many_result(m, ctx, outcome, w->group, w->name);
    w->done = true;
    map_del(&m->pending, &w->id, sizeof w->id);
}

static enum rpc_outcome many_look(struct rpc_later *l, struct rpc_ctx *ctx,
                                  const struct rpc_news *news)
{
    struct many *m = container_of(l, struct many, later);
    for (size_t i = 0; i < news->count; i++) {
        struct member *w = map_get(&m->pending, &news->ids[i], sizeof news->ids[i]);
        if (w)
            w->changed = true;
    }
    /* In the order of the request, whoever changed first: as upstream's answers are. */
    for (size_t i = 0; i < m->count; i++) {
        struct member *w = m->members[i];
        if (!w->done && (w->changed || news->all))
            many_look_at(m, ctx, w);
    }
    return m->pending.len > 0 ? RPC_LATER : many_finish(m, ctx);
}

/* Answers now if nobody is waited for, else hands m on as what comes later. */
static enum rpc_outcome many_end(struct many *m, struct rpc_ctx *ctx)
{
    if (m->pending.len > 0) {
        m->later = (struct rpc_later){.look = many_look, .drop = many_drop};
        ctx->later = &m->later;
        return RPC_LATER;
    }
    many_finish(m, ctx);
    many_drop(&m->later);
    return RPC_DONE;
}

enum rpc_outcome rpc_op_group(struct rpc_ctx *ctx, const struct rpc_op *op,
                              const char *name, const struct rpc_op_args *args)
{
    struct group *g = super_find_group(ctx->super, name);
    if (!g)
        return rpc_fault(ctx, FAULT_BAD_NAME, name);
    struct many *m = many_new(op);
    for (size_t i = 0; i < group_count(g); i++)
        many_begin(m, ctx, group_at(g, i), args);
    return many_end(m, ctx);
}

enum rpc_outcome rpc_op_all(struct rpc_ctx *ctx, const struct rpc_op *op,
                            const struct rpc_op_args *args)
{
    struct many *m = many_new(op);
    for (size_t i = 0; i < super_group_count(ctx->super); i++) {
        struct group *g = super_group_at(ctx->super, i);
        for (size_t j = 0; j < group_count(g); j++)
            many_begin(m, ctx, group_at(g, j), args);
    }
    return many_end(m, ctx);
}
