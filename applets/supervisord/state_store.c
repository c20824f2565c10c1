/* Frames in two slots. The one idea: nothing is ever overwritten that is still needed,
 * and a frame's header, which makes it count, is written after its body. */
#include "applets/supervisord/state_store.h"

#include "core/base/text_record.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
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

static int read_at(int fd, void *data, size_t n, off_t at)
{
    for (size_t done = 0; done < n;) {
        ssize_t got = pread(fd, (char *)data + done, n - done, at + (off_t)done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return -1;
        done += (size_t)got;
    }
    return 0;
}

/* Whether a frame that is good stands at `used` in the slot; its text is appended to out,
 * if there is one. before: the sequence number it must follow, 0 for a base. */
static bool read_frame(int fd, int slot, uint64_t used, uint64_t before,
                       struct frame_head *h, struct buf *out)
{
    off_t at = slot_offset(slot) + (off_t)used;
    char *room;

    if (used + sizeof *h > SLOT_BYTES || read_at(fd, h, sizeof *h, at) < 0)
        return false;
    if (h->magic != MAGIC || h->head_sum != head_sum(h) ||
        h->kind != (before ? FRAME_DELTA : FRAME_BASE) ||
        (before ? h->sequence != before + 1 : h->sequence == 0) ||
        h->bytes > SLOT_BYTES - sizeof *h - used)
        return false;
    if (buf_reserve(out, h->bytes, &room) < 0 ||
        read_at(fd, room, h->bytes, at + (off_t)sizeof *h) < 0 ||
        record_checksum(room, h->bytes) != h->text_sum)
        return false;
    buf_commit(out, h->bytes);
    return true;
}

/* All good frames of a slot. The number of the last; 0: none. */
static uint64_t read_slot(int fd, int slot, struct buf *out, struct journal_mark *mark)
{
    struct frame_head h;
    uint64_t last = 0, used = 0;

    while (read_frame(fd, slot, used, last, &h, out)) {
        last = h.sequence;
        used += sizeof h + h.bytes;
        *mark = h.mark;
    }
    return last;
}

int state_store_load(struct state_store *s, bool older, struct buf *out,
                     struct journal_mark *mark, struct err *err)
{
    struct buf text[2];
    struct journal_mark marks[2] = {0};
    uint64_t last[2];
    int rc = 0;

    for (int i = 0; i < 2; i++) {
        buf_init(&text[i], BUF_NO_LIMIT);
        last[i] = read_slot(s->fd, i, &text[i], &marks[i]);
    }
    int slot = last[1] > last[0] ? 1 : 0;
    s->sequence = last[slot];
    if (older)
        slot = 1 - slot;
    *mark = marks[slot];
    if (last[slot] == 0)
        rc = err_set(err, ERR_SYNTAX, "there is no good record of the state");
    else if (buf_append(out, buf_data(&text[slot]), text[slot].len) < 0)
        rc = err_set(err, ERR_SYS, "no memory for the record of the state");
    s->slot = -1;
    s->next = 1 - slot; /* what was read stays until a new base is complete */
    for (int i = 0; i < 2; i++)
        buf_wipe(&text[i]);
    return rc;
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
    if (base) /* memory that it will not need again */
        fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at,
                  (off_t)SLOT_BYTES);
    if (write_at(s->fd, text, n, at + (off_t)sizeof h) < 0 ||
        write_at(s->fd, &h, sizeof h, at) < 0) {
        s->slot = -1;
        return err_sys(err, "cannot write the record of the state");
    }
    s->sequence++;
    s->used = used + sizeof h + n;
    if (base) {
        s->slot = slot;
        s->next = 1 - slot;
        s->base_bytes = s->used;
    }
    return 0;
}
