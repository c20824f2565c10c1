/* What the kernel has done for us since the last record of our state was written, kept in
 * shared memory that outlives this process. The one idea: the kernel itself stores its
 * answer there (the pid of a new child, how a child ended, the bytes taken from a pipe)
 * before the system call returns, and a process can only be killed on its way back from
 * there: so nothing is ever taken and forgotten.
 *
 * The memory is a memfd: [struct journal_facts, entries, the chunk in flight: mapped by
 * everybody, JOURNAL_BYTES] [from JOURNAL_BYTES on: the records, not mapped, so that a
 * wild store cannot reach them; applets/supervisord/state_store]. One journal a process.
 * Without one (not created, or no memfd to be had) all of this works as if it were not
 * there: plain read, fork and waitpid.
 *
 * How the parts work together:
 *   - Something is done: e = journal_begin(kind); the system call with a pointer into e;
 *     our objects change; journal_done(e). (spawn, reap, signals, keeper's messages)
 *   - A record is written: journal_mark(&m) first; m is part of the record; when the
 *     record is complete, journal_clear(&m) makes room. Whether that was reached does not
 *     matter: entries older than the record's mark are never replayed.
 *   - After a death: journal_attach; restore the record; journal_replay(&m, ...) with the
 *     mark of that record; new record; journal_clear.
 * Replay must be idempotent: an exit of a pid that is no process's now, and a spawn whose
 * pid the process has already, are nothing. Records may be written during a replay (the
 * mark then stands between two entries), and new entries may be begun. */
#ifndef CORE_IO_JOURNAL_H
#define CORE_IO_JOURNAL_H

#include "core/base/err.h"
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/signalfd.h>
#include <sys/types.h>

enum {
    JOURNAL_BYTES = 512 * 1024, /* of the mapped part; the records begin there */
    JOURNAL_ENTRIES = 1024,
    JOURNAL_CHUNK_BYTES = 65536, /* a pipe's worth */
    JOURNAL_CRASHES = 8,         /* times of the last crashes that are kept */
    CHUNK_RAW_FAULTS = 2,
    CHUNK_DROP_FAULTS = 4
};

/* --- life ----------------------------------------------------------------------------
 */

/* Makes the memfd (close-on-exec, sealed against shrinking) and the staging pipe. 0, or
 * -1 with err and no journal. */
int journal_create(struct err *err);
/* Takes over the one that fd is. Refused, -1 with err: no memfd of ours (seals, owner,
 * magic), or of another layout (journal version). fd belongs to the journal on success;
 * it and the staging pipe are close-on-exec again. */
int journal_attach(int fd, struct err *err);
bool journal_active(void);
int journal_fd(void); /* -1: none */
/* Unmaps and closes; harmless without one. Not for a child: it has a copy of the map. */
void journal_close(void);

/* Facts that must outlive a death and that are no part of a record. Zeros at creation.
 * Whoever needs one writes it with a plain store; the crash handler may too. */
struct journal_facts {
    /* The highest descriptor number that a record or the journal names: up to it
     * close-on-exec is cleared before an exec that hands over. See journal_note_fd. */
    int32_t max_fd;
    int32_t binary_fd;        /* what a crash executes; 0: none */
    uint32_t deaths;          /* of supervisord under a keeper, or crashes without one */
    uint32_t crashes;         /* of them by a fault, ever */
    uint32_t restores_failed; /* restores begun since a record was written last */
    int32_t safe_mode;        /* 1: decided to do without the network */
    int64_t crash_ms[JOURNAL_CRASHES]; /* monotonic; crash n at [n % JOURNAL_CRASHES] */
    /* The last crash; told = 0 until its CRIT line is written. */
    struct {
        int32_t signal_number, code, told, twice; /* twice: inside the handler too */
        uint64_t address, pc;
    } crash;
    uint64_t record_sequence; /* of the newest complete frame of the record */
    uint64_t images;          /* of supervisord so far; 1: the one that was started */
    int64_t core_pid;         /* of the copy that left the last core; 0: none */
    uint64_t spare[29];       /* zeros: room for fields to come */
};
struct journal_facts *journal_facts(void); /* NULL: no journal */
void journal_note_fd(int fd);              /* raises max_fd; async-signal-safe */
/* Whether the journal needs it (call journal_clear with the mark of the record that is
 * restored first, so that entries it covers do not count): its memfd, staging pipe, pipe
 * ends of spawn entries, the log of the chunk in flight. For "close all that nobody
 * names" after a death, before journal_replay. */
bool journal_names_fd(int fd);

/* --- entries -------------------------------------------------------------------------
 */

enum journal_kind {
    JOURNAL_NONE, /* begun, then cancelled */
    JOURNAL_SPAWN,
    JOURNAL_EXIT,
    JOURNAL_SIGNAL
};

struct journal_spawn {
    uint64_t process_id;           /* process_id() */
    int64_t started_ms;            /* monotonic */
    int64_t start_secs;            /* wall clock */
    int32_t in_fd, out_fd, err_fd; /* our ends; -1: none */
    pid_t pid;                     /* written by the kernel before the child runs */
};

struct journal_entry {
    uint32_t kind; /* enum journal_kind */
    uint32_t zero;
    union {
        struct journal_spawn spawn;
        /* By waitid, or received whole from the keeper (which sends the siginfo_t that
         * its own waitid gave). si_signo is SIGCHLD. A message with another si_signo is a
         * signal that the keeper passes on. Zero: nothing was taken. */
        siginfo_t exit;
        struct signalfd_siginfo signal; /* ssi_signo 0: nothing was taken */
    } u;
};

/* A new entry, all zero but its kind, for the kernel to write its answer into; the caller
 * fills in what it knows before the call. NULL: no journal (or full, and no record could
 * be written): do without. When there is little room the checkpoint function is called
 * first; for JOURNAL_EXIT long before it is needed, as nothing is half done between two
 * exits, for the others only when the very last entry is taken. */
struct journal_entry *journal_begin(enum journal_kind kind);
/* The objects now say what the entry says: the next record contains it. NULL is fine. A
 * record that is written in between names the entry as one to be replayed. */
void journal_done(struct journal_entry *e);
/* Nothing happened: the call failed. NULL is fine. */
void journal_cancel(struct journal_entry *e);

/* The status as waitpid tells it. */
int journal_wait_status(const siginfo_t *info);

/* --- records -------------------------------------------------------------------------
 */

/* Up to where a record covers what happened. Both numbers only grow. */
struct journal_mark {
    uint64_t position; /* of the first entry that is not in the record */
    uint64_t chunk;    /* number of the last chunk that is */
};
void journal_mark(struct journal_mark *m); /* zeros without a journal */
void journal_clear(const struct journal_mark *m);

/* fn writes a record now, in the middle of a turn (the graveyard waits for the turn's
 * end): when the journal is full, and before a chunk is taken after one of a channel
 * whose output is more than a log (see below). It is never called while an object is half
 * changed, but in one case: a journal full of spawns (JOURNAL_ENTRIES in one turn) calls
 * it while a process is about to get its child: state STARTING, pid 0. NULL: none. */
void journal_set_checkpoint(void (*fn)(void *arg), void *arg);
/* A record now, by that function: before somebody outside is told that something is done
 * of which only we know. Harmless without a journal; cheap when nothing changed. */
void journal_record(void);

/* --- the chunk in flight -------------------------------------------------------------
 */
/* Child output goes pipe -> staging pipe -> a buffer in the journal -> log. A byte is in
 * one of them always, and after a death the sizes tell how far it came. There is one
 * chunk at a time. What the log has already of it is known by the log's size, so a
 * regular file gets every byte once.
 *
 * A channel that only logs needs no more. Where output is also captured, stripped, made
 * into events or read as a listener's answers, the channel has a state, and a chunk must
 * be replayed from the state before it: so such a channel calls journal_chunk_leave when
 * it is through with a chunk, in place of journal_chunk_end. The chunk then counts as in
 * flight until a record contains it (by its number), which is at the end of the turn, or
 * when the next chunk is taken. The state in the last record is thus always that of the
 * beginning of the chunk in flight. */

struct journal_chunk {
    uint64_t number;
    uint64_t process_id;
    bool is_stderr;
    bool flush; /* no bytes, but the end of the output: a partial token goes to the log */
    bool raw;   /* it was in flight at two faults: to the log without looking at it */
    const char *data;
    size_t n;
};

/* As read(2) on the pipe fd (non-blocking): > 0: *data points to that many bytes, valid
 * until journal_chunk_end or journal_chunk_leave, one of which must follow; else nothing
 * is in flight. Without a
 * journal *data is an ordinary buffer. */
ssize_t journal_chunk_read(int fd, uint64_t process_id, bool is_stderr,
                           const char **data);
/* Begins a chunk without bytes, for what is flushed into the log at the end of output. */
void journal_chunk_flush(uint64_t process_id, bool is_stderr);
void journal_chunk_end(void);
void journal_chunk_leave(void);

/* Around a write of n bytes to the log of the chunk in flight (nothing happens outside of
 * one). size: of the file, before. fd -1: what cannot be looked at afterwards (a FIFO, a
 * tty, a log that would not open). Returns how many of the bytes are in the file already:
 * 0, but when a chunk is replayed. */
size_t journal_write_begin(int fd, dev_t dev, ino_t ino, int64_t size, const char *path,
                           const void *data, size_t n);
/* Those n bytes are done with: written, or given up. */
void journal_write_end(size_t n);

/* --- after a death -------------------------------------------------------------------
 */

struct journal_handlers {
    void *arg;
    /* The child of s->pid may have ended since: its exit then follows, by an entry or by
     * reaping. The descriptors are open (journal_names_fd kept them). */
    void (*on_spawn)(void *arg, const struct journal_spawn *s);
    void (*on_exit)(void *arg, pid_t pid, int wait_status);
    void (*on_signal)(void *arg, int number);
    /* Give it to channel_finish_chunk of that process; ignore it when there is none. */
    void (*on_chunk)(void *arg, const struct journal_chunk *c);
};
/* Everything since mark m, in order; before it, or right after its process was made, the
 * chunk. One that was in flight at CHUNK_DROP_FAULTS faults (facts.crashes tells faults
 * from kills) is dropped with a CRIT line. */
void journal_replay(const struct journal_mark *m, const struct journal_handlers *h);

/* For tests: a place where this process may die (see tests/unit/test_journal.c). */
#ifdef JOURNAL_CRASH_POINTS
void journal_crash_point(void);
extern long journal_crash_after; /* kills itself at that crash point; 0: never */
#else
static inline void journal_crash_point(void)
{
}
#endif

#endif
