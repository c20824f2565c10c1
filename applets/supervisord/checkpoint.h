/* The record of our state, kept current: at the end of every turn in which something
 * changed, and in the middle of one when the journal asks for it, what changed is added
 * to the record in the memory file; then the journal may forget what it noted. */
#ifndef APPLETS_SUPERVISORD_CHECKPOINT_H
#define APPLETS_SUPERVISORD_CHECKPOINT_H

#include "applets/supervisord/state_store.h"
#include "applets/supervisord/super.h"
#include "core/base/text_record.h"

struct checkpoint {
    struct super *super;
    struct state_store *store;
    /* Objects of the caller's own, for every base. */
    void (*save_more)(void *arg, struct record_writer *w);
    void *arg;
    struct loop_hook at_end;
    struct buf text;
    uint64_t position; /* of the journal, that the record covers */
    int64_t complained_ms;
    bool failing;
};

/* super, store, save_more and arg are set already. Needs a journal. From now on each turn
 * ends with a look; call it again when other hooks have been added, it must be the last.
 */
void checkpoint_start(struct checkpoint *c);
void checkpoint_stop(struct checkpoint *c);
/* Writes what changed. 0, or -1 when it could not be written (logged). */
int checkpoint_now(struct checkpoint *c);
/* Writes everything anew, which also goes to copy unless that is NULL. */
int checkpoint_base(struct checkpoint *c, struct buf *copy, struct err *err);

#endif
