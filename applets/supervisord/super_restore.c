/* From a record to a supervisor. The one idea: two passes. The first makes the objects,
 * which open nothing, and finds everything that can be wrong with the record; the second
 * gives them their state and their descriptors, and gets on with whatever the world does
 * not give back. */
#include "applets/supervisord/super_save.h"

#include "applets/supervisord/reap.h"
#include "applets/supervisord/super_priv.h"
#include "config/conf_record.h"
#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/base/log.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* The newest line of each object of one kind. */
struct newest {
    struct map by_object; /* process or pool -> line */
    struct line {
        const void *object;
        const char *at;
        bool is_good; /* it has what a process needs */
    } * lines;        /* never moved: the map's keys lie in it */
    size_t count, cap;
};

struct numbered_conf {
    int64_t number;
    struct conf *conf;
};

struct image {
    const char *data;
    size_t n;
    const char *super_at, *confs_at; /* newest lines, or NULL */
    struct numbered_conf *confs;
    size_t conf_count;
    struct newest processes, listeners, pools, sockets;
};

/* --- looking things up ------------------------------------------------------------- */

static void newest_init(struct newest *n, size_t cap)
{
    n->cap = cap;
    n->lines = xcalloc(cap + 1, sizeof *n->lines);
}

static void newest_free(struct newest *n)
{
    map_free(&n->by_object);
    free(n->lines);
}

static void newest_put(struct newest *n, const void *object, const char *at, bool is_good)
{
    struct line *line = map_get(&n->by_object, &object, sizeof object);
    if (!line) {
        if (n->count == n->cap)
            return;
        line = &n->lines[n->count++];
        line->object = object;
        map_put(&n->by_object, &line->object, sizeof line->object, line);
    }
    line->at = at;
    line->is_good = is_good;
}

static const struct line *newest_line(const struct newest *n, const void *object)
{
    return map_get(&n->by_object, &object, sizeof object);
}

/* Reads the object's newest line; false when there is none. */
static bool newest_read(const struct image *im, const struct newest *n,
                        const void *object, struct record_reader *r)
{
    const struct line *line = newest_line(n, object);
    if (!line)
        return false;
    record_open(r, line->at, im->n - (size_t)(line->at - im->data));
    return record_next(r) == 1;
}

static int64_t number(const struct record_reader *r, const char *key)
{
    return record_get_int(r, key, 0, INT64_MAX, 0);
}

static struct conf *conf_of_number(const struct image *im, int64_t wanted)
{
    for (size_t i = im->conf_count; i > 0; i--)
        if (im->confs[i - 1].number == wanted)
            return im->confs[i - 1].conf;
    return NULL;
}

static struct group *group_of(const struct super *s, const struct record_reader *r,
                              const char *key)
{
    struct span name;
    return record_get(r, key, &name) ? map_get(&s->by_name, name.ptr, name.len) : NULL;
}

static struct process *process_of(const struct super *s, const struct record_reader *r)
{
    struct span name;
    struct group *g = group_of(s, r, "group");
    return g && record_get(r, "name", &name) ? group_find_span(g, name) : NULL;
}

static struct event_pool *pool_of(const struct super *s, const struct group *g)
{
    for (size_t i = 0; g && i < s->count; i++)
        if (s->groups[i] == g)
            return s->pools[i];
    return NULL;
}

/* --- first pass: what it is made of ------------------------------------------------- */

static int damaged(struct err *err)
{
    return err_set(err, ERR_SYNTAX, "the saved state is damaged");
}

static int read_version(const struct record_reader *r, struct err *err)
{
    int64_t version = number(r, "version");
    if (!record_is(r, "state") || version <= 0)
        return damaged(err);
    if (version > SUPER_RECORD_VERSION)
        return err_set(err, ERR_LIMIT,
                       "the saved state has version %lld, this supervisord knows %d",
                       (long long)version, SUPER_RECORD_VERSION);
    return 0;
}

static int read_conf(struct image *im, const struct record_reader *r, struct err *err)
{
    struct span text = {"", 0};
    record_get(r, "text", &text);
    struct conf *conf = conf_restore(text.ptr, text.len, err);
    if (!conf)
        return -1;
    im->confs = xreallocarray(im->confs, im->conf_count + 1, sizeof *im->confs);
    im->confs[im->conf_count++] = (struct numbered_conf){number(r, "number"), conf};
    return 0;
}

/* Every line is looked at, so that a cut or altered one is found before anything else. */
static int read_confs(struct image *im, struct err *err)
{
    struct record_reader r;
    bool has_version = false;
    int rc;
    record_open(&r, im->data, im->n);
    for (const char *at = r.at; (rc = record_next(&r)) == 1; at = r.at) {
        if (record_is(&r, "super"))
            im->super_at = at;
        else if (record_is(&r, "configurations"))
            im->confs_at = at;
        else if (record_is(&r, "conf") && read_conf(im, &r, err) < 0)
            return -1;
        if (record_is(&r, "super") && !has_version)
            return damaged(err);
        if (!record_is(&r, "state"))
            continue;
        if (read_version(&r, err) < 0)
            return -1;
        has_version = true;
    }
    return rc == 0 && im->super_at && im->confs_at ? 0 : damaged(err);
}

static struct super *make_super(struct image *im, const struct super_opts *opts,
                                struct err *err)
{
    struct record_reader r;
    record_open(&r, im->confs_at, im->n - (size_t)(im->confs_at - im->data));
    record_next(&r);
    struct conf *newest = conf_of_number(im, number(&r, "newest"));
    struct conf *first = conf_of_number(im, number(&r, "first"));
    struct conf *restart = conf_of_number(im, number(&r, "restart"));
    if (!newest || !first) {
        damaged(err);
        return NULL;
    }
    struct super_opts ours = *opts;
    ours.conf = first;
    struct super *s = super_make(&ours, newest);
    s->engine.restoring = true;
    s->restart_conf = restart ? conf_ref(restart) : NULL;
    return s;
}

static int make_groups(struct super *s, const struct image *im, struct err *err)
{
    struct record_reader r;
    record_open(&r, im->data, im->n);
    while (record_next_of(&r, "group") == 1) {
        char *name = record_get_str(&r, "name");
        struct conf *owner = conf_of_number(im, number(&r, "conf"));
        const struct group_conf *gc = owner && name ? conf_find_group(owner, name) : NULL;
        bool is_new = gc && !super_find_group(s, name);
        free(name);
        if (!is_new)
            return damaged(err);
        super_insert_group(s, group_new(&s->engine, owner, gc));
    }
    return 0;
}

static void find_newest(struct super *s, struct image *im)
{
    struct record_reader r;
    size_t processes = 0;
    for (size_t i = 0; i < s->count; i++)
        processes += group_count(s->groups[i]);
    newest_init(&im->processes, processes);
    newest_init(&im->listeners, processes);
    newest_init(&im->pools, s->count);
    newest_init(&im->sockets, s->count);
    record_open(&r, im->data, im->n);
    for (const char *at = r.at; record_next(&r) == 1; at = r.at) {
        const void *object;
        if (record_is(&r, "process") && (object = process_of(s, &r)))
            newest_put(&im->processes, object, at, process_can_restore(&r));
        else if (record_is(&r, "listener") && (object = process_of(s, &r)))
            newest_put(&im->listeners, object, at, true);
        else if (record_is(&r, "pool") && (object = group_of(s, &r, "group")))
            newest_put(&im->pools, object, at, true);
        else if (record_is(&r, "socket") && (object = group_of(s, &r, "group")))
            newest_put(&im->sockets, object, at, true);
    }
}

/* Nothing is missing: every process has a line with a state. */
static int check_processes(struct super *s, const struct image *im, struct err *err)
{
    for (size_t i = 0; i < s->count; i++)
        for (size_t k = 0; k < group_count(s->groups[i]); k++) {
            const struct line *line =
                newest_line(&im->processes, group_at(s->groups[i], k));
            if (!line || !line->is_good)
                return damaged(err);
        }
    return 0;
}

static void free_image(struct image *im)
{
    for (size_t i = 0; i < im->conf_count; i++)
        conf_unref(im->confs[i].conf);
    free(im->confs);
    newest_free(&im->processes);
    newest_free(&im->listeners);
    newest_free(&im->pools);
    newest_free(&im->sockets);
}

/* The objects without their state; NULL with err. */
static struct super *first_pass(struct image *im, const struct super_opts *opts,
                                struct err *err)
{
    if (read_confs(im, err) < 0)
        return NULL;
    struct super *s = make_super(im, opts, err);
    if (!s)
        return NULL;
    if (make_groups(s, im, err) == 0) {
        find_newest(s, im);
        if (check_processes(s, im, err) == 0)
            return s;
    }
    super_free(s);
    return NULL;
}

/* --- second pass: state and descriptors --------------------------------------------- */

static bool is_mood(int64_t v)
{
    return v == MOOD_RUNNING || v == MOOD_RESTARTING || v == MOOD_SHUTDOWN;
}

static void restore_super(struct super *s, const struct image *im)
{
    struct record_reader r;
    record_open(&r, im->super_at, im->n - (size_t)(im->super_at - im->data));
    record_next(&r);
    int64_t mood = record_get_int(&r, "mood", INT_MIN, INT_MAX, MOOD_RUNNING);
    s->mood = is_mood(mood) ? (enum super_mood)mood : MOOD_RUNNING;
    s->started = number(&r, "started") == 1;
    s->engine.starts_allowed = s->started && s->mood == MOOD_RUNNING;
    s->engine.next_event_serial = (uint64_t)number(&r, "next_event_serial");
    s->engine.last_process_id = (uint64_t)number(&r, "last_process_id");
    if (s->mood != MOOD_RUNNING) {
        s->stopping = (size_t)record_get_int(&r, "stopping", 0, (int64_t)s->count, 0);
        s->changes_seen = s->engine.state_changes - 1; /* it is looked at again */
        timer_set(&s->report, record_get_int(&r, "report_ms", 0, INT64_MAX, mono_ms()));
    }
    int64_t slices[TICK_KINDS] = {number(&r, "tick_5"), number(&r, "tick_60"),
                                  number(&r, "tick_3600")};
    tick_resume(&s->tick, slices);
}

/* In the order in which they were queued, which is that of the configuration. */
static void restore_group(struct group *g, const struct image *im)
{
    struct record_reader r;
    struct err err;
    if (newest_read(im, &im->sockets, g, &r))
        group_restore_socket(g, &r);
    for (size_t i = 0; i < group_count(g); i++) {
        struct process *p = group_listed(g, i);
        if (newest_read(im, &im->processes, p, &r) && process_restore(p, &r, &err) < 0)
            log_crit("not all of '%s' could be restored: %s", process_conf(p)->name,
                     err.text);
    }
}

static void restore_listeners(struct event_pool *pool, const struct group *g,
                              const struct image *im)
{
    struct record_reader r;
    if (newest_read(im, &im->pools, g, &r))
        event_pool_restore(pool, &r);
    for (size_t i = 0; i < group_count(g); i++)
        if (newest_read(im, &im->listeners, group_at(g, i), &r))
            event_pool_restore_listener(pool, group_at(g, i), &r);
}

static void restore_events(struct super *s, const struct image *im)
{
    struct record_reader r;
    record_open(&r, im->data, im->n);
    while (record_next_of(&r, "event") == 1) {
        struct event_pool *pool = pool_of(s, group_of(s, &r, "pool"));
        if (pool)
            event_pool_restore_event(pool, &r);
    }
    for (size_t i = 0; i < s->count; i++)
        if (s->pools[i])
            event_pool_restored(s->pools[i]);
}

struct super *super_restore(const struct super_opts *opts, const char *data, size_t n,
                            struct err *err)
{
    struct image im = {.data = data, .n = n};
    struct super *s = first_pass(&im, opts, err);
    if (s) {
        restore_super(s, &im);
        for (size_t i = 0; i < s->count; i++) {
            restore_group(s->groups[i], &im);
            if (s->pools[i])
                restore_listeners(s->pools[i], s->groups[i], &im);
        }
        restore_events(s, &im);
        s->engine.restoring = false;
        s->wants_base = true;
    }
    free_image(&im);
    return s;
}

int super_check(const char *data, size_t n, struct err *err)
{
    struct image im = {.data = data, .n = n};
    static char *nothing[] = {NULL};
    struct super_opts opts = {.loop = loop_new(err), .environ = nothing};
    if (!opts.loop)
        return -1;
    struct super *s = first_pass(&im, &opts, err);
    if (s)
        super_free(s);
    free_image(&im);
    loop_free(opts.loop);
    return s ? 0 : -1;
}

/* --- afterwards -------------------------------------------------------------------- */

void super_set_log(struct super *s, struct logfile *log)
{
    s->log = log;
}

const struct conf *super_first_conf(const struct super *s)
{
    return s->first_conf;
}

bool super_started(const struct super *s)
{
    return s->started;
}

void super_on_spawned(struct super *s, const struct process_spawned *spawned)
{
    struct process *p = super_find_process(s, spawned->process_id);
    if (p)
        process_on_spawned(p, spawned);
    else
        log_warn("pid %d was made for a process that is gone", (int)spawned->pid);
}

void super_on_exited(struct super *s, pid_t pid, int wait_status)
{
    reap_child(&s->engine, pid, wait_status);
}

void super_resume(struct super *s)
{
    for (size_t i = 0; i < s->count; i++)
        for (size_t k = 0; k < group_count(s->groups[i]); k++)
            process_resume(group_listed(s->groups[i], k));
    s->child_died = true;
    loop_again(s->engine.loop);
}
