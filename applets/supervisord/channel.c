#include "applets/supervisord/channel.h"

#include "applets/supervisord/process.h"
#include "config/path.h"
#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/io/fd.h"
#include "core/io/syslog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Shared by all channels: the loop handles one chunk at a time. */
static char stripped[JOURNAL_CHUNK_BYTES + 1];

/* A pipe can be made to hold a megabyte; what lies beyond that was written by somebody
 * who is still alive. */
enum { LOG_RETRY_MS = 1000 };
enum { DRAIN_MAX_READS = (1 << 20) / JOURNAL_CHUNK_BYTES + 1 };

/* A child that writes line by line would cost a turn, a read and a write for each line.
 * While its reads are short and come within STREAM_MS of each other, its pipe is left to
 * fill for GATHER_MS in between. A line after a silence is not held up. */
enum { GATHER_BELOW_BYTES = 32768, GATHER_MS = 1, STREAM_MS = 2 };
/* What a pipe should hold that was found full: as much as comes within a pause, or while
 * forty others are read. Its writer is woken less often then. */
enum { GROWN_PIPE_BYTES = 1 << 20 };

static const char *name_of(const struct channel *ch)
{
    return ch->is_stderr ? "stderr" : "stdout";
}

static void make_auto_log(struct channel *ch)
{
    const struct server_conf *server = &ch->engine->conf->server;
    char *dir = path_absolute(server->childlogdir);
    char *name = xasprintf("%s-%s---%s-XXXXXX.log", process_conf(ch->process)->name,
                           name_of(ch), server->identifier);
    char *path = path_join(dir, name);
    free(dir);
    free(name);
    int fd = mkostemps(path, 4, O_CLOEXEC | O_APPEND);
    if (fd < 0) {
        log_warn("could not make a log file in %s: %s", server->childlogdir,
                 strerror(errno));
        free(path);
        return;
    }
    close(fd);
    ch->auto_path = path;
}

void channel_init(struct channel *ch, struct engine *engine, struct process *process,
                  const struct channel_conf *conf, bool is_stderr)
{
    *ch = (struct channel){.engine = engine,
                           .process = process,
                           .conf = conf,
                           .fd = -1,
                           .is_stderr = is_stderr};
    list_init(&ch->gather_link);
    if (conf->target == LOG_TO_AUTO && !engine->restoring)
        make_auto_log(ch);
}

void channel_set_tap(struct channel *ch, channel_tap_fn *tap, void *arg)
{
    ch->tap = tap;
    ch->tap_arg = arg;
}

const char *channel_log_path(const struct channel *ch)
{
    return ch->conf->target == LOG_TO_FILE ? ch->conf->logfile : ch->auto_path;
}

static bool try_open_log(struct channel *ch, struct err *err)
{
    struct logfile_opts opts = {.path = channel_log_path(ch),
                                .maxbytes = ch->conf->logfile_maxbytes,
                                .backups = ch->conf->logfile_backups,
                                .mode = ch->auto_path ? 0600 : 0,
                                .journaled = true};
    ch->log = logfile_open(ch->engine->loop, &opts, false, err);
    ch->log_retry_ms = ch->log ? 0 : loop_now_ms(ch->engine->loop) + LOG_RETRY_MS;
    return ch->log != NULL;
}

void channel_open_log(struct channel *ch)
{
    struct err err;
    if (!ch->log && channel_log_path(ch) && !try_open_log(ch, &err))
        log_warn("%s of '%s' is not logged for now: %s", name_of(ch),
                 process_conf(ch->process)->name, err.text);
}

/* For output that has no log yet. False: there is none to write to for now. */
static bool open_log_late(struct channel *ch)
{
    struct err err;
    if (!ch->log_retry_ms) { /* not tried yet in this image */
        channel_open_log(ch);
        return ch->log != NULL;
    }
    if (loop_now_ms(ch->engine->loop) < ch->log_retry_ms || !try_open_log(ch, &err))
        return false;
    log_info("%s of '%s' is logged again", name_of(ch), process_conf(ch->process)->name);
    return true;
}

static void write_syslog(const struct channel *ch, const char *data, size_t n)
{
    char *prefix = xasprintf("%s ", process_conf(ch->process)->name);
    syslog_send_lines(prefix, data, n);
    free(prefix);
}

static void write_log(struct channel *ch, const char *data, size_t n)
{
    if (ch->conf->syslog)
        write_syslog(ch, data, n);
    if (!ch->log && !open_log_late(ch)) {
        journal_write_begin(-1, 0, 0, 0, NULL, data, n);
        journal_write_end(n); /* for good */
        return;
    }
    logfile_write(ch->log, data, n);
}

void channel_close_log(struct channel *ch)
{
    logfile_close(ch->log);
    ch->log = NULL;
}

static enum event_type log_event(const struct channel *ch)
{
    return ch->is_stderr ? EVENT_PROCESS_LOG_STDERR : EVENT_PROCESS_LOG_STDOUT;
}

static enum event_type capture_event(const struct channel *ch)
{
    return ch->is_stderr ? EVENT_PROCESS_COMMUNICATION_STDERR
                         : EVENT_PROCESS_COMMUNICATION_STDOUT;
}

static void emit_bytes(struct channel *ch, enum event_type type, const char *data,
                       size_t n)
{
    if (event_wanted(&ch->engine->bus, type))
        event_emit(&ch->engine->bus, &(struct event){.type = type,
                                                     .process = ch->process,
                                                     .pid = process_pid(ch->process),
                                                     .data = {data, n}});
}

struct buf *channel_captured(struct channel *ch)
{
    if (!ch->captured) {
        ch->captured = xmalloc(sizeof *ch->captured);
        buf_init(ch->captured, (size_t)ch->conf->capture_maxbytes);
    }
    return ch->captured;
}

static void drop_captured(struct channel *ch)
{
    if (ch->captured)
        buf_free(ch->captured);
    free(ch->captured);
    ch->captured = NULL;
}

/* Beyond the limit the oldest bytes go, as upstream does it. */
static void keep_captured(struct channel *ch, const char *data, size_t n)
{
    size_t max = (size_t)ch->conf->capture_maxbytes;
    if (n > max) {
        data += n - max;
        n = max;
    }
    struct buf *captured = channel_captured(ch);
    if (captured->len + n > max)
        buf_consume(captured, captured->len + n - max);
    if (buf_append(captured, data, n) < 0)
        log_warn("captured output of '%s' is lost: %s", process_conf(ch->process)->name,
                 strerror(errno));
}

static void end_capture(struct channel *ch)
{
    const struct buf *captured = channel_captured(ch);
    emit_bytes(ch, capture_event(ch), buf_data(captured), captured->len);
    log_debug("'%s' %s emitted a comm event", process_conf(ch->process)->name,
              name_of(ch));
    drop_captured(ch);
}

static void log_output(const struct channel *ch, const char *data, size_t n)
{
    char *heading =
        xasprintf("'%s' %s output:", process_conf(ch->process)->name, name_of(ch));
    log_block(LOG_LEVEL_DEBG, heading, data, n);
    free(heading);
}

static void deliver(void *arg, enum capture_kind kind, const char *data, size_t n)
{
    struct channel *ch = arg;
    if (kind == CAPTURE_END) {
        end_capture(ch);
        return;
    }
    if (ch->engine->conf->server.strip_ansi && !ansi_is_text(&ch->ansi, data, n)) {
        n = ansi_strip(&ch->ansi, data, n, stripped);
        data = stripped;
    }
    if (n == 0)
        return;
    if (kind == CAPTURE_CAPTURED)
        keep_captured(ch, data, n);
    else
        write_log(ch, data, n);
    if (log_wants(LOG_LEVEL_DEBG))
        log_output(ch, data, n);
    if (ch->conf->events_enabled && !ch->tap)
        emit_bytes(ch, log_event(ch), data, n);
}

/* What a record holds of it while it is open, and the next chunk is looked at with. */
static bool is_between_tokens(const struct channel *ch)
{
    return !ch->capture.inside && ch->capture.matched == 0 && ch->ansi.phase == 0;
}

static void take_chunk(struct channel *ch, const char *data, size_t n)
{
    bool was_between = is_between_tokens(ch);
    if (ch->tap)
        ch->tap(ch->tap_arg, data, n);
    if (ch->conf->capture_maxbytes > 0 && !ch->tap)
        capture_feed(&ch->capture, data, n, deliver, ch);
    else
        deliver(ch, CAPTURE_PLAIN, data, n);
    if (!was_between || !is_between_tokens(ch))
        process_mark(ch->process);
}

/* More becomes of a chunk than bytes in a log, or it is taken according to what came
 * before it: to do one twice, or from another state, would be a fault. */
static bool has_state(const struct channel *ch)
{
    return ch->tap || ch->conf->capture_maxbytes > 0 || ch->conf->events_enabled ||
           ch->engine->conf->server.strip_ansi;
}

static void end_chunk(const struct channel *ch)
{
    if (has_state(ch))
        journal_chunk_leave();
    else
        journal_chunk_end();
}

/* What a held-back token piece was goes to the log when there is no more to come. */
static void flush_capture(struct channel *ch)
{
    if (ch->conf->capture_maxbytes > 0 && !ch->tap)
        capture_flush(&ch->capture, deliver, ch);
}

void channel_finish_chunk(struct channel *ch, const struct journal_chunk *chunk)
{
    if (chunk->flush)
        flush_capture(ch);
    else if (chunk->raw)
        write_log(ch, chunk->data, chunk->n);
    else
        take_chunk(ch, chunk->data, chunk->n);
}

/* Nobody will write any more. The pipe itself goes with the child: until then there is
 * nothing to record. */
static void channel_end(struct channel *ch)
{
    if (!ch->watch.loop)
        return;
    log_debug("fd %d closed, stopped monitoring it (%s of '%s')", ch->fd, name_of(ch),
              process_conf(ch->process)->name);
    loop_del(&ch->watch);
    list_del(&ch->gather_link);
    if (ch->capture.matched > 0) {
        process_mark(ch->process);
        journal_chunk_flush(process_id(ch->process), ch->is_stderr);
        flush_capture(ch);
        end_chunk(ch);
    }
}

/* What it read: > 0; 0 when the pipe is empty for now, or has ended. */
static size_t read_chunk(struct channel *ch)
{
    const char *data;
    ssize_t n = journal_chunk_read(ch->fd, process_id(ch->process), ch->is_stderr, &data);
    if (n > 0) {
        take_chunk(ch, data, (size_t)n);
        end_chunk(ch);
        return (size_t)n;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR))
        channel_end(ch);
    return 0;
}

static void hint_death(const struct channel *ch)
{
    struct reap_hints *hints = &ch->engine->reap_hints;
    pid_t pid = process_pid(ch->process);
    bool is_there = hints->count > 0 && hints->pids[hints->count - 1] == pid;
    if (!ch->watch.loop && !is_there && hints->count < REAP_HINTS)
        hints->pids[hints->count++] = pid;
}

/* --- gathering --------------------------------------------------------------------- */

static void gather_end(struct channel *ch)
{
    list_del(&ch->gather_link);
    loop_want(&ch->watch, WATCH_READ);
}

static void gather_read(struct channel *ch);

/* Of all at once: they share a timer, and the first of them waits a little less. */
static void gather_over(struct timer *t, int64_t now_ms)
{
    struct engine *engine = container_of(t, struct engine, gather);
    UNUSED(now_ms);
    list_each(it, &engine->gathering)
    {
        gather_read(list_item(it, struct channel, gather_link));
    }
    if (!list_empty(&engine->gathering))
        timer_set(t, mono_ms() + GATHER_MS);
}

static void gather_begin(struct channel *ch)
{
    struct engine *engine = ch->engine;
    if (!engine->gathering.next) {
        list_init(&engine->gathering);
        timer_init(&engine->gather, loop_timers(engine->loop), gather_over);
    }
    loop_want(&ch->watch, 0);
    list_append(&engine->gathering, &ch->gather_link);
    if (!timer_is_set(&engine->gather))
        timer_set(&engine->gather, loop_now_ms(engine->loop) + GATHER_MS);
}

static void grow_pipe(struct channel *ch)
{
    if (!ch->grown)
        (void)fcntl(ch->fd, F_SETPIPE_SZ, GROWN_PIPE_BYTES); /* where it is allowed */
    ch->grown = true;
}

/* A pause is over: with little there was, the next one begins. */
static void gather_read(struct channel *ch)
{
    size_t n = read_chunk(ch);
    hint_death(ch);
    if (!ch->watch.loop)
        return;
    ch->last_read_ms = (unsigned)loop_now_ms(ch->engine->loop);
    if (n == 0 || n >= GATHER_BELOW_BYTES)
        gather_end(ch);
    if (n >= GATHER_BELOW_BYTES) /* short writes fill a pipe's pages only in part */
        grow_pipe(ch);
}

/* Nobody waits for it: no listener hears of it, or answers by it. */
static bool may_gather(const struct channel *ch)
{
    const struct event_bus *bus = &ch->engine->bus;
    return !ch->tap && !(ch->conf->events_enabled && event_wanted(bus, log_event(ch))) &&
           !(ch->conf->capture_maxbytes > 0 && event_wanted(bus, capture_event(ch)));
}

static void channel_readable(struct watch *w, unsigned ready)
{
    struct channel *ch = container_of(w, struct channel, watch);
    unsigned now_ms = (unsigned)loop_now_ms(ch->engine->loop);
    bool streams = now_ms - ch->last_read_ms <= STREAM_MS;
    UNUSED(ready);
    size_t n = read_chunk(ch); /* one a turn: nobody starves */
    hint_death(ch);
    ch->last_read_ms = now_ms;
    if (n == 0 || !ch->watch.loop)
        return;
    if (n >= GATHER_BELOW_BYTES)
        grow_pipe(ch);
    else if (streams && may_gather(ch))
        gather_begin(ch);
}

int channel_open(struct channel *ch, int fd)
{
    if (fd_pipe_nonblock(fd) < 0 ||
        loop_add(ch->engine->loop, &ch->watch, fd, WATCH_READ | WATCH_MANY,
                 channel_readable) < 0)
        return -1;
    ch->fd = fd;
    ch->grown = false;
    ch->last_read_ms = (unsigned)loop_now_ms(ch->engine->loop) - STREAM_MS - 1;
    ch->capture = (struct capture){0};
    ch->ansi = (struct ansi){0};
    drop_captured(ch);
    return 0;
}

void channel_drain(struct channel *ch)
{
    for (int i = 0; i < DRAIN_MAX_READS && ch->watch.loop && read_chunk(ch); i++)
        ;
}

void channel_close(struct channel *ch)
{
    if (ch->fd < 0)
        return;
    process_mark(ch->process);
    channel_end(ch);
    loop_close_fd(ch->engine->loop, &ch->fd);
}

void channel_reopen_log(struct channel *ch)
{
    struct err err;
    if (ch->log && logfile_reopen(ch->log, &err) < 0)
        log_warn("%s of '%s' goes on into its old file: %s", name_of(ch),
                 process_conf(ch->process)->name, err.text);
}

/* The log of a process at rest is not open: its file is emptied by opening it for this.
 */
int channel_clear_log(struct channel *ch, struct err *err)
{
    bool was_open = ch->log != NULL;
    struct stat st;
    const char *path = channel_log_path(ch);
    if (!was_open && (!path || stat(path, &st) < 0))
        return 0;
    channel_open_log(ch);
    int rc = ch->log ? logfile_clear(ch->log, err) : 0;
    if (!was_open)
        channel_close_log(ch);
    return rc;
}

void channel_free(struct channel *ch)
{
    channel_close(ch);
    channel_close_log(ch);
    free(ch->auto_path);
    ch->auto_path = NULL;
    drop_captured(ch);
}
