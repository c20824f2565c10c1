/* Bytes waiting for a child's standard input. Owns its buffer and the pipe's write end;
 * borrows the loop. Embedded in its process. */
#ifndef APPLETS_SUPERVISORD_STDIN_QUEUE_H
#define APPLETS_SUPERVISORD_STDIN_QUEUE_H

#include "core/base/buf.h"
#include "core/io/loop.h"

#define STDIN_QUEUE_MAX_BYTES (1u << 20)

struct stdin_queue {
    struct watch watch;
    struct buf waiting;
    void (*changed)(struct stdin_queue *q);
    int fd; /* -1: closed */
};

/* changed is called whenever fd or what waits is different from before. */
void stdin_queue_init(struct stdin_queue *q, void (*changed)(struct stdin_queue *q));
/* Takes fd, which is non-blocking from now on. 0, or -1 with errno. */
int stdin_queue_open(struct stdin_queue *q, struct loop *loop, int fd);
/* Writes what the pipe takes and queues the rest. 0, or -1 with errno: EPIPE (closed, by
 * us or by the child), ENOBUFS (it would make more than a megabyte wait, and something
 * waits already: nothing taken), ENOMEM. */
int stdin_queue_write(struct stdin_queue *q, const void *data, size_t n);
void stdin_queue_close(struct stdin_queue *q); /* drops what waits; harmless twice */

#endif
