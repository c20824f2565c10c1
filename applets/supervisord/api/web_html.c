#include "applets/supervisord/api/web_html.h"

#include "core/base/utf8.h"

#include <string.h>

static const char *entity_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    case '\0':
        return "\xef\xbf\xbd";
    default:
        return NULL;
    }
}

int html_text(struct buf *out, const char *text, size_t n)
{
    for (size_t i = 0; i < n;) {
        const char *entity = NULL;
        uint32_t rune;
        size_t run = i, length = 1;
        while (run < n && (entity = entity_of(text[run])) == NULL) {
            length = utf8_decode(text + run, n - run, &rune);
            if (length == 0)
                break;
            run += length;
        }
        if (buf_append(out, text + i, run - i) < 0)
            return -1;
        if (run < n) {
            if (buf_puts(out, entity ? entity : "\xef\xbf\xbd") < 0)
                return -1;
            run += entity ? 1 : utf8_step(text + run, n - run);
        }
        i = run;
    }
    return 0;
}

int html_str(struct buf *out, const char *text)
{
    return text ? html_text(out, text, strlen(text)) : 0;
}

static int put_mark(struct buf *out, struct span name, const struct html_mark *marks,
                    void *arg)
{
    for (const struct html_mark *m = marks; m->name; m++)
        if (span_eq(name, m->name))
            return m->put(out, arg);
    if (buf_puts(out, "{{") < 0 || buf_append(out, name.ptr, name.len) < 0)
        return -1;
    return buf_puts(out, "}}");
}

int html_template(struct buf *out, struct span text, const struct html_mark *marks,
                  void *arg)
{
    if (!text.ptr)
        return -1;
    const char *at = text.ptr, *end = text.ptr + text.len;
    while (at < end) {
        const char *mark = memmem(at, (size_t)(end - at), "{{", 2);
        const char *close = mark ? memmem(mark, (size_t)(end - mark), "}}", 2) : NULL;
        if (!close)
            return buf_append(out, at, (size_t)(end - at));
        struct span name = {mark + 2, (size_t)(close - mark) - 2};
        if (buf_append(out, at, (size_t)(mark - at)) < 0 ||
            put_mark(out, name, marks, arg) < 0)
            return -1;
        at = close + 2;
    }
    return 0;
}

int html_bytes(struct buf *out, int64_t bytes)
{
    static const char *const units[] = {"KB", "MB", "GB", "TB"};
    int64_t kb = bytes / 1024;
    size_t unit = 0;
    int64_t tenths = kb * 10;
    while (tenths >= 10240 && unit + 1 < array_len(units)) {
        tenths /= 1024;
        unit++;
    }
    if (unit == 0 || tenths >= 1000)
        return buf_printf(out, "%lld %s", (long long)(tenths / 10), units[unit]);
    return buf_printf(out, "%lld.%lld %s", (long long)(tenths / 10),
                      (long long)(tenths % 10), units[unit]);
}

int html_percent(struct buf *out, int64_t milli_percent)
{
    int64_t tenths = (milli_percent + 50) / 100;
    return buf_printf(out, "%lld.%lld %%", (long long)(tenths / 10),
                      (long long)(tenths % 10));
}

int html_duration(struct buf *out, int64_t secs)
{
    static const struct {
        int64_t secs;
        const char *unit;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    size_t u = 0;
    if (secs < 0)
        secs = 0;
    while (u + 1 < array_len(units) && secs < units[u].secs)
        u++;
    if (buf_printf(out, "%lld %s", (long long)(secs / units[u].secs), units[u].unit) < 0)
        return -1;
    if (u + 1 == array_len(units))
        return 0;
    return buf_printf(out, " %lld %s",
                      (long long)(secs % units[u].secs / units[u + 1].secs),
                      units[u + 1].unit);
}
