/* Where the record of our state lies in the memory file, behind the journal: two slots,
 * each a base (the whole state) followed by deltas (what changed), written by pwrite
 * alone, so that a wild store cannot reach them. A frame counts when all of it is there:
 * length, checksum and a sequence number that follows the one before. While one slot
 * gets a new base, the other still holds everything. */
#ifndef APPLETS_SUPERVISORD_STATE_STORE_H
#define APPLETS_SUPERVISORD_STATE_STORE_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/io/journal.h"

struct state_store {
    int fd;            /* borrowed */
    uint64_t sequence; /* of the newest frame; 0: none yet */
    int slot;          /* that is being written; -1: the next frame must be a base */
    int next;          /* slot for the next base: not the one with the newest frame */
    uint64_t used, base_bytes;
};

/* An empty one: the first frame is to be a base. */
void state_store_init(struct state_store *s, int fd);

/* The frames of one slot, one after the other: out becomes their text, *mark is that of
 * the last frame. `older`: of the slot that was written before the newest. Frames that
 * are cut or altered, and all behind them, are left out. The store goes on from there
 * with a base. 0, or -1 with err: no good base there, or (ERR_SYS) no memory to read it,
 * of which the record is not to blame. */
int state_store_load(struct state_store *s, bool older, struct buf *out,
                     struct journal_mark *mark, struct err *err);

/* True when the next frame must be a base, or had better be: more is said in deltas than
 * in their base. */
bool state_store_wants_base(const struct state_store *s);
/* Writes the next frame. 0, or -1 with err (no memory for it): the state of the store is
 * the one before, but that the next frame must be a base. */
int state_store_write(struct state_store *s, bool base, const void *text, size_t n,
                      const struct journal_mark *mark, struct err *err);

#endif
