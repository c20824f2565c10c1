#include "applets/supervisord/super_priv.h"

#include "applets/supervisord/process.h"
#include "core/base/alloc.h"

#include <stdlib.h>
#include <string.h>

static void diff_with_active(struct super *s, const struct conf *next,
                             struct conf_diff *d)
{
    const struct group_conf **active = xcalloc(s->count + 1, sizeof(struct group_conf *));
    for (size_t i = 0; i < s->count; i++)
        active[i] = group_conf(s->groups[i]);
    conf_diff(d, active, s->count, next);
    free(active);
}

int super_reread(struct super *s, struct conf_diff *d, struct err *err)
{
    struct conf *next = conf_load(s->conf->path, s->overrides, err);
    if (!next)
        return -1;
    if (super_ask_front(s, next, true, err) < 0) {
        conf_unref(next);
        return -1;
    }
    conf_unref(s->conf);
    s->conf = next;
    s->engine.conf = next;
    s->wants_base = true;
    if (d)
        diff_with_active(s, next, d);
    return 0;
}

int super_add_group(struct super *s, const char *name, struct err *err)
{
    const struct group_conf *gc = conf_find_group(s->conf, name);
    if (!gc)
        return err_set(err, ERR_MISSING, "no group named '%s'", name);
    if (super_find_group(s, name))
        return err_set(err, ERR_LIMIT, "group '%s' is there already", name);
    struct group *g = group_new(&s->engine, s->conf, gc);
    super_insert_group(s, g);
    group_start_auto(g);
    return 0;
}

int super_remove_group(struct super *s, const char *name, struct err *err)
{
    struct group *g = super_find_group(s, name);
    if (!g)
        return err_set(err, ERR_MISSING, "no group named '%s'", name);
    if (group_unstopped(g) > 0)
        return err_set(err, ERR_LIMIT, "group '%s' is still running", name);
    s->wants_base = true;
    map_del(&s->by_name, group_name(g), strlen(group_name(g)));
    for (size_t i = 0; i < s->count; i++) {
        if (s->groups[i] != g)
            continue;
        event_pool_free(s->pools[i]);
        tick_update(&s->tick);
        s->count--;
        memmove(&s->groups[i], &s->groups[i + 1], (s->count - i) * sizeof s->groups[0]);
        memmove(&s->pools[i], &s->pools[i + 1], (s->count - i) * sizeof s->pools[0]);
        break;
    }
    event_emit(&s->engine.bus, &(struct event){.type = EVENT_PROCESS_GROUP_REMOVED,
                                               .group_name = group_name(g)});
    group_free(g);
    return 0;
}
