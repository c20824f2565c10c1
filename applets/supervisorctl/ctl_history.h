/* Lines typed before: a bounded list, kept in a file between sessions. */
#ifndef APPLETS_SUPERVISORCTL_CTL_HISTORY_H
#define APPLETS_SUPERVISORCTL_CTL_HISTORY_H

#include "core/base/str.h"

#define HISTORY_MAX 1000

struct history {
    struct strv lines; /* oldest first */
};

/* Adds a line, unless it is empty or repeats the last one; the oldest goes when full. */
void history_add(struct history *h, const char *line);
/* The newest line with an index below `before` that holds `part`; its index, or -1. */
int history_search(const struct history *h, size_t before, const char *part);
void history_free(struct history *h); /* leaves an empty one */

/* A file that is missing or cannot be read gives no lines. */
void history_load(struct history *h, const char *path);
/* Replaces the file, mode 0600. 0, or -1 with errno. */
int history_save(const struct history *h, const char *path);

#endif
