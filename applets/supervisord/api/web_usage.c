#include "applets/supervisord/api/web_usage.h"

#include "applets/supervisord/process.h"
#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/base/map.h"
#include "core/io/procfs.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    BATCH = 50, /* processes in one go: about a millisecond */
    BATCH_PAUSE_MS = 20,
    ROUND_MS = 2000,
    ROUND_MS_EACH = 8, /* for each process, from 250 of them up */
    TOUCH_MS = 30000,
    /* the daemon's own numbers move by being shown: changes below these are no news */
    SELF_CPU_MILLI = 500,
    SELF_RSS_BYTES = 256 * 1024
};

struct web_usage {
    struct super *super;
    void (*done)(void *arg);
    void *arg;
    struct timer timer;
    struct map by_id; /* -> struct web_sample */
    struct list samples;
    unsigned holds, round;
    int64_t touched_until_ms;
    size_t group_at, process_at; /* where the round is */
    bool in_round;
};

/* --- one sample -------------------------------------------------------------------- */

static struct web_sample *sample_get(struct web_usage *u, uint64_t id)
{
    struct web_sample *s = map_get(&u->by_id, &id, sizeof id);
    if (s)
        return s;
    s = xcalloc(1, sizeof *s);
    s->id = id;
    s->cpu_milli = s->rss_bytes = -1;
    map_put(&u->by_id, &s->id, sizeof s->id, s);
    list_append(&u->samples, &s->link);
    return s;
}

static void sample_free(struct web_usage *u, struct web_sample *s)
{
    map_del(&u->by_id, &s->id, sizeof s->id);
    list_del(&s->link);
    free(s);
}

static bool moved(int64_t from, int64_t to, int64_t least)
{
    return from != to && (from < 0 || to < 0 || llabs(from - to) >= least);
}

static void sample_store(struct web_sample *s, int64_t cpu_milli, int64_t rss_bytes)
{
    bool self = s->id == 0;
    if (moved(s->cpu_milli, cpu_milli, self ? SELF_CPU_MILLI : 1) ||
        moved(s->rss_bytes, rss_bytes, self ? SELF_RSS_BYTES : 1)) {
        s->cpu_milli = cpu_milli;
        s->rss_bytes = rss_bytes;
        s->changed = true;
    }
}

static void sample_take(struct web_usage *u, uint64_t id, int pid)
{
    struct procfs_usage usage;
    struct web_sample *s = sample_get(u, id);
    int64_t now = mono_ms(), cpu = -1;
    s->round = u->round;
    if (pid <= 0 || procfs_read(pid, &usage) < 0) {
        s->pid = 0;
        sample_store(s, -1, -1);
        return;
    }
    if (s->pid == pid && now > s->at_ms) {
        cpu = (usage.cpu_ms - s->total_ms) * 100000 / (now - s->at_ms);
        cpu = cpu < 0 ? 0 : (cpu + 50) / 100 * 100; /* tenths of a percent */
    }
    s->pid = pid;
    s->total_ms = usage.cpu_ms;
    s->at_ms = now;
    sample_store(s, cpu, usage.rss_bytes);
}

/* --- rounds ------------------------------------------------------------------------ */

static bool is_awake(const struct web_usage *u)
{
    return u->holds > 0 || mono_ms() < u->touched_until_ms;
}

static void forget_all(struct web_usage *u)
{
    list_each(link, &u->samples) sample_free(u, list_item(link, struct web_sample, link));
}

static void end_round(struct web_usage *u)
{
    size_t count = 0;
    list_each(link, &u->samples)
    {
        struct web_sample *s = list_item(link, struct web_sample, link);
        count++;
        if (s->round != u->round)
            sample_free(u, s);
    }
    u->in_round = false;
    u->done(u->arg);
    list_each(link, &u->samples) list_item(link, struct web_sample, link)->changed =
        false;
    if (!is_awake(u)) {
        forget_all(u);
        return;
    }
    int64_t pause = (int64_t)count * ROUND_MS_EACH;
    timer_set(&u->timer, mono_ms() + (pause > ROUND_MS ? pause : ROUND_MS));
}

/* True if there is more. Groups may come and go between two batches: the place is kept by
 * numbers, and at worst a process is passed over once. */
static bool take_batch(struct web_usage *u)
{
    for (int left = BATCH; left > 0;) {
        if (u->group_at >= super_group_count(u->super))
            return false;
        struct group *g = super_group_at(u->super, u->group_at);
        if (u->process_at >= group_count(g)) {
            u->group_at++;
            u->process_at = 0;
            continue;
        }
        const struct process *p = group_at(g, u->process_at++);
        sample_take(u, process_id(p), (int)process_pid(p));
        left--;
    }
    return true;
}

static void usage_due(struct timer *t, int64_t now_ms)
{
    struct web_usage *u = container_of(t, struct web_usage, timer);
    if (!u->in_round) {
        u->in_round = true;
        u->round++;
        u->group_at = u->process_at = 0;
        sample_take(u, 0, (int)getpid());
    }
    if (take_batch(u))
        timer_set(t, now_ms + BATCH_PAUSE_MS);
    else
        end_round(u);
}

/* --- who looks --------------------------------------------------------------------- */

struct web_usage *web_usage_new(struct super *super, void (*done)(void *arg), void *arg)
{
    struct web_usage *u = xcalloc(1, sizeof *u);
    u->super = super;
    u->done = done;
    u->arg = arg;
    list_init(&u->samples);
    timer_init(&u->timer, loop_timers(super_loop(super)), usage_due);
    return u;
}

void web_usage_free(struct web_usage *u)
{
    if (!u)
        return;
    timer_cancel(&u->timer);
    forget_all(u);
    map_free(&u->by_id);
    free(u);
}

static void wake(struct web_usage *u)
{
    if (!timer_is_set(&u->timer))
        timer_set(&u->timer, mono_ms());
}

void web_usage_hold(struct web_usage *u)
{
    u->holds++;
    wake(u);
}

void web_usage_release(struct web_usage *u)
{
    u->holds--; /* the end of the round sees it */
}

void web_usage_touch(struct web_usage *u)
{
    u->touched_until_ms = mono_ms() + TOUCH_MS;
    wake(u);
}

const struct web_sample *web_usage_of(const struct web_usage *u, uint64_t id)
{
    return map_get(&u->by_id, &id, sizeof id);
}
