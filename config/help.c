/* Finds a topic in help.txt: see help.h. */
#include "config/help.h"

#include "core/base/alloc.h"
#include "core/base/inflate.h"

#include <stdlib.h>
#include <string.h>

extern const char help_txt[];
extern const size_t help_txt_len;

static int put_with_name(struct buf *out, const char *text, size_t n, const char *program)
{
    static const char word[] = "PROGRAM";
    const char *end = text + n, *found;
    while ((found = memmem(text, (size_t)(end - text), word, sizeof word - 1))) {
        if (buf_append(out, text, (size_t)(found - text)) < 0 ||
            buf_puts(out, program) < 0)
            return -1;
        text = found + sizeof word - 1;
    }
    return buf_append(out, text, (size_t)(end - text));
}

int help_text(struct buf *out, const char *topic, const char *program)
{
    char *heading = xasprintf("\n[%s]\n", topic);
    struct buf all;
    int rc = -1;
    buf_init(&all, BUF_NO_LIMIT);
    if (inflate(&all, help_txt, help_txt_len) == 0) {
        const char *from = strstr(buf_str(&all), heading);
        if (from) {
            from += strlen(heading);
            const char *next = strstr(from, "\n[");
            size_t n = next ? (size_t)(next + 1 - from) : strlen(from);
            rc = put_with_name(out, from, n, program);
        }
    }
    buf_free(&all);
    free(heading);
    return rc;
}

void help_print(FILE *file, const char *topic, const char *program)
{
    struct buf text;
    buf_init(&text, BUF_NO_LIMIT);
    if (help_text(&text, topic, program) == 0)
        fputs(buf_str(&text), file);
    buf_free(&text);
}
