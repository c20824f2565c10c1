/* Processor time and memory of every process, sampled while somebody looks. A round goes
 * through all processes in small batches, so that a thousand of them do not hold up the
 * loop; rounds come further apart the more there are, so that they cost well under one
 * percent of a processor. */
#ifndef APPLETS_SUPERVISORD_API_WEB_USAGE_H
#define APPLETS_SUPERVISORD_API_WEB_USAGE_H

#include "applets/supervisord/super.h"
#include "core/base/list.h"

struct web_usage;

struct web_sample {
    uint64_t id;       /* of the process; 0: supervisord itself */
    int64_t cpu_milli; /* thousandths of a percent of one processor; -1: not known */
    int64_t rss_bytes; /* -1: not known */
    bool changed;      /* visibly, since the last round */
    /* its own affair */
    int pid;
    int64_t total_ms, at_ms;
    unsigned round;
    struct list link;
};

/* done: called after each round; borrowed with arg. */
struct web_usage *web_usage_new(struct super *super, void (*done)(void *arg), void *arg);
void web_usage_free(struct web_usage *u); /* NULL is fine */
/* Somebody looks (from now on): each hold needs its release. */
void web_usage_hold(struct web_usage *u);
void web_usage_release(struct web_usage *u);
/* Somebody looked: samples go on for half a minute. */
void web_usage_touch(struct web_usage *u);
/* NULL where none was taken yet. Borrowed until the next turn. */
const struct web_sample *web_usage_of(const struct web_usage *u, uint64_t id);

#endif
