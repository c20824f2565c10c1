/* Typed values and file patterns: the first byte picks the parser, the rest is its text.
 */
#include "config/include.h"
#include "config/value.h"

#include "core/base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int any_item(void *arg, const char *item)
{
    *(size_t *)arg += strlen(item);
    return 0;
}

static void others(struct pool *pool, const char *text, struct err *err)
{
    struct value_ints ints;
    enum log_target target;
    char *one = NULL;
    int port;
    size_t total = 0;
    value_exitcodes(pool, text, &ints, err);
    value_inet(pool, text, &one, &port, err);
    value_name(pool, text, &one, err);
    value_list_each(text, any_item, &total);
    if (!strchr(text, '~')) /* no look-ups in the passwd file */
        value_log(pool, text, &target, &one, err);
    size_t half = strlen(text) / 2;
    include_match((struct span){text, half}, text + half);
    if (half > 0 && !strpbrk(text, "*?[") && !include_match(span_of(text), text))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static value_parser *const parsers[] = {
        value_text,   value_bool,  value_int,         value_bytes,   value_mode,
        value_signal, value_pairs, value_autorestart, value_loglevel};
    union {
        int64_t number;
        char *text;
        struct env_conf pairs;
    } to = {0};
    struct err err = {0};
    if (size == 0)
        return 0;
    struct pool *pool = pool_new();
    char *text = xstrndup((const char *)data + 1, size - 1);
    size_t which = data[0] % (array_len(parsers) + 1);
    if (which == array_len(parsers))
        others(pool, text, &err);
    else if (parsers[which](pool, text, &to, &err) < 0 && err.text[0] == '\0')
        abort();
    free(text);
    pool_free(pool);
    return 0;
}
