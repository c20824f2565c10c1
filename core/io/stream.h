/* A buffered duplex connection on a transport. Callbacks come from the loop; after
 * stream_close none comes. */
#ifndef CORE_IO_STREAM_H
#define CORE_IO_STREAM_H

#include "core/base/buf.h"
#include "core/io/loop.h"
#include "core/io/transport.h"

struct stream;

struct stream_events {
    /* New bytes stand in stream_in(); consume what is used. */
    void (*readable)(struct stream *s, void *arg);
    /* The output fell below the low-water mark (16 KiB), once per fall from above it, or
     * is empty. May be NULL. */
    void (*drained)(struct stream *s, void *arg);
    /* The peer ended its side (err NULL) or the connection failed. */
    void (*ended)(struct stream *s, const struct err *err, void *arg);
    /* All output is sent: takes the memory of *out, if it likes, and leaves it empty.
     * Comes also from within the calls that send. May be NULL. */
    void (*spent)(struct stream *s, struct buf *out, void *arg);
};

/* Owns t from now on. in_max bounds unread input (reading pauses there), out_max unsent
 * output. NULL with errno when the loop has no room (t is freed then). */
struct stream *stream_open(struct loop *loop, struct transport *t, size_t in_max,
                           size_t out_max, const struct stream_events *events, void *arg);
/* It is one of possibly hundreds that wait: while idle it then costs nothing per turn,
 * and a system call more for each change of interest. 0, or -1 with errno (as it was). */
int stream_watch_as_many(struct stream *s);
struct buf *stream_in(struct stream *s);
struct buf *stream_out(struct stream *s); /* append here, then stream_flush */
size_t stream_unsent(const struct stream *s);
uint64_t stream_sent(const struct stream *s); /* bytes in all: for seeing progress */
/* Queues and tries to send at once. 0, or -1 with errno ENOBUFS, ENOMEM (nothing taken).
 */
int stream_write(struct stream *s, const void *data, size_t n);
/* The same for a head and the whole content of body, in one system call where the
 * transport can; body is left empty, its memory is taken over where that saves a copy.
 * What is left waits even beyond out_max: the caller has bounded it. 0, or -1 with errno
 * ENOMEM. */
int stream_write_answer(struct stream *s, const void *head, size_t head_bytes,
                        struct buf *body);
/* Reads once now, as if the loop had found it readable: for a fresh connection. */
void stream_read_now(struct stream *s);
/* Sends what the socket takes now; the rest goes when it can. */
void stream_flush(struct stream *s);
void stream_pause(struct stream *s, bool paused); /* stops or resumes reading */
/* Sends what is queued, shuts down the sending side, discards input for a second at the
 * most so that no reset eats the end of the answer, closes. Callbacks end now. */
void stream_finish(struct stream *s);
void stream_close(struct stream *s); /* at once; NULL is fine */

#endif
