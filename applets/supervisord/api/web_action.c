#include "applets/supervisord/api/web_action.h"

#include "applets/supervisord/api/same_origin.h"
#include "applets/supervisord/api/status_json.h"
#include "applets/supervisord/api/web_job.h"
#include "applets/supervisord/api/web_status.h"
#include "core/base/alloc.h"
#include "core/base/calendar.h"
#include "core/base/json.h"
#include "core/rules/namespec.h"
#include "core/wire/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- forms ------------------------------------------------------------------------- */

static struct span form_body(const struct http_request *rq)
{
    if (strcmp(rq->method, "POST") != 0 || rq->body_bytes == 0)
        return span_of("");
    return (struct span){rq->body, rq->body_bytes};
}

char *web_form_get(const struct http_request *rq, const char *name)
{
    char *value = query_get(form_body(rq), name);
    return value ? value : query_get(rq->query, name);
}

/* Every value of that name in one query string, decoded. */
static void get_all(struct span query, const char *name, struct strv *values)
{
    struct span pair;
    while (query.ptr && span_split(&query, '&', &pair)) {
        struct span rest = pair, key;
        if (!span_split(&rest, '=', &key) || !span_eq(key, name) || !rest.ptr)
            continue;
        struct buf text;
        buf_init(&text, BUF_NO_LIMIT);
        if (url_decode(&text, rest, true) == 0 && text.len > 0)
            strv_push(values, buf_str(&text));
        buf_free(&text);
    }
}

bool web_action_asked(const struct http_request *rq)
{
    if (strcmp(rq->method, "HEAD") == 0)
        return false;
    char *action = web_form_get(rq, "action"), *row = web_form_get(rq, "row");
    bool asked = (action && action[0]) || (row && row[0]);
    free(action);
    free(row);
    return asked;
}

/* --- the actions ------------------------------------------------------------------- */

struct action {
    struct web *web;
    struct http_exchange *x;
    bool wants_json;
    char *name, *signal;
    struct strv targets; /* as asked for */
};

struct action_row {
    struct web_verb verb;
    enum { FOR_PROCESSES, FOR_ALL, FOR_DAEMON } scope;
    /* Of several, those that need it. NULL: all. */
    bool (*applies)(enum proc_state state);
    const char *all_done; /* FOR_ALL, upstream's words; the time follows */
};

static bool not_running(enum proc_state state)
{
    return !proc_state_is_running(state);
}

#define START                                                                            \
    {                                                                                    \
        "supervisor.startProcess"                                                        \
    }
#define STOP                                                                             \
    {                                                                                    \
        "supervisor.stopProcess"                                                         \
    }
#define RESTART                                                                          \
    {                                                                                    \
        "?supervisor.stopProcess", "supervisor.startProcess"                             \
    }
#define CLEAR                                                                            \
    {                                                                                    \
        "supervisor.clearProcessLogs"                                                    \
    }
#define SIGNAL                                                                           \
    {                                                                                    \
        "supervisor.signalProcess"                                                       \
    }

// clang-format off
static const struct action_row actions[] = {
    {{"start",      START,   "Process %s started",   "started",  false, false}, FOR_PROCESSES, not_running, NULL},
    {{"stop",       STOP,    "Process %s stopped",   "stopped",  false, false}, FOR_PROCESSES, proc_state_is_running, NULL},
    {{"restart",    RESTART, "Process %s restarted", "restarted", false, false}, FOR_PROCESSES, NULL, NULL},
    {{"clearlog",   CLEAR,   "Log for %s cleared",   "logs cleared", false, false}, FOR_PROCESSES, NULL, NULL},
    {{"signal",     SIGNAL,  "Process %s signalled", "signalled", true, false}, FOR_PROCESSES, proc_state_is_signallable, NULL},
    {{"startall",   START,   "Process %s started",   "started",  false, false}, FOR_ALL, not_running, "All started at"},
    {{"stopall",    STOP,    "Process %s stopped",   "stopped",  false, false}, FOR_ALL, proc_state_is_running, "All stopped at"},
    {{"restartall", RESTART, "Process %s restarted", "restarted", false, false}, FOR_ALL, NULL, "All restarted at"},
    {{"shutdown",   {"supervisor.shutdown"}, "Supervisor is shutting down", "", false, true}, FOR_DAEMON, NULL, NULL},
    {{"reload",     {"supervisor.restart"},  "Supervisor is restarting",    "", false, true}, FOR_DAEMON, NULL, NULL},
    {{"clearmain",  {"supervisor.clearLog"}, "Main log cleared",            "", false, true}, FOR_DAEMON, NULL, NULL},
};

static const struct web_verb
    verb_add    = {"add",    {"supervisor.addProcessGroup"}, "%s: added", "groups added", false, false},
    verb_change = {"change", {"supervisor.stopProcessGroup", "supervisor.removeProcessGroup",
                              "supervisor.addProcessGroup"}, "%s: updated", "groups updated", false, false},
    verb_remove = {"remove", {"supervisor.stopProcessGroup", "supervisor.removeProcessGroup"},
                   "%s: removed", "groups removed", false, false};
// clang-format on

static const struct action_row *find_row(const char *name)
{
    for (size_t i = 0; i < array_len(actions); i++)
        if (strcmp(actions[i].verb.name, name) == 0)
            return &actions[i];
    return NULL;
}

static char *text_with_time(const char *text)
{
    char when[64] = "";
    time_t now = time(NULL);
    struct tm tm;
    if (localtime_r(&now, &tm))
        snprintf(when, sizeof when, "%.3s %.3s %2d %02d:%02d:%02d %d", DAY_NAME(&tm),
                 MONTH_NAME(&tm), tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                 tm.tm_year + 1900);
    return xasprintf("%s %s", text, when);
}

static void say_with_time(struct web_job *job, const char *text)
{
    char *said = text_with_time(text);
    web_job_say(job, said);
    free(said);
}

static void add_process(struct web_job *job, const struct action_row *row,
                        const struct process *p, bool choosy)
{
    struct buf name;
    if (choosy && row->applies && !row->applies(process_state(p)))
        return;
    buf_init(&name, BUF_NO_LIMIT);
    if (namespec_format(&name, group_name(process_group(p)), process_conf(p)->name) == 0)
        web_job_add(job, &row->verb, buf_str(&name));
    buf_free(&name);
}

static void add_group(struct web_job *job, const struct action_row *row,
                      const struct group *g)
{
    for (size_t i = 0; i < group_count(g); i++)
        add_process(job, row, group_at(g, i), true);
}

/* A name that means nothing is left to the method, whose fault says so. */
static void add_target(struct web_job *job, const struct action_row *row,
                       const struct super *super, const char *name, bool choosy)
{
    struct namespec spec = namespec_parse(name);
    char *group = span_dup(spec.group), *process = span_dup(spec.process);
    const struct group *g = super_find_group(super, group);
    const struct process *p = g && !spec.whole_group ? group_find(g, process) : NULL;
    if (g && spec.whole_group)
        add_group(job, row, g);
    else if (p)
        add_process(job, row, p, choosy);
    else
        web_job_add(job, &row->verb, name);
    free(process);
    free(group);
}

static void run_row(struct action *a, const struct action_row *row)
{
    const struct super *super = a->web->super;
    struct web_job *job = web_job_new(a->web, a->signal);
    switch (row->scope) {
    case FOR_DAEMON:
        web_job_add(job, &row->verb, "supervisor");
        break;
    case FOR_ALL:
        for (size_t i = 0; i < super_group_count(super); i++)
            add_group(job, row, super_group_at(super, i));
        say_with_time(job, row->all_done);
        break;
    case FOR_PROCESSES:
        if (a->targets.len == 0)
            web_job_fail(job, "no program was chosen");
        for (size_t i = 0; i < a->targets.len; i++)
            add_target(job, row, super, a->targets.items[i], a->targets.len > 1);
        break;
    }
    web_job_run(job, a->x, a->wants_json);
}

/* --- configuration ----------------------------------------------------------------- */

static void put_names(struct json *j, const char *key, const char *const *names,
                      size_t count)
{
    json_key(j, key);
    json_array_begin(j);
    for (size_t i = 0; i < count; i++)
        json_str(j, names[i]);
    json_array_end(j);
}

static void answer_diff(struct action *a, const struct conf_diff *d)
{
    struct json j;
    if (!a->wants_json) {
        web_status_show(a->x, a->web, d);
        return;
    }
    json_init(&j, http_exchange_body(a->x));
    json_object_begin(&j);
    json_put_bool(&j, "ok", true);
    put_names(&j, "added", d->added, d->added_count);
    put_names(&j, "changed", d->changed, d->changed_count);
    put_names(&j, "removed", d->removed, d->removed_count);
    json_object_end(&j);
    web_headers(a->x);
    http_respond(a->x, 200, "application/json");
}

static void run_failure(struct action *a, const char *text)
{
    struct web_job *job = web_job_new(a->web, NULL);
    web_job_fail(job, text);
    web_job_run(job, a->x, a->wants_json);
}

static bool read_again(struct action *a, struct conf_diff *d)
{
    struct err err = {0};
    if (super_mood(a->web->super) != MOOD_RUNNING) {
        run_failure(a, "supervisor is shutting down");
        return false;
    }
    if (super_reread(a->web->super, d, &err) < 0) {
        run_failure(a, err.text);
        return false;
    }
    return true;
}

static void run_reread(struct action *a)
{
    struct conf_diff d = {0};
    if (!read_again(a, &d))
        return;
    answer_diff(a, &d);
    conf_diff_free(&d);
}

static void run_update(struct action *a)
{
    struct conf_diff d = {0};
    if (!read_again(a, &d))
        return;
    struct web_job *job = web_job_new(a->web, NULL);
    struct buf said;
    buf_init(&said, BUF_NO_LIMIT);
    buf_printf(&said, "Updated: %zu added, %zu changed, %zu removed", d.added_count,
               d.changed_count, d.removed_count);
    web_job_say(job, d.added_count + d.changed_count + d.removed_count == 0
                         ? "The configuration has not changed"
                         : buf_str(&said));
    buf_free(&said);
    for (size_t i = 0; i < d.removed_count; i++)
        web_job_add(job, &verb_remove, d.removed[i]);
    for (size_t i = 0; i < d.changed_count; i++)
        web_job_add(job, &verb_change, d.changed[i]);
    for (size_t i = 0; i < d.added_count; i++)
        web_job_add(job, &verb_add, d.added[i]);
    conf_diff_free(&d);
    web_job_run(job, a->x, a->wants_json);
}

static void run_refresh(struct action *a)
{
    struct web_job *job = web_job_new(a->web, NULL);
    say_with_time(job, "Page refreshed at");
    web_job_run(job, a->x, a->wants_json);
}

static const struct {
    const char *name;
    void (*run)(struct action *a);
} others[] = {{"refresh", run_refresh}, {"reread", run_reread}, {"update", run_update}};

/* --- requests ---------------------------------------------------------------------- */

/* A row's button names what to do and with whom in one value. */
static void read_action(struct action *a, const struct http_request *rq)
{
    char *row = web_form_get(rq, "row"), *blank = row ? strchr(row, ' ') : NULL;
    const struct span *accept = rq->head ? http_header(rq->head, "Accept") : NULL;
    a->wants_json = accept && accept->len > 0 &&
                    memmem(accept->ptr, accept->len, "application/json", 16) != NULL;
    a->signal = web_form_get(rq, "signal");
    if (blank) {
        *blank = '\0';
        a->name = xstrdup(row);
        strv_push(&a->targets, blank + 1);
    } else {
        a->name = web_form_get(rq, "action");
        get_all(form_body(rq), "processname", &a->targets);
        get_all(rq->query, "processname", &a->targets);
    }
    free(row);
}

static bool has_token(const struct http_request *rq, const struct web *web)
{
    char *token = query_get(form_body(rq), "token");
    bool right = token && strcmp(token, web->token) == 0;
    free(token);
    return right;
}

static void run(struct action *a)
{
    const struct action_row *row = find_row(a->name ? a->name : "");
    if (row) {
        run_row(a, row);
        return;
    }
    for (size_t i = 0; i < array_len(others); i++)
        if (a->name && strcmp(others[i].name, a->name) == 0) {
            others[i].run(a);
            return;
        }
    http_respond_error(a->x, 400, "There is no such action");
}

void web_action(struct http_exchange *x, struct web *web)
{
    const struct http_request *rq = http_exchange_request(x);
    struct action a = {.web = web, .x = x};
    if (!origin_allows(x, super_conf(web->super), has_token(rq, web)))
        return;
    read_action(&a, rq);
    run(&a);
    free(a.name);
    free(a.signal);
    strv_free(&a.targets);
}
