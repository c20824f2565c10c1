/* What a listener writes, cut in any way: the news and the state are the same as when it
 * comes at once. The first byte says how to cut and whether an event is sent as soon as
 * it is ready. */
/* links: core/rules/listener_fsm.c core/base/alloc.c core/base/buf.c core/base/num.c
 * core/base/err.c core/base/str.c core/base/pytext.c core/base/utf8.c */
#include "core/base/buf.h"
#include "core/rules/listener_fsm.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct talk {
    struct listener l;
    struct buf told;
    bool answer_ready;
};

static void note(void *arg, enum listener_news news, const char *result, size_t n)
{
    struct talk *talk = arg;
    buf_putc(&talk->told, (char)('0' + news));
    buf_put_int(&talk->told, talk->l.state);
    if (news == LISTENER_NEWS_RESULT || news == LISTENER_NEWS_BAD_LINE)
        buf_append(&talk->told, result, n);
    if (news == LISTENER_NEWS_READY && talk->answer_ready)
        listener_sent(&talk->l);
}

static void run(struct talk *talk, const char *data, size_t n, size_t piece)
{
    listener_init(&talk->l);
    buf_init(&talk->told, BUF_NO_LIMIT);
    for (size_t at = 0; at < n; at += piece)
        listener_feed(&talk->l, data + at, n - at < piece ? n - at : piece, note, talk);
    if (talk->l.held_len > LISTENER_MAX_RESULT_BYTES)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct talk whole = {.answer_ready = data[0] & 1}, cut = whole;
    run(&whole, (const char *)data + 1, size - 1, size);
    run(&cut, (const char *)data + 1, size - 1, 1u + (data[0] >> 1) % 16);
    if (whole.l.state != cut.l.state || whole.told.len != cut.told.len ||
        (whole.told.len > 0 &&
         memcmp(buf_data(&whole.told), buf_data(&cut.told), whole.told.len) != 0))
        abort();
    listener_free(&whole.l);
    listener_free(&cut.l);
    buf_free(&whole.told);
    buf_free(&cut.told);
    return 0;
}
