#include "applets/supervisord/api/web_follow.h"

#include "applets/supervisord/api/web_log.h"
#include "applets/supervisord/api/web_stream.h"
#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/list.h"
#include "core/base/num.h"
#include "core/base/utf8.h"
#include "core/io/fd.h"
#include "core/wire/url.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LOOK_MS = 250,
    SHOWN_BYTES = 32768, /* in one look: the most that a reader gets in LOOK_MS */
    TAIL_BYTES = 65536,  /* shown at first, if not asked otherwise */
    TAIL_MAX_BYTES = 1 << 20,
    FOLLOWS_MAX = 64,
    DOWNLOAD_AT_ONCE = 256 * 1024
};

struct web_follows {
    struct super *super;
    struct list follows;
    size_t count;
};

struct follow {
    struct list link;
    struct web_follows *owner;
    struct web_stream stream;
    struct timer timer;
    char *path;
    int fd; /* -1: the file is not there (yet) */
    dev_t dev;
    ino_t ino;
    off_t at;
    off_t end;      /* of a download: where it stops */
    bool downloads; /* the bytes themselves, once */
    bool cut;       /* something was passed over: the next line begins in its middle */
};

/* --- files ------------------------------------------------------------------------- */

static int follow_open(struct follow *f)
{
    struct stat st;
    int fd = fd_open(f->path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        fd_close(&fd);
        return -1;
    }
    fd_close(&f->fd);
    f->fd = fd;
    f->dev = st.st_dev;
    f->ino = st.st_ino;
    f->at = 0;
    f->end = st.st_size;
    return 0;
}

static off_t follow_size(const struct follow *f)
{
    struct stat st;
    return f->fd >= 0 && fstat(f->fd, &st) == 0 ? st.st_size : 0;
}

/* True when another file has the name now. */
static bool was_replaced(const struct follow *f)
{
    struct stat st;
    return stat(f->path, &st) == 0 &&
           (f->fd < 0 || st.st_ino != f->ino || st.st_dev != f->dev);
}

/* --- events ------------------------------------------------------------------------ */

static void send_reset(struct follow *f, const char *why)
{
    char data[64];
    int n = snprintf(data, sizeof data, "{\"why\":\"%s\"}", why);
    web_stream_event(&f->stream, NULL, "reset", data, (size_t)n);
}

static void send_gap(struct follow *f, off_t bytes)
{
    char data[64];
    int n = snprintf(data, sizeof data, "{\"bytes\":%" PRId64 "}", (int64_t)bytes);
    web_stream_event(&f->stream, NULL, "gap", data, (size_t)n);
}

static void send_text(struct follow *f, const char *text, size_t n)
{
    struct buf data;
    struct json j;
    char id[64];
    buf_init(&data, BUF_NO_LIMIT);
    json_init(&j, &data);
    json_text(&j, text, n);
    snprintf(id, sizeof id, "%" PRIu64 "-%" PRId64, (uint64_t)f->ino, (int64_t)f->at);
    if (!j.failed)
        web_stream_event(&f->stream, id, "log", buf_data(&data), data.len);
    buf_free(&data);
}

/* Without the beginning of a character whose rest is still to come. */
static size_t whole_characters(const char *text, size_t n)
{
    for (size_t back = 1; back <= 3 && back < n; back++) {
        unsigned char c = (unsigned char)text[n - back];
        if ((c & 0xc0) == 0x80)
            continue; /* the middle of one */
        size_t wants = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
        return wants > back ? n - back : n;
    }
    return n;
}

/* Sends up to SHOWN_BYTES. False when there is nothing new. */
static bool send_piece(struct follow *f)
{
    char chunk[SHOWN_BYTES];
    ssize_t got = f->fd >= 0 ? pread(f->fd, chunk, sizeof chunk, f->at) : 0;
    size_t from = 0, n = got > 0 ? (size_t)got : 0;
    const char *line;
    if (n == 0)
        return false;
    if (f->cut && (line = memchr(chunk, '\n', n)) != NULL)
        from = (size_t)(line - chunk) + 1;
    f->cut = false;
    n = whole_characters(chunk, n);
    f->at += (off_t)n;
    if (n > from)
        send_text(f, chunk + from, n - from);
    return n > 0;
}

/* Passes over what is too much for one look. */
static void skip(struct follow *f, off_t size)
{
    off_t behind = size - f->at;
    if (behind <= 2 * (off_t)SHOWN_BYTES)
        return;
    send_gap(f, behind - SHOWN_BYTES);
    f->at = size - SHOWN_BYTES;
    f->cut = true;
}

static void follow_look(struct follow *f)
{
    off_t size = follow_size(f);
    if (!f->stream.x || f->stream.out.len > 0) /* the reader has enough to read */
        return;
    if (f->fd >= 0 && size < f->at) {
        f->at = 0;
        send_reset(f, "cleared");
    }
    skip(f, size);
    if (f->stream.x && !send_piece(f) && was_replaced(f)) {
        bool there = f->fd >= 0;
        if (follow_open(f) == 0 && there)
            send_reset(f, "rotated");
        skip(f, follow_size(f));
        if (f->stream.x)
            send_piece(f);
    }
}

/* --- downloads --------------------------------------------------------------------- */

static void follow_close(struct follow *f);

/* Some more of it; the rest when the reader has taken this, or at the next turn. */
static void download_more(struct follow *f)
{
    char chunk[16384];
    size_t most = DOWNLOAD_AT_ONCE;
    while (f->at < f->end && f->stream.out.len + sizeof chunk < most) {
        off_t left = f->end - f->at;
        size_t want = left < (off_t)sizeof chunk ? (size_t)left : sizeof chunk;
        ssize_t n = pread(f->fd, chunk, want, f->at);
        if (n <= 0 || buf_append(&f->stream.out, chunk, (size_t)n) < 0) {
            f->end = f->at; /* it became shorter: that was all */
            break;
        }
        f->at += n;
    }
}

/* --- its life ---------------------------------------------------------------------- */

static void follow_free(void *arg)
{
    struct follow *f = arg;
    free(f->path);
    free(f);
}

static void follow_close(struct follow *f)
{
    timer_cancel(&f->timer);
    list_del(&f->link);
    fd_close(&f->fd);
    f->owner->count--;
    loop_bury(super_loop(f->owner->super), f, follow_free);
}

static void follow_gone(struct web_stream *s)
{
    follow_close(container_of(s, struct follow, stream));
}

static void follow_drained(struct web_stream *s)
{
    struct follow *f = container_of(s, struct follow, stream);
    if (f->downloads && !timer_is_set(&f->timer)) /* each piece waits for its turn */
        timer_set(&f->timer, mono_ms() + 1);
}

static void follow_due(struct timer *t, int64_t now_ms)
{
    struct follow *f = container_of(t, struct follow, timer);
    if (!f->downloads) {
        timer_set(t, now_ms + LOOK_MS);
        follow_look(f);
    } else if (f->at < f->end) {
        download_more(f);
        web_stream_pump(&f->stream);
    } else {
        web_stream_end(&f->stream);
        follow_close(f);
    }
}

/* NULL: x has been answered. */
static struct follow *follow_new(struct web *web, struct http_exchange *x,
                                 const char *path)
{
    struct web_follows *fs = web->follows;
    if (!path) {
        http_respond_error(x, 404, "There is no such log");
        return NULL;
    }
    if (fs->count >= FOLLOWS_MAX) {
        http_respond_error(x, 503, "Too many readers of logs");
        return NULL;
    }
    struct follow *f = xcalloc(1, sizeof *f);
    f->owner = fs;
    f->fd = -1;
    f->path = xstrdup(path);
    f->stream.drained = follow_drained;
    f->stream.gone = follow_gone;
    timer_init(&f->timer, loop_timers(super_loop(web->super)), follow_due);
    list_append(&fs->follows, &f->link);
    fs->count++;
    return f;
}

/* Where a reader begins: at Last-Event-ID if that is in the file still, else before its
 * last bytes. */
static void follow_begin_at(struct follow *f, const struct http_request *rq)
{
    const struct span *last = rq->head ? http_header(rq->head, "Last-Event-ID") : NULL;
    struct span rest = last ? *last : (struct span){0}, ino;
    uint64_t inode, at;
    int64_t tail = TAIL_BYTES;
    if (last && span_split(&rest, '-', &ino) && rest.ptr &&
        parse_digits(ino.ptr, ino.len, 10, UINT64_MAX, &inode) == 0 &&
        parse_digits(rest.ptr, rest.len, 10, INT64_MAX, &at) == 0) {
        if (inode == f->ino && (off_t)at <= f->end) {
            f->at = (off_t)at;
            return;
        }
        send_reset(f, "rotated");
    }
    char *text = query_get(rq->query, "tail");
    if (text)
        parse_int(text, 0, TAIL_MAX_BYTES, &tail);
    free(text);
    f->at = f->end > tail ? f->end - tail : 0;
    f->cut = f->at > 0;
    for (int i = 0; i <= TAIL_MAX_BYTES / SHOWN_BYTES && f->stream.x; i++)
        if (!send_piece(f))
            break;
}

void web_follow(struct http_exchange *x, void *arg)
{
    struct web *web = arg;
    const struct http_request *rq = http_exchange_request(x);
    struct web_log log;
    web_log_read(&log, web->super, rq->query);
    struct follow *f = follow_new(web, x, log.path);
    web_log_clear(&log);
    if (!f)
        return;
    follow_open(f);
    web_stream_begin(&f->stream, x, "text/event-stream");
    buf_puts(&f->stream.out, "retry: 2000\n\n");
    timer_set(&f->timer, mono_ms() + LOOK_MS);
    follow_begin_at(f, rq);
    web_stream_pump(&f->stream);
}

static void set_file_name(struct http_exchange *x, const struct web_log *log)
{
    struct buf text;
    buf_init(&text, 4096);
    if (buf_puts(&text, "attachment; filename*=UTF-8''") == 0 &&
        url_encode(&text, span_of(log->is_main ? "supervisord" : log->process), "") ==
            0 &&
        buf_puts(&text, log->is_main     ? ".log"
                        : log->is_stderr ? "-stderr.log"
                                         : "-stdout.log") == 0)
        http_exchange_header(x, "Content-Disposition", buf_str(&text));
    buf_free(&text);
}

void web_download(struct http_exchange *x, void *arg)
{
    struct web *web = arg;
    struct web_log log;
    web_log_read(&log, web->super, http_exchange_request(x)->query);
    struct follow *f = follow_new(web, x, log.path);
    if (f && follow_open(f) < 0) {
        follow_close(f);
        http_respond_error(x, 404, "There is no such log");
    } else if (f) {
        f->downloads = true;
        set_file_name(x, &log);
        web_stream_begin(&f->stream, x, "text/plain;charset=utf-8");
        timer_set(&f->timer, mono_ms());
    }
    web_log_clear(&log);
}

/* --- all of them ------------------------------------------------------------------- */

struct web_follows *web_follows_new(struct super *super)
{
    struct web_follows *fs = xcalloc(1, sizeof *fs);
    fs->super = super;
    list_init(&fs->follows);
    return fs;
}

void web_follows_end(struct web_follows *fs)
{
    list_each(link, &fs->follows)
    {
        struct follow *f = list_item(link, struct follow, link);
        if (!f->downloads)
            follow_look(f);
        if (!f->stream.x) /* it went just now */
            continue;
        web_stream_end(&f->stream);
        follow_close(f);
    }
}

void web_follows_free(struct web_follows *fs)
{
    if (!fs)
        return;
    web_follows_end(fs);
    free(fs);
}
