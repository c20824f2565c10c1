/* From one image of supervisord to the next: what the old one left is found, checked and
 * taken over; what nobody needs is closed. The pieces: core/io/journal (what happened
 * last), state_store and checkpoint (the record), core/io/reexec (the exec),
 * core/io/crash (its use after a fault), upgrade (another binary). */
#ifndef APPLETS_SUPERVISORD_HANDOFF_H
#define APPLETS_SUPERVISORD_HANDOFF_H

#include "applets/supervisord/state_store.h"
#include "applets/supervisord/super.h"
#include "core/base/text_record.h"

/* --- the record's own words -------------------------------------------------------- */

/* "image": which image of how many wrote the record, its version and its journal. */
struct handoff_image {
    uint64_t number; /* 1: the one that was started */
    char version[80];
    bool pidfile_written;
    int oom_original; /* core/io/oom.h */
    pid_t keeper;     /* 0: none */
};

void handoff_save_image(const struct handoff_image *image, struct record_writer *w);
/* fn for each descriptor that the record names (keys that end in "_fd", values >= 0). */
void handoff_each_fd(const char *data, size_t n, void (*fn)(void *arg, int fd),
                     void *arg);
/* Appends the objects of that type to out as they are. 0, or -1: no memory. */
int handoff_copy_objects(const char *data, size_t n, const char *type, struct buf *out);

/* --- taking over ------------------------------------------------------------------- */

struct handoff {
    struct buf text; /* the record */
    struct journal_mark mark;
    struct handoff_image image; /* who wrote it */
    bool minimal;               /* restored without what is under way: see handoff_load */
    bool stale;                 /* the record is not the last one that was written */
};

/* After so many restores in vain (journal_facts) there is nothing to go on from. */
enum { HANDOFF_GIVE_UP_AFTER = 6 };

/* Reads the record behind the attached journal. When restoring has died of faults before,
 * only the outline of each process is kept (the bytes under way may be what it dies of);
 * when that dies too, the record before this one is tried. What is missing or
 * odd is logged. 0, or -1 with err: there is nothing to go on from. */
int handoff_load(struct handoff *h, struct state_store *store, struct err *err);
/* The same again with the older record, after super_restore refused that one. */
int handoff_load_older(struct handoff *h, struct state_store *store, struct err *err);
/* After taking over failed with err: goes back to the build before, if that is how this
 * one came; where only memory or a descriptor could not be had, waits a second and begins
 * again, as the next image. Returns when that is no use. */
void handoff_try_again(const char *program, const struct err *err);
void handoff_clear(struct handoff *h);
/* Closes every descriptor from 3 up that neither the record names nor the journal, nor
 * reexec needs, nor `also` lists. Clients of the old image learn of its end by this. What
 * is left is close-on-exec again. */
void handoff_close_strangers(const struct handoff *h, const int *also, size_t count);
/* Gives the journal's entries and the chunk in flight to the restored supervisor. */
void handoff_replay(const struct handoff *h, struct super *super);
/* After a stale record: children that are not there any more have ended, with a status
 * that nobody knows. Not under a keeper, who may still bring it. */
void handoff_forget_gone(const struct handoff *h, struct super *super);
/* A record of this image is written: the attempt has come to a good end. */
void handoff_done(void);
/* The CRIT line about a crash that was not told yet; true when there was one. */
bool handoff_tell_crash(struct super *super);

/* --- trial run --------------------------------------------------------------------- */

/* `supervisord --handoff-check`: reads a record from standard input, says on standard
 * output "accepted VERSION (build ID)" or why not. The exit status. */
int handoff_check(void);

#endif
