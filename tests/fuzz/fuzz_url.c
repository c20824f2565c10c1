/* Addresses, percent coding, queries. What is encoded must decode to the same bytes. */
#include "core/base/alloc.h"
#include "core/wire/url.h"

#include <stdlib.h>
#include <string.h>

static void check_round_trip(struct span raw)
{
    struct buf coded, plain;

    buf_init(&coded, BUF_NO_LIMIT);
    buf_init(&plain, BUF_NO_LIMIT);
    if (url_encode(&coded, raw, "/") < 0 ||
        url_decode(&plain, (struct span){buf_data(&coded), coded.len}, true) < 0)
        abort();
    if (plain.len != raw.len ||
        (raw.len && memcmp(buf_data(&plain), raw.ptr, raw.len) != 0))
        abort();
    buf_free(&coded);
    buf_free(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size ? size : 1), *text = xstrndup((const char *)data, size);
    struct span raw = {copy, size};
    struct err err = {0};
    struct buf out;
    struct url url;

    memcpy(copy, data, size);
    check_round_trip(raw);
    buf_init(&out, size);
    if (url_decode(&out, raw, false) < 0) /* decoding never lengthens */
        abort();
    buf_free(&out);
    free(query_get(raw, "name"));
    if (url_parse(&url, text, &err) == 0) {
        if ((url.scheme == URL_UNIX) != (url.host == NULL) || !url.path)
            abort();
        if (url.host && (url.path[0] != '/' || url.port < 1 || url.port > 65535))
            abort();
        url_clear(&url);
    } else if (err.code == ERR_NONE || url.host || url.path) {
        abort();
    }
    free(copy);
    free(text);
    return 0;
}
