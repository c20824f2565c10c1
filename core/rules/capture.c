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

/* Where the next token stands, or the piece of one that the end of the data cuts; end:
 * nowhere. '<' stands only at a token's beginning: so a piece of one begins at the last
 * '<', and after a mismatch there is nothing to fall back to. The first '<' is tried by
 * itself: where tokens are close together, memmem takes longer to prepare than to find.
 */
static const char *find_token(const char *token, size_t len, const char *p,
                              const char *end)
{
    const char *first = memchr(p, '<', (size_t)(end - p));
    if (!first)
        return end;
    size_t left = (size_t)(end - first);
    if (left >= len) {
        if (memcmp(first, token, len) == 0)
            return first;
        p = memmem(first + 1, left - 1, token, len);
        if (p)
            return p;
        left = len - 1;
    }
    p = memrchr(end - left, '<', left);
    return p && memcmp(p, token, (size_t)(end - p)) == 0 ? p : end;
}

static void pass_token(struct capture *c, capture_emit *emit, void *arg)
{
    bool was_inside = c->inside;
    c->inside = !was_inside;
    c->matched = 0;
    if (was_inside)
        emit(arg, CAPTURE_END, NULL, 0);
}

/* Goes on with a token that the end of the last data cut. How many bytes of these it
 * took.
 */
static size_t finish_token(struct capture *c, const char *data, size_t n,
                           capture_emit *emit, void *arg)
{
    size_t len, used = 0;
    const char *token = token_of(c, &len);
    while (used < n && c->matched < len && data[used] == token[c->matched]) {
        c->matched++;
        used++;
    }
    if (c->matched == len)
        pass_token(c, emit, arg);
    else if (used < n) /* it was none */
        give_back(c, emit, arg);
    return used;
}

/* What only looked like a token is emitted with what is around it: each segment costs a
 * write, and there is a '<' in every other line of markup. */
void capture_feed(struct capture *c, const char *data, size_t n, capture_emit *emit,
                  void *arg)
{
    const char *end = data + n;
    if (c->matched > 0)
        data += finish_token(c, data, n, emit, arg);
    while (data < end) {
        size_t len;
        const char *token = token_of(c, &len);
        const char *found = find_token(token, len, data, end);
        if (found > data)
            emit(arg, kind_of(c), data, (size_t)(found - data));
        if ((size_t)(end - found) < len) {
            c->matched = (unsigned char)(end - found);
            return;
        }
        pass_token(c, emit, arg);
        data = found + len;
    }
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
