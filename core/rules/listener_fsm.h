/* The protocol that an event listener speaks on its standard output: READY, RESULT n and
 * n bytes. Pure: a listener's bytes go in, what they mean comes out. Source: Supervisor
 * manual, "Event Listener Notification Protocol"; upstream dispatchers.py,
 * PEventListenerDispatcher. */
#ifndef CORE_RULES_LISTENER_FSM_H
#define CORE_RULES_LISTENER_FSM_H

#include "core/base/util.h"

enum listener_state {                      /* upstream's numbers */
                      LISTENER_READY = 10, /* may be sent an event */
                      LISTENER_BUSY = 20,  /* has been sent one */
                      LISTENER_ACKNOWLEDGED =
                          30, /* has answered, or has just been started */
                      LISTENER_UNKNOWN =
                          40 /* broke the protocol; nothing more is expected of it */
};

enum listener_news {
    LISTENER_NEWS_READY,    /* ACKNOWLEDGED -> READY */
    LISTENER_NEWS_RESULT,   /* BUSY -> ACKNOWLEDGED; result holds the answer's bytes */
    LISTENER_NEWS_BAD_LINE, /* BUSY -> UNKNOWN; result holds the line */
    LISTENER_NEWS_BROKEN    /* another state -> UNKNOWN */
};

#define LISTENER_MAX_RESULT_BYTES (1u << 20)

struct listener {
    enum listener_state state;
    char *held; /* bytes that do not decide anything yet; owned */
    size_t held_len, held_cap;
    int64_t result_len; /* announced by RESULT; -1: not yet */
    /* So many events it may have been sent that nobody remembers: as many answers out of
     * turn are no breach of the protocol. */
    unsigned doubts;
};

void listener_init(struct listener *l); /* ACKNOWLEDGED, as when just started */
void listener_free(struct listener *l);
/* Goes on where another one was: foreign values and so checked. That one may have sent it
 * an event in its last moment: one doubt more than it had. */
void listener_resume(struct listener *l, int state, int64_t result_len, unsigned doubts,
                     const char *held, size_t n);
/* An event was written to it: READY -> BUSY. */
void listener_sent(struct listener *l);

/* What bytes mean, in order; state has changed already when news comes. result dies with
 * the call. The callback may call listener_sent (after READY). The outcome does not
 * depend on how the bytes are cut. Bytes from an UNKNOWN listener are dropped. */
typedef void listener_emit(void *arg, enum listener_news news, const char *result,
                           size_t n);
void listener_feed(struct listener *l, const char *data, size_t n, listener_emit *emit,
                   void *arg);
const char *listener_state_name(enum listener_state s);

#endif
