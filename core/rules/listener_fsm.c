#include "core/rules/listener_fsm.h"

#include "core/base/alloc.h"
#include "core/base/num.h"
#include "core/base/pytext.h"

#include <stdlib.h>
#include <string.h>

static const char ready_token[] = "READY\n";

enum { READY_LEN = sizeof ready_token - 1, RESULT_LEN = sizeof "RESULT " - 1 };
/* A line that announces a result is short; what is longer is none. */
enum { MAX_LINE_BYTES = 256 };

const char *listener_state_name(enum listener_state s)
{
    switch (s) {
    case LISTENER_READY:
        return "READY";
    case LISTENER_BUSY:
        return "BUSY";
    case LISTENER_ACKNOWLEDGED:
        return "ACKNOWLEDGED";
    case LISTENER_UNKNOWN:
        break;
    }
    return "UNKNOWN";
}

void listener_init(struct listener *l)
{
    *l = (struct listener){.state = LISTENER_ACKNOWLEDGED, .result_len = -1};
}

void listener_free(struct listener *l)
{
    free(l->held);
    *l = (struct listener){.state = LISTENER_UNKNOWN, .result_len = -1};
}

static void hold(struct listener *l, const char *data, size_t n)
{
    if (l->held_len + n > l->held_cap) {
        l->held_cap = l->held_len + n + 64;
        l->held = xreallocarray(l->held, l->held_cap, 1);
    }
    memcpy(l->held + l->held_len, data, n);
    l->held_len += n;
}

void listener_resume(struct listener *l, int state, int64_t result_len, unsigned doubts,
                     const char *held, size_t n)
{
    static const enum listener_state all[] = {LISTENER_READY, LISTENER_BUSY,
                                              LISTENER_ACKNOWLEDGED, LISTENER_UNKNOWN};
    listener_free(l);
    listener_init(l);
    for (size_t i = 0; i < array_len(all); i++)
        if (state == (int)all[i])
            l->state = all[i];
    if (result_len >= 0 && result_len <= LISTENER_MAX_RESULT_BYTES)
        l->result_len = result_len;
    if (n > 0 && n <= LISTENER_MAX_RESULT_BYTES + MAX_LINE_BYTES)
        hold(l, held, n);
    l->doubts = doubts + 1;
}

void listener_sent(struct listener *l)
{
    l->state = LISTENER_BUSY;
    l->result_len = -1;
}

/* Each of the following looks at the bytes held, and returns how many it used up, 0 when
 * they do not decide anything yet. */

static size_t break_off(struct listener *l, enum listener_news news, const char *line,
                        size_t line_len, listener_emit *emit, void *arg)
{
    l->state = LISTENER_UNKNOWN;
    emit(arg, news, line, line_len);
    return l->held_len; /* nothing that follows means anything */
}

static size_t expect_ready(struct listener *l, const char *p, size_t n,
                           listener_emit *emit, void *arg)
{
    size_t seen = n < READY_LEN ? n : READY_LEN;
    if (memcmp(p, ready_token, seen) != 0)
        return break_off(l, LISTENER_NEWS_BROKEN, "", 0, emit, arg);
    if (n < READY_LEN)
        return 0;
    l->state = LISTENER_READY;
    emit(arg, LISTENER_NEWS_READY, "", 0);
    return READY_LEN;
}

/* Upstream takes what stands behind the first seven bytes, whatever they are, through
 * Python's int(): spaces, a carriage return and a plus sign do not hurt, and listeners
 * that send them work. */
static int parse_result_line(const char *line, size_t n, int64_t *len)
{
    char number[MAX_LINE_BYTES + 1];
    if (n <= RESULT_LEN || n > MAX_LINE_BYTES)
        return -1;
    struct span s = py_strip((struct span){line + RESULT_LEN, n - RESULT_LEN});
    if (s.len > 1 && s.ptr[0] == '+') {
        s.ptr++;
        s.len--;
    }
    if (s.len == 0)
        return -1;
    memcpy(number, s.ptr, s.len);
    number[s.len] = '\0';
    return parse_int(number, 0, LISTENER_MAX_RESULT_BYTES, len);
}

static size_t expect_result_line(struct listener *l, const char *p, size_t n,
                                 listener_emit *emit, void *arg)
{
    const char *newline = memchr(p, '\n', n);
    if (!newline && n <= MAX_LINE_BYTES)
        return 0;
    size_t line_len = newline ? (size_t)(newline - p) : n;
    if (parse_result_line(p, line_len, &l->result_len) < 0) {
        if (line_len > MAX_LINE_BYTES) /* however much has come by now */
            line_len = MAX_LINE_BYTES;
        return break_off(l, LISTENER_NEWS_BAD_LINE, p, line_len, emit, arg);
    }
    return line_len + 1;
}

static size_t expect_result_body(struct listener *l, const char *p, size_t n,
                                 listener_emit *emit, void *arg)
{
    size_t want = (size_t)l->result_len;
    if (n < want)
        return 0;
    l->state = LISTENER_ACKNOWLEDGED;
    l->result_len = -1;
    emit(arg, LISTENER_NEWS_RESULT, p, want);
    return want;
}

/* One step over the bytes held; false when it has to wait for more. */
static bool step(struct listener *l, size_t *at, listener_emit *emit, void *arg)
{
    const char *p = l->held + *at;
    size_t n = l->held_len - *at, used = 0;
    bool empty_body = l->state == LISTENER_BUSY && l->result_len == 0;
    if (n == 0 && !empty_body)
        return false;
    switch (l->state) {
    case LISTENER_ACKNOWLEDGED:
        used = expect_ready(l, p, n, emit, arg);
        break;
    case LISTENER_READY: /* it speaks out of turn */
        if (l->doubts > 0) {
            l->doubts--;
            listener_sent(l);
            return true;
        }
        used = break_off(l, LISTENER_NEWS_BROKEN, "", 0, emit, arg);
        break;
    case LISTENER_BUSY:
        used = l->result_len < 0 ? expect_result_line(l, p, n, emit, arg)
                                 : expect_result_body(l, p, n, emit, arg);
        break;
    case LISTENER_UNKNOWN:
        used = n;
        break;
    }
    *at += used < n ? used : n;
    return used > 0 || (empty_body && l->state == LISTENER_ACKNOWLEDGED);
}

void listener_feed(struct listener *l, const char *data, size_t n, listener_emit *emit,
                   void *arg)
{
    size_t at = 0;
    if (l->state == LISTENER_UNKNOWN)
        return;
    hold(l, data, n);
    while (step(l, &at, emit, arg))
        ;
    memmove(l->held, l->held + at, l->held_len - at);
    l->held_len -= at;
}
