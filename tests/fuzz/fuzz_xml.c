/* The XML tokenizer on any bytes; and any bytes written as text must come back as one
 * text, with as many characters as the cleaned bytes have. */
#include "core/base/utf8.h"
#include "core/wire/xml.h"

#include <stdlib.h>
#include <string.h>

static void walk(const char *data, size_t size, size_t max_text)
{
    enum xml_token token;
    size_t depth = 0;
    struct xml x;

    xml_init(&x, data, size, max_text);
    while ((token = xml_next(&x)) < XML_END) {
        if (token == XML_OPEN)
            depth++;
        if (token == XML_CLOSE && depth-- == 0)
            abort();
        if (token == XML_TEXT && (x.text.len == 0 || x.text.len > max_text ||
                                  !utf8_valid(buf_data(&x.text), x.text.len)))
            abort();
    }
    if (depth > XML_MAX_DEPTH || (token == XML_END && depth != 0))
        abort();
    if (token == XML_ERROR && (x.err.code == ERR_NONE || xml_next(&x) != XML_ERROR))
        abort();
    xml_free(&x);
}

static size_t count_chars(const struct buf *b)
{
    size_t count = 0;

    for (size_t i = 0; i < b->len; i += utf8_step(buf_data(b) + i, b->len - i))
        count++;
    return count;
}

static void check_written(const char *data, size_t size)
{
    struct buf doc, clean;
    struct xml x;

    buf_init(&doc, BUF_NO_LIMIT);
    buf_init(&clean, BUF_NO_LIMIT);
    if (buf_puts(&doc, "<a>") < 0 || xml_write_text(&doc, data, size) < 0 ||
        buf_puts(&doc, "</a>") < 0 || utf8_clean(&clean, data, size) < 0)
        abort();
    xml_init(&x, buf_data(&doc), doc.len, doc.len);
    if (xml_next(&x) != XML_OPEN || (size > 0 && xml_next(&x) != XML_TEXT) ||
        xml_next(&x) != XML_CLOSE)
        abort();
    if (count_chars(&x.text) != count_chars(&clean) || xml_next(&x) != XML_END)
        abort();
    xml_free(&x);
    buf_free(&doc);
    buf_free(&clean);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size ? size : 1);

    memcpy(copy, data, size);
    walk(copy, size, size);
    walk(copy, size, 10);
    check_written(copy, size);
    free(copy);
    return 0;
}
