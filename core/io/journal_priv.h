/* What journal.c (life, entries, replay) and journal_chunk.c (bytes in flight) share: the
 * layout of the mapped memory. Only words are trusted to be whole after a death, so every
 * step is one store of one aligned word, made after all that it vouches for. */
#ifndef CORE_IO_JOURNAL_PRIV_H
#define CORE_IO_JOURNAL_PRIV_H

#include "core/io/journal.h"

#include <stdatomic.h>

enum { JOURNAL_VERSION = 1, JOURNAL_PATH_BYTES = 64 };

/* A write to the log of the chunk in flight. */
struct write_note {
    uint64_t done_before; /* bytes of the chunk's log output that were dealt with */
    int64_t size_before;  /* of the file */
    uint64_t dev, ino;
    int32_t fd, zero;
    _Atomic int64_t done; /* bytes that this write dealt with; -1: it is under way */
};

struct chunk_state {
    _Atomic uint64_t number; /* of the chunk in flight or, without one, the last */
    _Atomic uint32_t active; /* one is in flight */
    uint32_t is_stderr, flush;
    uint32_t faults;  /* that it was in flight at */
    uint32_t crashes; /* facts.crashes when that was counted last */
    uint64_t process_id;
    uint64_t place; /* the entry before which it was taken, or within which */
    /* fill << 32 | want: `want` bytes were moved to the staging pipe; `fill` are in the
     * buffer. */
    _Atomic uint64_t fill_want;
    _Atomic uint32_t note; /* which of the notes counts */
    struct write_note notes[2];
};

struct journal_shared {
    char magic[8];
    uint32_t version, bytes;
    int32_t stage[2];
    _Atomic uint64_t head, tail; /* entries [tail, head); number n is at n % ENTRIES */
    struct journal_facts facts;
    struct chunk_state chunk;
    struct journal_entry entries[JOURNAL_ENTRIES];
    char buffer[JOURNAL_CHUNK_BYTES];
};
_Static_assert(sizeof(struct journal_shared) <= JOURNAL_BYTES, "the journal must fit");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "an atomic word must be one store");

extern struct journal_shared *journal_map; /* NULL: no journal */

/* The first entry that is not done with, or the next one. */
uint64_t journal_position(void);
/* Number of the last chunk that is through; 0: none. */
uint64_t journal_chunk_done(void);

/* Looks for a chunk that was in flight at death. True: *c is what is to be replayed, and
 * *place what it was taken before; it is held, and others are taken without the journal
 * meanwhile, until journal_chunk_resume; then journal_chunk_leave must follow. */
bool journal_chunk_recover(const struct journal_mark *m, struct journal_chunk *c,
                           uint64_t *place);
void journal_chunk_resume(void);
void journal_chunk_cleared(const struct journal_mark *m);
/* The log that has to be looked at to replay the chunk in flight, or -1. */
int journal_chunk_log_fd(void);

#endif
