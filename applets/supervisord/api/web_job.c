#include "applets/supervisord/api/web_job.h"

#include "applets/supervisord/api/rpc_table.h"
#include "applets/supervisord/api/web_events.h"
#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/io/journal.h"
#include "core/wire/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MS = 3000, SHOWN_FAILURES = 20, SHOWN_BYTES = 1500 };

struct task {
    const struct web_verb *verb;
    char *name;
    size_t step;
    struct rpc_later *later;
    bool done;
    int fault; /* 0: none */
    char *fault_text;
};

struct web_jobs {
    struct web *web;
    struct list jobs;
    struct loop_hook hook;
    uint64_t seen_changes;
    uint64_t last_id;
};

struct web_job {
    struct list link;
    struct web_jobs *owner;
    struct http_exchange *x; /* NULL: answered, or the reader has gone */
    bool wants_json;
    bool announces; /* the answer said that the rest comes as an event */
    uint64_t id;
    char *signal, *error, *said;
    struct task *tasks;
    size_t count, cap, pending, failed;
    struct timer timer;
};

/* --- one task ---------------------------------------------------------------------- */

static struct rpc_value *task_params(const struct web_job *job, const struct task *t)
{
    struct rpc_value *params = rpc_array();
    if (!t->verb->takes_none)
        rpc_push(params, rpc_str(t->name));
    if (t->verb->takes_signal)
        rpc_push(params, rpc_str(job->signal ? job->signal : ""));
    return params;
}

/* One method: begins it, or looks whether it is done by now. */
static enum rpc_outcome task_step(struct web_job *job, struct task *t,
                                  struct rpc_ctx *ctx)
{
    const char *method = t->verb->steps[t->step];
    struct rpc_news news = {.all = true};
    if (t->later)
        return t->later->look(t->later, ctx, &news);
    ctx->params = task_params(job, t);
    enum rpc_outcome outcome =
        rpc_table_call(ctx, method + (method[0] == '?'), ctx->params);
    t->later = ctx->later;
    ctx->later = NULL;
    return outcome;
}

static void task_end(struct web_job *job, struct task *t)
{
    t->done = true;
    job->pending--;
    job->failed += t->fault != 0;
}

/* As far as it goes now. The methods' answers are of no use here but for faults. */
static void task_go_on(struct web_job *job, struct task *t)
{
    while (!t->done) {
        struct buf answer;
        struct rpc_writer writer;
        struct rpc_ctx ctx;
        buf_init(&answer, BUF_NO_LIMIT);
        rpc_write_init(&writer, &answer);
        rpc_ctx_init(&ctx, job->owner->web->super, &writer);
        enum rpc_outcome outcome = task_step(job, t, &ctx);
        if (outcome != RPC_LATER && t->later) {
            t->later->drop(t->later);
            t->later = NULL;
        }
        if (outcome == RPC_FAULT && t->verb->steps[t->step][0] != '?') {
            t->fault = ctx.fault;
            t->fault_text = xstrdup(buf_str(&ctx.fault_text));
            task_end(job, t);
        } else if (outcome != RPC_LATER) {
            t->step++;
            if (t->step == WEB_STEPS || !t->verb->steps[t->step])
                task_end(job, t);
        }
        rpc_ctx_clear(&ctx);
        buf_free(&answer);
        if (outcome == RPC_LATER)
            return;
    }
}

/* --- words ------------------------------------------------------------------------- */

/* What upstream's page calls the faults it knows; others are shown as they are. */
static const struct {
    int fault;
    const char *words;
} fault_words[] = {
    {FAULT_NO_FILE, "no such file"},
    {FAULT_NOT_EXECUTABLE, "file not executable"},
    {FAULT_ALREADY_STARTED, "already started"},
    {FAULT_SPAWN_ERROR, "spawn error"},
    {FAULT_ABNORMAL_TERMINATION, "abnormal termination"},
    {FAULT_NOT_RUNNING, "not running"},
    {FAULT_BAD_SIGNAL, "bad signal name"},
    {FAULT_STILL_RUNNING, "still running"},
    {FAULT_SHUTDOWN_STATE, "supervisor is shutting down"},
};

static void put_failure(struct buf *out, const struct task *t)
{
    if (t->fault == FAULT_BAD_NAME) {
        buf_printf(out, "No such process named %s", t->name);
        return;
    }
    buf_puts(out, "ERROR: ");
    if (!t->verb->takes_none)
        buf_printf(out, "Process %s: ", t->name);
    for (size_t i = 0; i < array_len(fault_words); i++)
        if (fault_words[i].fault == t->fault) {
            buf_puts(out, fault_words[i].words);
            return;
        }
    buf_printf(out, "unexpected rpc fault [%d] %s", t->fault, t->fault_text);
}

static void put_name(struct buf *out, const char *fmt, const char *name)
{
    const char *mark = strstr(fmt, "%s");
    buf_append(out, fmt, mark ? (size_t)(mark - fmt) : strlen(fmt));
    if (mark) {
        buf_puts(out, name);
        buf_puts(out, mark + 2);
    }
}

static void put_failures(struct buf *out, const struct web_job *job)
{
    size_t shown = 0;
    for (size_t i = 0; i < job->count && shown < SHOWN_FAILURES; i++)
        if (job->tasks[i].fault) {
            if (out->len > 0)
                buf_puts(out, "; ");
            put_failure(out, &job->tasks[i]);
            shown++;
        }
    if (job->failed > shown)
        buf_printf(out, "; and %zu more", job->failed - shown);
}

static void put_successes(struct buf *out, const struct web_job *job)
{
    const struct web_verb *verb = job->tasks[0].verb;
    size_t good = job->count - job->pending - job->failed;
    if (job->said && job->failed == 0 && job->pending == 0) {
        buf_puts(out, job->said);
    } else if (job->count == 1) {
        if (good)
            put_name(out, verb->done, job->tasks[0].name);
    } else if (good > 0) {
        buf_printf(out, "%zu %s", good, verb->many);
    }
}

static void put_message(struct buf *out, const struct web_job *job)
{
    if (job->error) {
        buf_printf(out, "ERROR: %s", job->error);
        return;
    }
    if (job->count == 0) {
        buf_puts(out, job->said ? job->said : "There was nothing to do");
        return;
    }
    put_successes(out, job);
    if (job->failed > 0)
        put_failures(out, job);
    if (job->pending > 0) {
        if (out->len > 0)
            buf_puts(out, "; ");
        if (job->count == 1)
            put_name(out, "%s: still at it", job->tasks[0].name);
        else
            buf_printf(out, "%zu still at it", job->pending);
    }
}

/* --- answers ----------------------------------------------------------------------- */

static void put_json(struct buf *out, const struct web_job *job)
{
    struct buf text;
    struct json j;
    buf_init(&text, BUF_NO_LIMIT);
    put_message(&text, job);
    json_init(&j, out);
    json_object_begin(&j);
    json_put_int(&j, "job", (int64_t)job->id);
    json_put_bool(&j, "ok", !job->error && job->failed == 0);
    json_put_str(&j, "message", buf_str(&text));
    json_put_int(&j, "done", (int64_t)(job->count - job->pending - job->failed));
    json_put_int(&j, "failed", (int64_t)job->failed);
    json_put_int(&j, "pending", (int64_t)job->pending);
    json_object_end(&j);
    buf_free(&text);
}

static void answer_page(struct http_exchange *x, const struct web_job *job)
{
    struct buf text, place;
    buf_init(&text, BUF_NO_LIMIT);
    buf_init(&place, BUF_NO_LIMIT);
    put_message(&text, job);
    if (text.len > SHOWN_BYTES)
        buf_truncate(&text, SHOWN_BYTES);
    buf_puts(&place, "./?message=");
    url_encode(&place, (struct span){buf_data(&text), text.len}, "");
    web_headers(x);
    http_exchange_header(x, "Location", buf_str(&place));
    buf_free(&place);
    buf_free(&text);
    http_respond(x, 303, "text/plain");
}

static void job_answer(struct web_job *job)
{
    struct http_exchange *x = job->x;
    job->x = NULL;
    if (!x)
        return;
    timer_cancel(&job->timer);
    journal_record(); /* what the reader is told must outlive us */
    if (!job->wants_json) {
        answer_page(x, job);
        return;
    }
    job->announces = job->pending > 0;
    put_json(http_exchange_body(x), job);
    web_headers(x);
    http_respond(x, job->announces ? 202 : 200, "application/json");
}

static void job_announce(const struct web_job *job)
{
    struct buf text;
    buf_init(&text, BUF_NO_LIMIT);
    put_json(&text, job);
    web_events_send(job->owner->web->events, "job", buf_data(&text), text.len);
    buf_free(&text);
}

static void job_free(struct web_job *job)
{
    timer_cancel(&job->timer);
    list_del(&job->link);
    for (size_t i = 0; i < job->count; i++) {
        struct task *t = &job->tasks[i];
        if (t->later)
            t->later->drop(t->later);
        free(t->name);
        free(t->fault_text);
    }
    free(job->tasks);
    free(job->signal);
    free(job->error);
    free(job->said);
    free(job);
}

static void job_go_on(struct web_job *job)
{
    for (size_t i = 0; i < job->count; i++)
        if (!job->tasks[i].done)
            task_go_on(job, &job->tasks[i]);
    if (job->pending > 0)
        return;
    if (job->announces)
        job_announce(job);
    job_answer(job);
    job_free(job);
}

/* --- its life ---------------------------------------------------------------------- */

static void job_gone(void *arg)
{
    struct web_job *job = arg;
    job->x = NULL;
    timer_cancel(&job->timer);
}

static void job_late(struct timer *t, int64_t now_ms)
{
    UNUSED(now_ms);
    job_answer(container_of(t, struct web_job, timer));
}

struct web_job *web_job_new(struct web *web, const char *signal)
{
    struct web_job *job = xcalloc(1, sizeof *job);
    job->owner = web->jobs;
    job->id = ++web->jobs->last_id;
    job->signal = xstrdup(signal);
    list_init(&job->link);
    timer_init(&job->timer, loop_timers(super_loop(web->super)), job_late);
    return job;
}

void web_job_add(struct web_job *job, const struct web_verb *verb, const char *name)
{
    if (job->count == job->cap) {
        job->cap = job->cap ? job->cap * 2 : 8;
        job->tasks = xreallocarray(job->tasks, job->cap, sizeof *job->tasks);
    }
    job->tasks[job->count++] = (struct task){.verb = verb, .name = xstrdup(name)};
    job->pending++;
}

void web_job_fail(struct web_job *job, const char *text)
{
    free(job->error);
    job->error = xstrdup(text);
}

void web_job_say(struct web_job *job, const char *text)
{
    free(job->said);
    job->said = xstrdup(text);
}

void web_job_run(struct web_job *job, struct http_exchange *x, bool wants_json)
{
    job->x = x;
    job->wants_json = wants_json;
    if (job->error)
        job->pending = 0;
    for (size_t i = 0; i < job->count && !job->error; i++)
        task_go_on(job, &job->tasks[i]);
    if (job->pending == 0) {
        job_answer(job);
        job_free(job);
        return;
    }
    list_append(&job->owner->jobs, &job->link);
    if (wants_json)
        timer_set(&job->timer, mono_ms() + ANSWER_MS);
    http_defer(x, job_gone, job);
}

/* Looks again when a process has changed. A look may change more: then at once again. */
static void jobs_turn(void *arg)
{
    struct web_jobs *jobs = arg;
    const struct engine *engine = super_engine(jobs->web->super);
    if (list_empty(&jobs->jobs) || jobs->seen_changes == engine->state_changes)
        return;
    jobs->seen_changes = engine->state_changes;
    list_each(link, &jobs->jobs) job_go_on(list_item(link, struct web_job, link));
    if (jobs->seen_changes != engine->state_changes)
        loop_again(engine->loop);
}

struct web_jobs *web_jobs_new(struct web *web)
{
    struct web_jobs *jobs = xcalloc(1, sizeof *jobs);
    jobs->web = web;
    list_init(&jobs->jobs);
    loop_add_hook(super_loop(web->super), HOOK_END, &jobs->hook, jobs_turn, jobs);
    return jobs;
}

void web_jobs_free(struct web_jobs *jobs)
{
    if (!jobs)
        return;
    list_each(link, &jobs->jobs) job_free(list_item(link, struct web_job, link));
    loop_del_hook(&jobs->hook);
    free(jobs);
}
