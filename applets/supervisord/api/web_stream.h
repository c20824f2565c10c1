/* Server-sent events to one reader: a streamed answer with a queue of its own. A reader
 * that does not keep up costs the queue and no more: who writes asks whether it is full.
 * Source: WHATWG HTML, "Server-sent events". */
#ifndef APPLETS_SUPERVISORD_API_WEB_STREAM_H
#define APPLETS_SUPERVISORD_API_WEB_STREAM_H

#include "core/base/buf.h"
#include "core/http/http_exchange.h"

struct web_stream {
    struct http_exchange *x; /* NULL: over */
    struct buf out;
    bool pumping;
    /* The queue is empty again: there may be more to say. May write. */
    void (*drained)(struct web_stream *s);
    /* The reader has gone; s may be freed at the end of the turn (loop_bury). */
    void (*gone)(struct web_stream *s);
};

/* Answers x with a stream of that type; drained and gone are set before. */
void web_stream_begin(struct web_stream *s, struct http_exchange *x, const char *type);
/* Queues one event and sends what goes. data holds no line break. id may be NULL. */
void web_stream_event(struct web_stream *s, const char *id, const char *event,
                      const char *data, size_t n);
/* Sends what goes now of what stands in s->out. */
void web_stream_pump(struct web_stream *s);
/* Ends the answer after trying to send what is queued; gone is not called. Harmless
 * twice. */
void web_stream_end(struct web_stream *s);

#endif
