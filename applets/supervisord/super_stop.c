#include "applets/supervisord/super_priv.h"

#include "applets/supervisord/process.h"
#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/log.h"

enum { REPORT_MS = 3000 };

/* "waiting for a, b to die", at once and then every three seconds. */
static void report_waiting(struct super *s)
{
    struct buf names;
    buf_init(&names, BUF_NO_LIMIT);
    for (size_t i = 0; i < s->count; i++) {
        for (size_t k = 0; k < group_count(s->groups[i]); k++) {
            struct process *p = group_at(s->groups[i], k);
            if (proc_state_is_stopped(process_state(p)))
                continue;
            if (names.len > 0)
                buf_puts(&names, ", ");
            buf_puts(&names, process_conf(p)->name);
        }
    }
    if (names.len > 0)
        log_info("waiting for %s to die", buf_str(&names));
    buf_free(&names);
}

static void super_on_report(struct timer *t, int64_t now_ms)
{
    report_waiting(container_of(t, struct super, report));
    timer_set(t, now_ms + REPORT_MS);
}

void super_stop_init(struct super *s)
{
    timer_init(&s->report, loop_timers(s->engine.loop), super_on_report);
}

static void begin(struct super *s, enum super_mood mood)
{
    if (s->mood == MOOD_SHUTDOWN)
        return;
    bool under_way = s->mood == MOOD_RESTARTING;
    s->mood = mood;
    if (under_way)
        return;
    s->engine.starts_allowed = false;
    s->stopping = s->count;
    s->changes_seen = s->engine.state_changes - 1;
    event_emit(&s->engine.bus,
               &(struct event){.type = EVENT_SUPERVISOR_STATE_CHANGE_STOPPING});
    timer_set(&s->report, mono_ms() + REPORT_MS);
    loop_again(s->engine.loop); /* the hook at the end of the turn goes on from here */
}

void super_shutdown(struct super *s)
{
    begin(s, MOOD_SHUTDOWN);
}

/* A wrong file must not cost anybody a running program: it is read before anything stops.
 */
int super_restart(struct super *s, struct err *err)
{
    if (s->mood != MOOD_RUNNING)
        return 0;
    struct conf *next = conf_load(s->conf->path, s->overrides, err);
    if (next && super_ask_front(s, next, false, err) < 0) {
        conf_unref(next);
        next = NULL;
    }
    if (!next) {
        log_error("the configuration is not read again, everything stays as it is: %s",
                  err->text);
        return -1;
    }
    s->restart_conf = next;
    s->wants_base = true;
    begin(s, MOOD_RESTARTING);
    return 0;
}

struct conf *super_take_restart_conf(struct super *s)
{
    struct conf *conf = s->mood == MOOD_RESTARTING ? s->restart_conf : NULL;
    if (conf) {
        s->restart_conf = NULL;
        s->wants_base = true;
    }
    return conf;
}

void super_stop_turn(struct super *s)
{
    if (s->changes_seen == s->engine.state_changes)
        return;
    bool first = s->stopping == s->count;
    while (s->stopping > 0) {
        struct group *g = s->groups[s->stopping - 1];
        /* Told again each time something changed: a process may have been between states.
         */
        group_stop_all(g);
        if (group_unstopped(g) > 0)
            break;
        s->stopping--;
    }
    if (first)
        report_waiting(s);
    s->changes_seen = s->engine.state_changes;
    if (s->stopping == 0)
        loop_stop(s->engine.loop);
}
