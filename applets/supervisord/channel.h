/* One output of a child: reads its pipe and hands the bytes to the log (and, later in
 * their life, to capture mode and events). Embedded in its process. The log outlives a
 * restart: it is opened with the first start (or, where that was in an earlier image of
 * us, with the first output) and closed when the process rests. */
#ifndef APPLETS_SUPERVISORD_CHANNEL_H
#define APPLETS_SUPERVISORD_CHANNEL_H

#include "applets/supervisord/engine.h"
#include "config/conf.h"
#include "core/base/buf.h"
#include "core/io/journal.h"
#include "core/io/logfile.h"
#include "core/rules/ansi.h"
#include "core/rules/capture.h"

/* Gets every byte as it came: an event listener's standard output is a protocol too. */
typedef void channel_tap_fn(void *arg, const char *data, size_t n);

struct channel {
    struct watch watch; /* until the pipe has ended */
    struct engine *engine;
    struct process *process;
    const struct channel_conf *conf;
    struct logfile *log;
    int64_t
        log_retry_ms; /* when opening a log that would not open is tried again; or 0 */
    char *auto_path;  /* made-up name of an AUTO log, or NULL */
    channel_tap_fn *tap;
    void *tap_arg;
    struct ansi ansi;
    struct capture capture;
    bool is_stderr;
    bool grown;              /* its pipe holds more than it was made to */
    int fd;                  /* -1: closed */
    unsigned last_read_ms;   /* the low bits: whether data streams */
    struct buf *captured;    /* between the tokens; NULL: nothing; channel_captured() */
    struct list gather_link; /* in engine->gathering, while its pipe is left to fill */
};

/* Makes an AUTO log's file (mode 0600) at once, as its name must be known before a start.
 * Source: upstream options.py get_autochildlog_name. */
void channel_init(struct channel *ch, struct engine *engine, struct process *process,
                  const struct channel_conf *conf, bool is_stderr);
/* Opens the log if there is one to open and it is not. A log that cannot be opened is
 * said once and tried again with what is written. */
void channel_open_log(struct channel *ch);
void channel_close_log(struct channel *ch);
/* From now on bytes go to tap and to the log; they are not looked at for tokens and make
 * no events. */
void channel_set_tap(struct channel *ch, channel_tap_fn *tap, void *arg);
/* Takes the pipe's read end, which is non-blocking from now on. 0, or -1 with errno. */
int channel_open(struct channel *ch, int fd);
/* Reads what the pipe holds: the child is dead and its last words must be in the log
 * before its exit is told. Bounded, since a grandchild may hold the other end and go on.
 */
void channel_drain(struct channel *ch);
void channel_close(struct channel *ch); /* the pipe; harmless twice */
/* After a death: does again what was under way with the bytes of a chunk. The channel is
 * as the last record tells. */
void channel_finish_chunk(struct channel *ch, const struct journal_chunk *chunk);
void channel_reopen_log(struct channel *ch);
int channel_clear_log(struct channel *ch, struct err *err); /* 0, or -1 with err */
const char *channel_log_path(const struct channel *ch);     /* NULL: none */
/* For more of what stands between the tokens: the last capture_maxbytes of it. */
struct buf *channel_captured(struct channel *ch);
void channel_free(struct channel *ch); /* all of it */

#endif
