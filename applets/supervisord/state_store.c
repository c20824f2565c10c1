/* Frames in two slots. The one idea: nothing is ever overwritten that is still needed,
 * and a frame counts only with both of its checksums, whatever part of it was written. */
#include "applets/supervisord/state_store.h"

#include "core/base/text_record.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAGIC           UINT64_C(0x5076536574617453) /* "StateSvP" */
#define SLOT_BYTES      (UINT64_C(256) << 20) /* addresses, not memory: the file is sparse */
#define MIN_DELTA_BYTES (UINT64_C(64) << 10)

enum frame_kind { FRAME_BASE = 1, FRAME_DELTA = 2 };

struct frame_head {
    uint64_t magic, kind, sequence, bytes; /* bytes: of the text behind it */
    struct journal_mark mark;
    uint64_t text_sum, head_sum; /* head_sum: of everything before it */
};

static off_t slot_offset(int slot)
{
    return (off_t)(JOURNAL_BYTES + (uint64_t)slot * SLOT_BYTES);
}

static uint64_t head_sum(const struct frame_head *h)
{
    return record_checksum(h, offsetof(struct frame_head, head_sum));
}

void state_store_init(struct state_store *s, int fd)
{
    *s = (struct state_store){.fd = fd, .slot = -1};
}

/* --- reading ----------------------------------------------------------------------- */

enum found { DAMAGED, GOOD, NO_MEMORY };

static enum found read_at(int fd, void *data, size_t n, off_t at)
{
    for (size_t done = 0; done < n;) {
        ssize_t got = pread(fd, (char *)data + done, n - done, at + (off_t)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 && errno == ENOMEM ? NO_MEMORY : DAMAGED;
        done += (size_t)got;
    }
    return GOOD;
}

/* The header of the frame at `used` in the slot. before: the sequence number it must
 * follow, 0 for a base. */
static enum found read_head(int fd, int slot, uint64_t used, uint64_t before,
                            struct frame_head *h)
{
    enum found found;

    if (used + sizeof *h > SLOT_BYTES)
        return DAMAGED;
    found = read_at(fd, h, sizeof *h, slot_offset(slot) + (off_t)used);
    if (found != GOOD)
        return found;
    return h->magic == MAGIC && h->head_sum == head_sum(h) &&
                   h->kind == (before ? FRAME_DELTA : FRAME_BASE) &&
                   (before ? h->sequence == before + 1 : h->sequence > 0) &&
                   h->bytes <= SLOT_BYTES - sizeof *h - used
               ? GOOD
               : DAMAGED;
}

/* The text behind that header is appended to out. */
static enum found read_text(int fd, int slot, uint64_t used, const struct frame_head *h,
                            struct buf *out)
{
    off_t at = slot_offset(slot) + (off_t)(used + sizeof *h);
    enum found found;
    char *room;

    if (buf_reserve(out, h->bytes, &room) < 0)
        return NO_MEMORY;
    found = read_at(fd, room, h->bytes, at);
    if (found == GOOD && record_checksum(room, h->bytes) != h->text_sum)
        found = DAMAGED;
    if (found == GOOD)
        buf_commit(out, h->bytes);
    else
        *room = '\0'; /* where the text before ends */
    return found;
}

/* All good frames of a slot; *last is the number of the last of them, 0: none. False: no
 * memory, which says nothing of the frames. */
static bool read_slot(int fd, int slot, struct buf *out, struct journal_mark *mark,
                      uint64_t *last)
{
    struct frame_head h;
    enum found found;
    uint64_t used = 0;

    *last = 0;
    buf_truncate(out, 0);
    while ((found = read_head(fd, slot, used, *last, &h)) == GOOD &&
           (found = read_text(fd, slot, used, &h, out)) == GOOD) {
        *last = h.sequence;
        used += sizeof h + h.bytes;
        *mark = h.mark;
    }
    return found != NO_MEMORY;
}

/* The slot whose base was begun last. Every frame in it is newer than all of the other.
 */
static int newest_slot(int fd)
{
    struct frame_head h[2];
    uint64_t first[2];

    for (int i = 0; i < 2; i++)
        first[i] = read_head(fd, i, 0, 0, &h[i]) == GOOD ? h[i].sequence : 0;
    return first[1] > first[0] ? 1 : 0;
}

int state_store_load(struct state_store *s, bool older, struct buf *out,
                     struct journal_mark *mark, struct err *err)
{
    uint64_t last = 0;
    int slot = newest_slot(s->fd);
    bool read = read_slot(s->fd, slot, out, mark, &last);

    if (read && last == 0) { /* its base is damaged */
        slot = 1 - slot;
        read = read_slot(s->fd, slot, out, mark, &last);
    }
    s->sequence = last;
    if (read && older) {
        slot = 1 - slot;
        read = read_slot(s->fd, slot, out, mark, &last);
    }
    s->slot = -1;
    s->next = 1 - slot; /* what was read stays until a new base is complete */
    if (!read)
        return err_set(err, ERR_SYS, "no memory for the record of the state");
    return last > 0 ? 0
                    : err_set(err, ERR_SYNTAX, "there is no good record of the state");
}

/* --- writing ----------------------------------------------------------------------- */

static int write_at(int fd, const void *data, size_t n, off_t at)
{
    for (size_t done = 0; done < n;) {
        ssize_t put = pwrite(fd, (const char *)data + done, n - done, at + (off_t)done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return -1;
        done += (size_t)put;
    }
    return 0;
}

static int write_frame(int fd, const struct frame_head *h, const void *text, size_t n,
                       off_t at)
{
    struct iovec parts[] = {{(void *)(uintptr_t)h, sizeof *h},
                            {(void *)(uintptr_t)text, n}};

    if (pwritev(fd, parts, array_len(parts), at) == (ssize_t)(sizeof *h + n))
        return 0;
    /* Cut by a signal, or short of memory: once more, piece by piece. */
    if (write_at(fd, text, n, at + (off_t)sizeof *h) < 0)
        return -1;
    return write_at(fd, h, sizeof *h, at);
}

bool state_store_wants_base(const struct state_store *s)
{
    uint64_t deltas = s->used - s->base_bytes;
    return s->slot < 0 || (deltas > MIN_DELTA_BYTES && deltas > s->base_bytes);
}

int state_store_write(struct state_store *s, bool base, const void *text, size_t n,
                      const struct journal_mark *mark, struct err *err)
{
    struct frame_head h = {.magic = MAGIC,
                           .kind = base ? FRAME_BASE : FRAME_DELTA,
                           .sequence = s->sequence + 1,
                           .bytes = n,
                           .mark = *mark,
                           .text_sum = record_checksum(text, n)};
    int slot = base ? s->next : s->slot;
    uint64_t used = base ? 0 : s->used;
    off_t at = slot_offset(slot) + (off_t)used;

    h.head_sum = head_sum(&h);
    if (used + sizeof h + n > SLOT_BYTES) {
        s->slot = -1;
        return err_set(err, ERR_LIMIT, "the record of the state is larger than %llu MB",
                       (unsigned long long)(SLOT_BYTES >> 20));
    }
    if (write_frame(s->fd, &h, text, n, at) < 0) {
        s->slot = -1;
        return err_sys(err, "cannot write the record of the state");
    }
    if (base && s->sequence > 0) /* what was behind it is memory it will not need again */
        fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                  at + (off_t)(sizeof h + n), (off_t)(SLOT_BYTES - sizeof h - n));
    s->sequence++;
    s->used = used + sizeof h + n;
    if (base) {
        s->slot = slot;
        s->next = 1 - slot;
        s->base_bytes = s->used;
    }
    return 0;
}
