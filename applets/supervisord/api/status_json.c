#include "applets/supervisord/api/status_json.h"

#include "applets/supervisord/api/rpc_methods.h"
#include "applets/supervisord/api/web_usage.h"
#include "applets/supervisord/keeper.h"
#include "applets/supervisord/process_info.h"
#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/rules/namespec.h"

#include <stdlib.h>
#include <string.h>

/* --- all of them, in order --------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    const struct process *p = *(struct process *const *)a,
                         *q = *(struct process *const *)b;
    int rc = strcmp(group_name(process_group(p)), group_name(process_group(q)));
    return rc ? rc : strcmp(process_conf(p)->name, process_conf(q)->name);
}

struct process **status_processes(const struct super *super, size_t *count)
{
    size_t n = 0, at = 0;
    for (size_t i = 0; i < super_group_count(super); i++)
        n += group_count(super_group_at(super, i));
    struct process **all = xcalloc(n + 1, sizeof *all);
    for (size_t i = 0; i < super_group_count(super); i++) {
        const struct group *g = super_group_at(super, i);
        for (size_t k = 0; k < group_count(g); k++)
            all[at++] = group_at(g, k);
    }
    qsort(all, n, sizeof *all, compare);
    *count = n;
    return all;
}

/* --- pieces ------------------------------------------------------------------------ */

static void put_usage(struct json *j, const struct web_sample *s)
{
    json_key(j, "cpu_percent");
    if (s && s->cpu_milli >= 0)
        json_milli(j, s->cpu_milli);
    else
        json_null(j);
    json_key(j, "rss_bytes");
    if (s && s->rss_bytes >= 0)
        json_int(j, s->rss_bytes);
    else
        json_null(j);
}

void status_json_process(struct json *j, const struct web *web, const struct process *p)
{
    struct process_info info;
    struct buf text;
    process_info_get(p, wall_secs(), &info);
    buf_init(&text, BUF_NO_LIMIT);
    namespec_format(&text, info.group, info.name);
    json_object_begin(j);
    json_put_str(j, "name", buf_str(&text));
    json_put_str(j, "group", info.group);
    json_put_str(j, "process", info.name);
    json_put_int(j, "state", info.state);
    json_put_str(j, "statename", info.state_name);
    buf_truncate(&text, 0);
    process_info_describe(&info, &text);
    json_put_str(j, "description", buf_str(&text));
    json_put_int(j, "pid", info.pid);
    json_put_int(j, "start", info.start_secs);
    json_put_int(j, "stop", info.stop_secs);
    json_put_int(j, "exitstatus", info.exit_status);
    buf_truncate(&text, 0);
    process_info_reason(&info, &text);
    json_put_str(j, "reason", buf_str(&text));
    json_put_str(j, "spawnerr", info.spawn_error);
    json_put_int(j, "starts", info.starts);
    put_usage(j, web_usage_of(web->usage, process_id(p)));
    json_put_bool(j, "stdout", info.stdout_logfile[0] != '\0');
    json_put_bool(j, "stderr", info.stderr_logfile[0] != '\0');
    json_object_end(j);
    buf_free(&text);
}

static void put_load(struct json *j)
{
    double load[3];
    json_key(j, "load");
    json_array_begin(j);
    if (getloadavg(load, 3) == 3)
        for (size_t i = 0; i < 3; i++)
            json_milli(j, (int64_t)(load[i] * 100) * 10);
    json_array_end(j);
}

void status_json_supervisor(struct json *j, const struct web *web)
{
    enum super_mood mood = super_mood(web->super);
    const struct conf *conf = super_conf(web->super);
    json_object_begin(j);
    json_put_str(j, "identifier", conf->server.identifier);
    json_put_str(j, "version", SUPERVISOR_VERSION);
    json_put_int(j, "state", mood);
    json_put_str(j, "statename", super_mood_name(mood));
    json_put_int(j, "pid", keeper_main_pid());
    json_put_int(j, "start", web->start_secs);
    json_put_str(j, "configuration", conf->path);
    json_put_str(j, "boot", web->boot);
    put_load(j);
    put_usage(j, web_usage_of(web->usage, 0));
    json_object_end(j);
}

void status_json_all(struct json *j, const struct web *web)
{
    size_t count;
    struct process **all = status_processes(web->super, &count);
    json_object_begin(j);
    json_put_int(j, "now", wall_secs());
    json_key(j, "supervisor");
    status_json_supervisor(j, web);
    json_key(j, "processes");
    json_array_begin(j);
    for (size_t i = 0; i < count; i++)
        status_json_process(j, web, all[i]);
    json_array_end(j);
    json_object_end(j);
    free(all);
}

static const struct web_sample *moved(const struct web *web, uint64_t id)
{
    const struct web_sample *s = web_usage_of(web->usage, id);
    return s && s->changed ? s : NULL;
}

bool status_json_usage(struct json *j, const struct web *web)
{
    size_t count, found = 0;
    struct process **all = status_processes(web->super, &count);
    bool self = moved(web, 0) != NULL;
    for (size_t i = 0; i < count; i++)
        if (moved(web, process_id(all[i])))
            all[found++] = all[i];
    if (self || found > 0) {
        json_object_begin(j);
        json_key(j, "supervisor");
        json_object_begin(j);
        put_load(j);
        put_usage(j, web_usage_of(web->usage, 0));
        json_object_end(j);
        json_key(j, "processes");
        json_array_begin(j);
        for (size_t i = 0; i < found; i++) {
            struct buf name;
            buf_init(&name, BUF_NO_LIMIT);
            namespec_format(&name, group_name(process_group(all[i])),
                            process_conf(all[i])->name);
            json_object_begin(j);
            json_put_str(j, "name", buf_str(&name));
            put_usage(j, web_usage_of(web->usage, process_id(all[i])));
            json_object_end(j);
            buf_free(&name);
        }
        json_array_end(j);
        json_object_end(j);
    }
    free(all);
    return self || found > 0;
}

void status_json(struct http_exchange *x, void *arg)
{
    struct web *web = arg;
    struct json j;
    web_usage_touch(web->usage);
    json_init(&j, http_exchange_body(x));
    status_json_all(&j, web);
    if (j.failed) {
        http_respond_error(x, 500, "The document is too large");
        return;
    }
    web_headers(x);
    http_respond(x, 200, "application/json");
}
