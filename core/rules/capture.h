/* Capture mode: splits a child's output at <!--XSUPERVISOR:BEGIN--> and
 * <!--XSUPERVISOR:END-->. A token may be cut anywhere between two calls; nothing is
 * buffered, since a held-back piece is always a prefix of the token that is looked for.
 * Source: Supervisor manual, "Events", PROCESS_COMMUNICATION; upstream dispatchers.py. */
#ifndef CORE_RULES_CAPTURE_H
#define CORE_RULES_CAPTURE_H

#include "core/base/util.h"

enum capture_kind {
    CAPTURE_PLAIN,    /* ordinary output */
    CAPTURE_CAPTURED, /* between the tokens */
    CAPTURE_END       /* the END token was complete; no bytes */
};

struct capture {
    bool inside;           /* behind BEGIN, before END */
    unsigned char matched; /* bytes of the next token seen already */
};

typedef void capture_emit(void *arg, enum capture_kind kind, const char *data, size_t n);

/* {0} is the state of a fresh output. emit is called in order; segments point into data
 * or at static text and die when it returns. */
void capture_feed(struct capture *c, const char *data, size_t n, capture_emit *emit,
                  void *arg);
/* Goes on where another struct capture was: its two fields, foreign and so checked. */
void capture_resume(struct capture *c, bool inside, size_t matched);
/* The output ended: emits what is held back, as what it would have been. */
void capture_flush(struct capture *c, capture_emit *emit, void *arg);

#endif
