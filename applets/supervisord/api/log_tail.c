#include "applets/supervisord/api/log_tail.h"

#include "applets/supervisord/process.h"
#include "core/base/alloc.h"
#include "core/base/list.h"
#include "core/base/str.h"
#include "core/io/fd.h"
#include "core/io/loop.h"
#include "core/rules/namespec.h"
#include "core/wire/http_write.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HEAD_BYTES  1024
#define LOOK_MS     250
#define CHUNK_BYTES 16384
/* Chunks in one go: a quick reader of a long log must not hold up the loop. */
#define CHUNKS_AT_ONCE 16

struct log_tails {
    struct super *super;
    struct list tails;
};

struct tail {
    struct list link;
    struct loop *loop;
    struct http_exchange *x; /* NULL: the client has gone */
    char *path;
    int fd;
    dev_t dev;
    ino_t ino;
    off_t at;
    struct timer timer;
    bool pumping;
};

/* --- reading ----------------------------------------------------------------------- */

static void tail_free(void *arg)
{
    struct tail *t = arg;
    free(t->path);
    free(t);
}

/* The exchange has ended or is about to. t may still be on the stack. */
static void tail_close(struct tail *t)
{
    t->x = NULL;
    timer_cancel(&t->timer);
    list_del(&t->link);
    fd_close(&t->fd);
    loop_bury(t->loop, t, tail_free);
}

/* Opens the file of that name now, at its beginning. */
static int tail_open(struct tail *t)
{
    struct stat st;
    int fd = fd_open_log(t->path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        fd_close(&fd);
        return -1;
    }
    fd_close(&t->fd);
    t->fd = fd;
    t->dev = st.st_dev;
    t->ino = st.st_ino;
    t->at = 0;
    return 0;
}

/* At the end of what is open: true if there is something to go on with. */
static bool tail_turns(struct tail *t)
{
    static const char note[] = "==> File truncated <==\n";
    struct stat st;
    if (fstat(t->fd, &st) == 0 && st.st_size < t->at) {
        t->at = 0;
        http_stream_write(t->x, note, sizeof note - 1);
        return t->x != NULL;
    }
    if (stat(t->path, &st) < 0 || (st.st_ino == t->ino && st.st_dev == t->dev))
        return false;
    return tail_open(t) == 0; /* rotated, and the old one was read to its end */
}

/* Sends what is there; where the client does not keep up, http_more_fn goes on. */
static void tail_pump(struct tail *t)
{
    char chunk[CHUNK_BYTES];
    int left = CHUNKS_AT_ONCE;
    while (t->x && left > 0) {
        size_t room = http_stream_room(t->x);
        if (room == 0)
            return;
        ssize_t n = pread(t->fd, chunk, room < sizeof chunk ? room : sizeof chunk, t->at);
        if (n > 0) {
            t->at += n;
            left--;
            http_stream_write(t->x, chunk, (size_t)n);
        } else if (n < 0 || !tail_turns(t)) {
            break;
        }
    }
    if (t->x)
        timer_set(&t->timer, loop_now_ms(t->loop) + (left > 0 ? LOOK_MS : 1));
}

static void tail_go_on(struct tail *t)
{
    if (t->pumping) /* writing may call for more at once */
        return;
    t->pumping = true;
    tail_pump(t);
    t->pumping = false;
}

static void tail_due(struct timer *timer, int64_t now_ms)
{
    UNUSED(now_ms);
    tail_go_on(container_of(timer, struct tail, timer));
}

static void tail_more(struct http_exchange *x, void *arg)
{
    UNUSED(x);
    tail_go_on(arg);
}

static void tail_gone(void *arg)
{
    tail_close(arg);
}

/* --- beginning --------------------------------------------------------------------- */

static void set_last_modified(struct http_exchange *x, time_t when)
{
    char text[64];
    if (http_date(text, sizeof text, when) > 0)
        http_exchange_header(x, "Last-Modified", text);
}

static void tail_begin(struct log_tails *ts, struct http_exchange *x, const char *path)
{
    struct stat st;
    struct tail *t = xcalloc(1, sizeof *t);
    t->fd = -1;
    t->path = xstrdup(path);
    if (!path || tail_open(t) < 0 || fstat(t->fd, &st) < 0) {
        fd_close(&t->fd);
        tail_free(t);
        http_respond_error(x, 404, "There is no such log");
        return;
    }
    t->loop = super_loop(ts->super);
    t->x = x;
    t->at = st.st_size > HEAD_BYTES ? st.st_size - HEAD_BYTES : 0;
    timer_init(&t->timer, loop_timers(t->loop), tail_due);
    list_append(&ts->tails, &t->link);
    set_last_modified(x, st.st_mtime);
    /* nginx in front would collect the lines otherwise */
    http_exchange_header(x, "X-Accel-Buffering", "no");
    http_exchange_header(x, "X-Content-Type-Options", "nosniff");
    http_stream_begin(x, 200, "text/plain;charset=utf-8", tail_more, tail_gone, t);
    tail_go_on(t);
}

static bool is_get(struct http_exchange *x)
{
    if (strcmp(http_exchange_request(x)->method, "GET") == 0)
        return true;
    http_respond_error(x, 400, "Logs are read by GET");
    return false;
}

/* "/logtail/NAME" or "/logtail/NAME/CHANNEL", the path decoded. */
static const char *path_of_process_log(struct super *s, const char *request_path)
{
    struct span rest = span_of(request_path), part, name, channel = span_of("stdout");
    span_split(&rest, '/', &part); /* before the first slash */
    span_split(&rest, '/', &part); /* logtail */
    if (!rest.ptr || !span_split(&rest, '/', &name))
        return NULL;
    if (rest.ptr)
        channel = rest;
    char *text = span_dup(name);
    struct namespec spec = namespec_parse(text);
    char *group = span_dup(spec.group), *process = span_dup(spec.process);
    struct group *g = super_find_group(s, group);
    struct process *p = g && !spec.whole_group ? group_find(g, process) : NULL;
    free(process);
    free(group);
    free(text);
    if (p && span_eq(channel, "stdout"))
        return process_log_path(p, PROCESS_STDOUT);
    if (p && span_eq(channel, "stderr"))
        return process_log_path(p, PROCESS_STDERR);
    return NULL;
}

void log_tail_process(struct http_exchange *x, void *arg)
{
    struct log_tails *ts = arg;
    if (is_get(x))
        tail_begin(ts, x, path_of_process_log(ts->super, http_exchange_request(x)->path));
}

void log_tail_main(struct http_exchange *x, void *arg)
{
    struct log_tails *ts = arg;
    struct logfile *log = super_log(ts->super);
    if (is_get(x))
        tail_begin(ts, x, log ? logfile_path(log) : NULL);
}

/* --- all of them ------------------------------------------------------------------- */

struct log_tails *log_tails_new(struct super *super)
{
    struct log_tails *ts = xcalloc(1, sizeof *ts);
    ts->super = super;
    list_init(&ts->tails);
    return ts;
}

void log_tails_end(struct log_tails *ts)
{
    list_each(link, &ts->tails)
    {
        struct tail *t = list_item(link, struct tail, link);
        tail_go_on(t);
        if (!t->x)
            continue;
        struct http_exchange *x = t->x;
        tail_close(t);
        http_stream_end(x);
    }
}

void log_tails_free(struct log_tails *ts)
{
    if (!ts)
        return;
    list_each(link, &ts->tails) tail_close(list_item(link, struct tail, link));
    free(ts);
}
