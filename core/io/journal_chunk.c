/* The chunk of child output in flight. The one idea: its bytes are in the child's pipe,
 * in the staging pipe or in the buffer, and which of them is told by one word and by what
 * the kernel says of the staging pipe; how much of it is in the log is told by the log's
 * size. The order of the stores here is the whole guarantee. */
#include "core/io/journal_priv.h"

#include "core/base/log.h"
#include "core/io/fd.h"
#include "core/io/log_match.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static char plain_buffer[JOURNAL_CHUNK_BYTES]; /* without a journal */

static uint64_t chunk_done;
static bool in_flight;         /* this process is at it */
static bool left;              /* through, but no record may say so yet */
static bool held;              /* one of the last life waits for its turn */
static uint64_t written_bytes; /* of the chunk's log output, dealt with in this pass */
static bool noted;             /* the write under way has a note of its own */

/* A chunk that is done again: what the last write under way has left in its file. */
static struct {
    uint64_t known;         /* log bytes surely dealt with */
    struct write_note note; /* the write under way at death; done >= 0: none */
} redo;

uint64_t journal_chunk_done(void)
{
    return chunk_done;
}

/* --- taking ------------------------------------------------------------------------ */

static void chunk_begin(uint64_t process_id, bool is_stderr, bool flush)
{
    struct chunk_state *c = &journal_map->chunk;

    if (left)
        journal_record();
    left = false; /* without a record too: there is room for one */
    atomic_store_explicit(&c->active, 0, memory_order_release);
    c->number++;
    c->process_id = process_id;
    c->is_stderr = is_stderr;
    c->flush = flush;
    c->faults = 0;
    c->crashes = journal_map->facts.crashes;
    c->place = journal_position();
    c->notes[0].done_before = 0;
    atomic_store_explicit(&c->notes[0].done, 0, memory_order_release);
    atomic_store_explicit(&c->note, 0, memory_order_release);
    atomic_store_explicit(&c->fill_want, 0, memory_order_release);
    atomic_store_explicit(&c->active, 1, memory_order_release);
    in_flight = true;
    written_bytes = redo.known = 0;
    redo.note.done = 0;
    journal_crash_point();
}

/* The staging pipe holds n bytes. */
static ssize_t take_from_stage(size_t n)
{
    struct chunk_state *c = &journal_map->chunk;
    ssize_t got;

    atomic_store_explicit(&c->fill_want, n, memory_order_release);
    journal_crash_point();
    do {
        got = read(journal_map->stage[0], journal_map->buffer, n);
    } while (got < 0 && errno == EINTR);
    journal_crash_point();
    if (got > 0)
        atomic_store_explicit(&c->fill_want, (uint64_t)got << 32, memory_order_release);
    else
        journal_chunk_end();
    journal_crash_point();
    return got;
}

ssize_t journal_chunk_read(int fd, uint64_t process_id, bool is_stderr, const char **data)
{
    ssize_t n;

    *data = plain_buffer;
    if (journal_map == NULL || held)
        return read(fd, plain_buffer, sizeof plain_buffer);
    chunk_begin(process_id, is_stderr, false);
    n = splice(fd, NULL, journal_map->stage[1], NULL, JOURNAL_CHUNK_BYTES,
               SPLICE_F_NONBLOCK);
    journal_crash_point();
    if (n > 0) {
        *data = journal_map->buffer;
        return take_from_stage((size_t)n);
    }
    int saved = errno;
    journal_chunk_end();
    errno = saved;
    /* No pipe, or no memory for it: then without the journal. */
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return read(fd, plain_buffer, sizeof plain_buffer);
    return n;
}

void journal_chunk_flush(uint64_t process_id, bool is_stderr)
{
    if (journal_map && !held)
        chunk_begin(process_id, is_stderr, true);
}

void journal_chunk_end(void)
{
    if (!in_flight)
        return;
    in_flight = false;
    chunk_done = journal_map->chunk.number;
    atomic_store_explicit(&journal_map->chunk.active, 0, memory_order_release);
    journal_crash_point();
}

void journal_chunk_leave(void)
{
    if (!in_flight)
        return;
    in_flight = false;
    left = true;
    chunk_done = journal_map->chunk.number;
    journal_crash_point();
}

void journal_chunk_cleared(const struct journal_mark *m)
{
    struct chunk_state *c = &journal_map->chunk;

    if (in_flight || !c->active || m->chunk < c->number)
        return;
    left = false;
    atomic_store_explicit(&c->active, 0, memory_order_release);
}

/* --- writes to its log ------------------------------------------------------------- */

/* How many of n bytes the write under way at death has brought into its file. */
static size_t look_at_log(const struct write_note *note, const char *path,
                          const char *data, size_t n)
{
    struct stat st;
    int fd = fd_open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    size_t found = 0;

    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == note->dev &&
        st.st_ino == note->ino)
        found = log_match(fd, note->size_before, data, n);
    /* By another name now, or not to be read: the size alone tells. */
    else if (fstat(note->fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_dev == note->dev &&
             st.st_ino == note->ino && st.st_size > note->size_before)
        found = (size_t)(st.st_size - note->size_before);
    fd_close(&fd);
    return found < n ? found : n;
}

/* How many of these bytes were dealt with before the death. */
static size_t dealt_with(const char *path, const char *data, size_t n)
{
    size_t skip = 0;

    if (redo.known > written_bytes)
        skip = redo.known - written_bytes < n ? (size_t)(redo.known - written_bytes) : n;
    if (skip < n && redo.note.done < 0) {
        redo.note.done = 0; /* looked at once */
        if (redo.note.fd >= 0 && path)
            skip += look_at_log(&redo.note, path, data + skip, n - skip);
    }
    return skip;
}

size_t journal_write_begin(int fd, dev_t dev, ino_t ino, int64_t size, const char *path,
                           const void *data, size_t n)
{
    if (!in_flight)
        return 0;
    struct chunk_state *c = &journal_map->chunk;
    uint32_t other = (c->note & 1) ^ 1;
    struct write_note *note = &c->notes[other];
    size_t skip = dealt_with(path, data, n);

    /* While all is known to be done, the note of the last life tells more. */
    noted = redo.known < written_bytes + n;
    if (!noted)
        return n;
    note->done_before = written_bytes + skip;
    note->size_before = size;
    note->dev = dev;
    note->ino = ino;
    note->fd = fd;
    journal_note_fd(fd);
    atomic_store_explicit(&note->done, skip < n ? -1 : 0, memory_order_release);
    atomic_store_explicit(&c->note, other, memory_order_release);
    journal_crash_point();
    return skip;
}

void journal_write_end(size_t n)
{
    if (!in_flight)
        return;
    struct chunk_state *c = &journal_map->chunk;
    struct write_note *note = &c->notes[c->note & 1];

    journal_crash_point();
    written_bytes += n;
    if (noted)
        atomic_store_explicit(&note->done, (int64_t)(written_bytes - note->done_before),
                              memory_order_release);
    journal_crash_point();
}

/* --- after a death ----------------------------------------------------------------- */

int journal_chunk_log_fd(void)
{
    const struct chunk_state *c = &journal_map->chunk;
    const struct write_note *note = &c->notes[c->note & 1];

    return c->active && note->done < 0 ? note->fd : -1;
}

/* Brings the bytes into the buffer. How many they are; 0: none were taken. */
static size_t recover_bytes(void)
{
    struct chunk_state *c = &journal_map->chunk;
    uint64_t word = c->fill_want;
    size_t fill = (size_t)(word >> 32), want = (size_t)(word & UINT32_MAX);
    int queued = 0;

    if (fill > 0)
        return fill <= JOURNAL_CHUNK_BYTES ? fill : 0;
    if (ioctl(journal_map->stage[0], FIONREAD, &queued) == 0 && queued > 0) {
        ssize_t n = take_from_stage((size_t)queued < JOURNAL_CHUNK_BYTES
                                        ? (size_t)queued
                                        : (size_t)JOURNAL_CHUNK_BYTES);
        return n > 0 ? (size_t)n : 0;
    }
    if (want == 0 || want > JOURNAL_CHUNK_BYTES)
        return 0;
    atomic_store_explicit(&c->fill_want, (uint64_t)want << 32, memory_order_release);
    return want;
}

static void count_fault(struct chunk_state *c)
{
    uint32_t crashes = journal_map->facts.crashes;

    if (c->crashes == crashes)
        return; /* killed: not the chunk's fault */
    c->faults++;
    c->crashes = crashes;
}

bool journal_chunk_recover(const struct journal_mark *m, struct journal_chunk *chunk,
                           uint64_t *place)
{
    struct chunk_state *c = &journal_map->chunk;

    chunk_done = c->number;
    held = in_flight = left = false;
    if (!c->active)
        return false;
    in_flight = true;
    *chunk = (struct journal_chunk){.number = c->number,
                                    .process_id = c->process_id,
                                    .is_stderr = c->is_stderr != 0,
                                    .flush = c->flush != 0,
                                    .data = journal_map->buffer};
    if (c->number > m->chunk)
        chunk->n = c->flush ? 0 : recover_bytes();
    if (c->number <= m->chunk || (!chunk->flush && chunk->n == 0)) {
        journal_chunk_end();
        return false;
    }
    chunk_done = c->number - 1;
    count_fault(c);
    if (c->faults >= CHUNK_DROP_FAULTS) {
        log_crit("dropping %zu bytes of output: supervisord crashed %u times over them",
                 chunk->n, (unsigned)c->faults);
        journal_chunk_end();
        return false;
    }
    chunk->raw = c->faults >= CHUNK_RAW_FAULTS;
    *place = c->place;
    in_flight = false;
    held = true;
    return true;
}

void journal_chunk_resume(void)
{
    const struct chunk_state *c = &journal_map->chunk;

    held = false;
    in_flight = true;
    written_bytes = 0;
    redo.note = c->notes[c->note & 1];
    redo.known = redo.note.done_before;
    if (redo.note.done > 0)
        redo.known += (uint64_t)redo.note.done;
}
