#include "core/rules/capture.h"

#include <string.h>

static const char begin_token[] = "<!--XSUPERVISOR:BEGIN-->";
static const char end_token[] = "<!--XSUPERVISOR:END-->";

static const char *token_of(const struct capture *c, size_t *len)
{
    *len = (c->inside ? sizeof end_token : sizeof begin_token) - 1;
    return c->inside ? end_token : begin_token;
}

static enum capture_kind kind_of(const struct capture *c)
{
    return c->inside ? CAPTURE_CAPTURED : CAPTURE_PLAIN;
}

static void give_back(struct capture *c, capture_emit *emit, void *arg)
{
    size_t len;
    if (c->matched > 0)
        emit(arg, kind_of(c), token_of(c, &len), c->matched);
    c->matched = 0;
}

/* '<' stands only at a token's beginning, so that after a mismatch no part of what
 * matched can be the beginning of another match: there is nothing to fall back to.
 * What only looked like a token is emitted with what is around it: each segment costs a
 * write, and there is a '<' in every other line of markup. */
void capture_feed(struct capture *c, const char *data, size_t n, capture_emit *emit,
                  void *arg)
{
    const char *end = data + n;
    const char *from = data; /* not emitted yet, unless it is a part of a token */
    const char *p = data;
    while (p < end) {
        size_t len;
        const char *token = token_of(c, &len);
        bool began_before = c->matched > 0;
        if (!began_before) {
            p = memchr(p, '<', (size_t)(end - p));
            if (!p)
                break;
        }
        const char *start = p;
        while (p < end && c->matched < len && *p == token[c->matched]) {
            c->matched++;
            p++;
        }
        if (c->matched < len && p < end) { /* not a token */
            if (began_before) {
                give_back(c, emit, arg);
                from = p;
            }
            c->matched = 0;
            continue;
        }
        if (start > from)
            emit(arg, kind_of(c), from, (size_t)(start - from));
        if (c->matched < len)
            return;
        bool was_inside = c->inside;
        c->inside = !was_inside;
        c->matched = 0;
        if (was_inside)
            emit(arg, CAPTURE_END, NULL, 0);
        from = p;
    }
    if (from < end)
        emit(arg, kind_of(c), from, (size_t)(end - from));
}

void capture_flush(struct capture *c, capture_emit *emit, void *arg)
{
    give_back(c, emit, arg);
}

void capture_resume(struct capture *c, bool inside, size_t matched)
{
    size_t len;
    c->inside = inside;
    token_of(c, &len);
    c->matched = matched < len ? (unsigned char)matched : 0;
}
