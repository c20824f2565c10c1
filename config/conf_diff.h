/* What a new configuration changes: the three lists of reread.
 * Source: upstream supervisord.py diff_to_active, options.py ProcessConfig comparison. */
#ifndef CONFIG_CONF_DIFF_H
#define CONFIG_CONF_DIFF_H

#include "config/conf.h"

/* True if both would run the same. An AUTO log equals any earlier AUTO. */
bool conf_group_equal(const struct group_conf *a, const struct group_conf *b);

struct conf_diff { /* names, borrowed from the configurations; sorted by name */
    const char **added, **changed, **removed;
    size_t added_count, changed_count, removed_count;
};

/* active: the groups now running. */
void conf_diff(struct conf_diff *d, const struct group_conf *const *active,
               size_t active_count, const struct conf *next);
void conf_diff_free(struct conf_diff *d);

#endif
