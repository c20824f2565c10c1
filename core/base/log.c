/* supervisord's own log. The one idea: a line is made once, on the stack where it is of
 * ordinary length, and handed to every sink; nothing here writes anywhere itself. */
#include "core/base/log.h"

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_SINKS = 4,
    EARLY_BYTES = 64 * 1024,
    SHORT_TEXT = 2048,
    STAMP_LEN = 23,             /* 2026-11-21 09:17:03,123 */
    PREFIX_LEN = STAMP_LEN + 6, /* and " INFO " */
    MAX_NESTING = 2             /* a sink may complain once, not for ever */
};

static struct {
    log_sink_fn *fn;
    void *arg;
} sinks[MAX_SINKS];

static enum log_level threshold = LOG_LEVEL_INFO;
static bool had_sink; /* or the early lines were given up: keep no more of them */
static struct buf early = {.max = EARLY_BYTES};
static int nesting;

// clang-format off
static const struct {
    enum log_level level;
    const char *name, *word; /* as a line shows it; as loglevel= takes it */
} levels[] = {
    { LOG_LEVEL_CRIT, "CRIT", "critical" }, { LOG_LEVEL_ERRO, "ERRO", "error" },
    { LOG_LEVEL_WARN, "WARN", "warn" },     { LOG_LEVEL_INFO, "INFO", "info" },
    { LOG_LEVEL_DEBG, "DEBG", "debug" },    { LOG_LEVEL_TRAC, "TRAC", "trace" },
    { LOG_LEVEL_BLAT, "BLAT", "blather" },
};
// clang-format on

int log_level_parse(const char *text)
{
    for (size_t i = 0; i < array_len(levels); i++)
        if (span_eq_nocase(span_of(text), levels[i].word) ||
            span_eq_nocase(span_of(text), levels[i].name))
            return (int)levels[i].level;
    return -1;
}

const char *log_level_name(enum log_level level)
{
    for (size_t i = 0; i < array_len(levels); i++)
        if (levels[i].level == level)
            return levels[i].name;
    return "INFO";
}

void log_set_level(enum log_level level)
{
    threshold = level;
}

bool log_wants(enum log_level level)
{
    return level >= threshold;
}

void log_drop_early(void)
{
    buf_free(&early);
    had_sink = true;
}

/* line is prefix and text and newline; text is the same bytes with a NUL. */
static void give(log_sink_fn *fn, void *arg, enum log_level level, const char *line,
                 size_t n, const char *text)
{
    int saved = errno;

    fn(arg, level, line, n, text);
    errno = saved;
}

/* An early line is kept as its level and length, the line, and its text with a NUL. */
struct early_head {
    enum log_level level;
    size_t n;
};

static void keep_early(enum log_level level, const char *line, size_t n, const char *text)
{
    struct early_head head = {level, n};
    size_t text_n = n - PREFIX_LEN; /* the newline gives way to the NUL */

    if (sizeof head + n + text_n > early.max - early.len)
        return;
    if (buf_append(&early, &head, sizeof head) < 0)
        return;
    size_t before = early.len - sizeof head;
    if (buf_append(&early, line, n) < 0 || buf_append(&early, text, text_n) < 0)
        buf_truncate(&early, before);
}

static void replay_early(log_sink_fn *fn, void *arg)
{
    struct buf lines = early; /* the sink may log: those lines are no longer early */

    buf_init(&early, EARLY_BYTES);
    while (lines.len > 0) {
        struct early_head head;
        memcpy(&head, buf_data(&lines), sizeof head);
        const char *line = buf_data(&lines) + sizeof head;
        give(fn, arg, head.level, line, head.n, line + head.n);
        buf_consume(&lines, sizeof head + 2 * head.n - PREFIX_LEN);
    }
    buf_free(&lines);
}

int log_add_sink(log_sink_fn *fn, void *arg)
{
    for (int i = 0; i < MAX_SINKS; i++)
        if (!sinks[i].fn) {
            sinks[i].fn = fn;
            sinks[i].arg = arg;
            if (!had_sink) {
                had_sink = true;
                replay_early(fn, arg);
            }
            return i;
        }
    return -1;
}

void log_remove_sink(int handle)
{
    if (handle >= 0 && handle < MAX_SINKS)
        sinks[handle].fn = NULL;
}

/* The stamp and level; the local time is worked out once a second. */
static void put_prefix(char out[PREFIX_LEN + 1], enum log_level level)
{
    static char second[64];
    static time_t made_for = (time_t)-1;
    struct timespec now;

    wall_now(&now);
    if (now.tv_sec != made_for) {
        struct tm tm = {0};
        tzset(); /* localtime_r need not */
        localtime_r(&now.tv_sec, &tm);
        /* the remainders do nothing but tell the compiler that all of it fits */
        snprintf(second, sizeof second, "%04d-%02d-%02d %02d:%02d:%02d",
                 (tm.tm_year + 1900) % 10000, (tm.tm_mon + 1) % 100, tm.tm_mday % 100,
                 tm.tm_hour % 100, tm.tm_min % 100, tm.tm_sec % 100);
        made_for = now.tv_sec;
    }
    snprintf(out, PREFIX_LEN + 1, "%.19s,%03d %.4s ", second,
             (int)(now.tv_nsec / 1000000), log_level_name(level));
}

/* Copies n bytes with control characters as \xNN, except those in keep; returns the
 * length, at most 4 n. */
static size_t put_escaped(char *out, const char *text, size_t n, const char *keep)
{
    static const char digits[] = "0123456789abcdef";
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c >= 0x20 && c != 0x7f) || (c != '\0' && strchr(keep, c))) {
            out[len++] = (char)c;
            continue;
        }
        out[len++] = '\\';
        out[len++] = 'x';
        out[len++] = digits[c >> 4];
        out[len++] = digits[c & 15];
    }
    return len;
}

/* line has room for the prefix, 4 n bytes and the newline; text for 4 n + 1. */
static void emit(enum log_level level, const char *raw, size_t n, const char *keep,
                 char *line, char *text)
{
    size_t len = put_escaped(text, raw, n, keep), line_n = PREFIX_LEN + len + 1;
    bool any = false;

    text[len] = '\0';
    put_prefix(line, level);
    memcpy(line + PREFIX_LEN, text, len);
    line[line_n - 1] = '\n';
    nesting++;
    for (size_t i = 0; i < MAX_SINKS; i++)
        if (sinks[i].fn) {
            any = true;
            give(sinks[i].fn, sinks[i].arg, level, line, line_n, text);
        }
    nesting--;
    if (!any && !had_sink)
        keep_early(level, line, line_n, text);
}

void log_at(enum log_level level, const char *fmt, ...)
{
    char raw[SHORT_TEXT], line[PREFIX_LEN + 4 * SHORT_TEXT + 1], text[4 * SHORT_TEXT + 1];
    int saved = errno, n;
    char *heap = NULL;
    size_t len, room;
    va_list args;

    if (!log_wants(level) || nesting >= MAX_NESTING)
        return;
    va_start(args, fmt);
    n = vsnprintf(raw, sizeof raw, fmt, args);
    va_end(args);
    if (n < 0)
        goto out;
    len = (size_t)n;
    if (len >= sizeof raw) {
        room = 4 * len + PREFIX_LEN + 2;
        heap = malloc(3 * room); /* style: may fail, as xmalloc may not */
        if (!heap)
            len = sizeof raw - 1; /* the beginning is better than nothing */
    }
    if (!heap) {
        emit(level, raw, len, "", line, text);
        goto out;
    }
    errno = saved; /* for %m */
    va_start(args, fmt);
    vsnprintf(heap, len + 1, fmt, args);
    va_end(args);
    emit(level, heap, len, "", heap + room, heap + 2 * room);
    free(heap);
out:
    errno = saved;
}

void log_block(enum log_level level, const char *heading, const char *data, size_t n)
{
    size_t head_n = strlen(heading), raw_n = head_n + 1 + n,
           room = 4 * raw_n + PREFIX_LEN + 2;
    int saved = errno;

    if (!log_wants(level) || nesting >= MAX_NESTING)
        return;
    char *heap = malloc(3 * room); /* style: may fail, as xmalloc may not */
    if (heap) {
        memcpy(heap, heading, head_n);
        heap[head_n] = '\n';
        memcpy(heap + head_n + 1, data, n);
        emit(level, heap, raw_n, "\n\t", heap + room, heap + 2 * room);
        free(heap);
    }
    errno = saved;
}
