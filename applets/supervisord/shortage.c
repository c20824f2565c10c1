#include "applets/supervisord/shortage.h"

#include "core/base/alloc.h"
#include "core/base/log.h"
#include "core/io/fd.h"

#include <signal.h>
#include <unistd.h>

/* A start of a program takes some ten kilobytes for a moment; this is for hundreds of
 * them, and for what a crash loop leaves behind in the allocator. */
enum { RESERVE_BYTES = 1 << 20, RETRY_MS = 250, OVER_MS = 2000 };

/* True when the state of one kind changed in a way to be told: at once when it begins,
 * and when it has been over for a while, since on the brink it comes and goes. */
static bool is_news(struct shortage_kind *k, bool good, int64_t now_ms)
{
    if (!good)
        k->last_ms = now_ms;
    if (k->told ? good && now_ms - k->last_ms >= OVER_MS : !good) {
        k->told = !k->told;
        return true;
    }
    return false;
}

/* Every turn, which costs two comparisons as long as nothing is missing. */
static void look(void *arg)
{
    struct shortage *s = arg;
    bool was_short = alloc_is_short(), descriptors = fd_spares_fill();
    int64_t now_ms = loop_now_ms(s->loop);
    if (is_news(&s->memory, !was_short, now_ms)) {
        if (s->memory.told)
            log_crit(
                "out of memory: using the reserve, and refusing requests until there "
                "is memory again");
        else
            log_warn("there is memory again");
    }
    if (was_short)
        alloc_recover();
    if (is_news(&s->descriptors, descriptors, now_ms)) {
        if (s->descriptors.told)
            log_crit("out of file descriptors: %zu of %d spare ones are left",
                     fd_spares_left(), FD_SPARES);
        else
            log_warn("there are file descriptors again");
    }
    if (!s->memory.told && !s->descriptors.told)
        timer_cancel(&s->retry);
    else if (!timer_is_set(&s->retry))
        timer_set(&s->retry, now_ms + RETRY_MS);
}

/* It only makes a turn, at whose end look() is called. */
static void turn(struct timer *t, int64_t now_ms)
{
    UNUSED(t);
    UNUSED(now_ms);
}

/* Where a crash is survived (core/io/crash.h), the next image of this process goes on
 * from the record with memory of its own; the programs do not notice. */
static void last_words(void)
{
    log_crit("out of memory for too long, beginning anew");
    kill(getpid(), SIGABRT);
}

void shortage_begin(struct shortage *s, struct loop *loop)
{
    *s = (struct shortage){.loop = loop};
    timer_init(&s->retry, loop_timers(loop), turn);
    timer_set(&s->retry, 0); /* so that the timers have room for it later */
    timer_cancel(&s->retry);
    loop_add_hook(loop, HOOK_END, &s->at_end, look, s);
    alloc_set_oom_hook(last_words);
    alloc_keep_reserve(
        RESERVE_BYTES); /* spare descriptors come at the first turn's end */
}

void shortage_end(struct shortage *s)
{
    loop_del_hook(&s->at_end);
    timer_cancel(&s->retry);
    alloc_set_oom_hook(NULL);
    alloc_keep_reserve(0);
}
