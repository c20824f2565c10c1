#include "applets/supervisord/api/web_files.h"

#include "applets/supervisord/api/web.h"
#include "core/base/inflate.h"

#include <string.h>

/* name, C name, media type */
#define FILES(F)                                                                         \
    F("page.html", page_html, "text/html;charset=utf-8")                                 \
    F("row.html", row_html, "text/html;charset=utf-8")                                   \
    F("group.html", group_html, "text/html;charset=utf-8")                               \
    F("tail.html", tail_html, "text/html;charset=utf-8")                                 \
    F("style.css", style_css, "text/css;charset=utf-8")                                  \
    F("page.js", page_js, "text/javascript;charset=utf-8")                               \
    F("log.js", log_js, "text/javascript;charset=utf-8")                                 \
    F("icon.svg", icon_svg, "image/svg+xml")

#define DECLARE(file, symbol, media)                                                     \
    extern const char web_##symbol[];                                                    \
    extern const size_t web_##symbol##_len;
FILES(DECLARE)

#define ROW(file, symbol, media) {file, web_##symbol, &web_##symbol##_len, media},
static const struct {
    const char *name, *text;
    const size_t *length; /* the linker knows it, not the compiler */
    const char *media;
} files[] = {FILES(ROW)};

static size_t find(const char *name)
{
    size_t i = 0;
    while (i < array_len(files) && strcmp(files[i].name, name) != 0)
        i++;
    return i;
}

struct span web_file_text(const char *name)
{
    static struct buf unpacked[array_len(files)];
    size_t i = find(name);
    if (i == array_len(files))
        return (struct span){NULL, 0};
    struct buf *text = &unpacked[i];
    if (text->len == 0) {
        buf_init(text, BUF_NO_LIMIT);
        if (inflate(text, files[i].text, *files[i].length) < 0) {
            buf_free(text);
            return (struct span){NULL, 0};
        }
    }
    return (struct span){buf_data(text), text->len};
}

void web_file(struct http_exchange *x, void *arg)
{
    size_t i = find(arg);
    if (i == array_len(files)) {
        http_respond_error(x, 404, NULL);
        return;
    }
    if (inflate(http_exchange_body(x), files[i].text, *files[i].length) < 0) {
        http_respond_error(x, 500, NULL); /* out of memory */
        return;
    }
    http_exchange_header(x, "X-Content-Type-Options", "nosniff");
    /* the pages name it with ?v=BOOT, which is new with each start */
    http_exchange_header(x, "Cache-Control", "private, max-age=86400");
    http_respond(x, 200, files[i].media);
}
