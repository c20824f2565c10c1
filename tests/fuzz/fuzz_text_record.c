/* Any bytes as a record: no crash, every span inside the data, and what is read can be
 * written and read again to the same. */
#include "core/base/text_record.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(const struct record_reader *r, struct buf *out)
{
    struct record_writer w = {.out = out};
    char *type = span_dup(r->type);
    record_begin(&w, type);
    free(type);
    for (size_t i = 0; i < r->count; i++) {
        char *key = span_dup(r->fields[i].key);
        record_put(&w, key, r->fields[i].value.ptr, r->fields[i].value.len);
        free(key);
    }
    record_end(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record_reader r, again;
    record_open(&r, (const char *)data, size);
    while (record_next(&r) == 1) {
        struct buf out;
        buf_init(&out, BUF_NO_LIMIT);
        write_again(&r, &out);
        record_open(&again, buf_data(&out), out.len);
        if (record_next(&again) != 1 || again.count != r.count)
            abort();
        for (size_t i = 0; i < r.count; i++) {
            struct span a = r.fields[i].value, b = again.fields[i].value;
            if (a.len != b.len || (a.len && memcmp(a.ptr, b.ptr, a.len) != 0))
                abort();
        }
        buf_free(&out);
    }
    return 0;
}
