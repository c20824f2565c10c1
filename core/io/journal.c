/* The journal: its memory, its entries, and the replay after a death. The one idea:
 * entries are numbered for ever, and a record says up to which number it covers them; so
 * writing the record and making room here need not be one step. */
#include "core/io/journal_priv.h"

#include "core/io/fd.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char magic[8] = "svjournl";

struct journal_shared *journal_map;

static int memory_fd = -1;
static unsigned open_count; /* entries begun and not done, one inside the other */
static uint64_t first_open; /* the outermost of them */
static void (*checkpoint_fn)(void *arg);
static void *checkpoint_arg;
static bool checkpoint_runs;

/* --- life -------------------------------------------------------------------------- */

static void forget(void)
{
    if (journal_map)
        munmap(journal_map, JOURNAL_BYTES);
    journal_map = NULL;
    open_count = 0;
    checkpoint_runs = false;
}

void journal_close(void)
{
    if (journal_map == NULL)
        return;
    fd_close(&journal_map->stage[0]);
    fd_close(&journal_map->stage[1]);
    forget();
    fd_close(&memory_fd);
}

static int map(int fd, struct err *err)
{
    void *at = mmap(NULL, JOURNAL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (at == MAP_FAILED)
        return err_sys(err, "cannot map the journal");
    forget();
    journal_map = at;
    memory_fd = fd;
    return 0;
}

static int make_stage(int stage[2], struct err *err)
{
    if (pipe2(stage, O_CLOEXEC | O_NONBLOCK) == 0)
        return 0;
    stage[0] = stage[1] = -1;
    return err_sys(err, "cannot make the journal's pipe");
}

int journal_create(struct err *err)
{
    int fd = memfd_create("supervisor-state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int stage[2] = {-1, -1};

    if (fd < 0)
        return err_sys(err, "cannot make memory for the journal");
    if (ftruncate(fd, JOURNAL_BYTES) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0) {
        err_sys(err, "cannot size the journal");
        goto fail;
    }
    if (make_stage(stage, err) < 0)
        goto fail;
    if (map(fd, err) < 0)
        goto fail;
    journal_map->version = JOURNAL_VERSION;
    journal_map->bytes = sizeof *journal_map;
    journal_map->stage[0] = stage[0];
    journal_map->stage[1] = stage[1];
    memcpy(journal_map->magic, magic, sizeof magic);
    journal_note_fd(fd);
    journal_note_fd(stage[0]);
    journal_note_fd(stage[1]);
    return 0;
fail:
    fd_close(&stage[0]);
    fd_close(&stage[1]);
    fd_close(&fd);
    return -1;
}

/* Nothing but a memfd has this seal, and only its maker has it under our user id. */
static int check_memory(int fd, struct err *err)
{
    int seals = fcntl(fd, F_GET_SEALS);
    struct stat st;
    char start[offsetof(struct journal_shared, stage)];
    uint32_t layout[2];

    if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &st) < 0 ||
        st.st_uid != geteuid() || st.st_size < JOURNAL_BYTES ||
        pread(fd, start, sizeof start, 0) != (ssize_t)sizeof start ||
        memcmp(start, magic, sizeof magic) != 0)
        return err_set(err, ERR_SYNTAX, "descriptor %d is no journal of ours", fd);
    memcpy(layout, start + sizeof magic, sizeof layout);
    if (layout[0] != JOURNAL_VERSION || layout[1] != sizeof(struct journal_shared))
        return err_set(err, ERR_SYNTAX,
                       "the journal has version %u and %u bytes, known are %d and %zu",
                       layout[0], layout[1], JOURNAL_VERSION,
                       sizeof(struct journal_shared));
    return 0;
}

/* The two numbers stand for the ends of one pipe, as they were made. */
static bool is_stage(const int stage[2])
{
    struct stat a, b;

    return stage[0] >= 0 && stage[1] >= 0 && fstat(stage[0], &a) == 0 &&
           fstat(stage[1], &b) == 0 && S_ISFIFO(a.st_mode) && a.st_ino == b.st_ino &&
           a.st_dev == b.st_dev && fd_set_cloexec(stage[0], true) == 0 &&
           fd_set_cloexec(stage[1], true) == 0;
}

int journal_attach(int fd, struct err *err)
{
    if (check_memory(fd, err) < 0 || map(fd, err) < 0)
        return -1;
    fd_set_cloexec(fd, true);
    if (!is_stage(journal_map->stage) && make_stage(journal_map->stage, err) < 0) {
        forget();
        memory_fd = -1;
        return -1;
    }
    return 0;
}

bool journal_active(void)
{
    return journal_map != NULL;
}

int journal_fd(void)
{
    return memory_fd;
}

struct journal_facts *journal_facts(void)
{
    return journal_map ? &journal_map->facts : NULL;
}

void journal_note_fd(int fd)
{
    if (journal_map && fd > journal_map->facts.max_fd)
        journal_map->facts.max_fd = fd;
}

static struct journal_entry *entry_at(uint64_t number)
{
    return &journal_map->entries[number % JOURNAL_ENTRIES];
}

bool journal_names_fd(int fd)
{
    const struct journal_shared *j = journal_map;

    if (j == NULL || fd < 0)
        return false;
    if (fd == memory_fd || fd == j->stage[0] || fd == j->stage[1] ||
        fd == journal_chunk_log_fd())
        return true;
    for (uint64_t at = j->tail; at < j->head; at++) {
        const struct journal_entry *e = entry_at(at);

        if (e->kind == JOURNAL_SPAWN && e->u.spawn.pid > 0 &&
            (fd == e->u.spawn.in_fd || fd == e->u.spawn.out_fd ||
             fd == e->u.spawn.err_fd))
            return true;
    }
    return false;
}

/* --- entries ----------------------------------------------------------------------- */

void journal_set_checkpoint(void (*fn)(void *arg), void *arg)
{
    checkpoint_fn = fn;
    checkpoint_arg = arg;
}

void journal_record(void)
{
    if (checkpoint_fn == NULL || checkpoint_runs)
        return;
    checkpoint_runs = true;
    checkpoint_fn(checkpoint_arg);
    checkpoint_runs = false;
}

struct journal_entry *journal_begin(enum journal_kind kind)
{
    struct journal_shared *j = journal_map;
    size_t limit = kind == JOURNAL_EXIT ? JOURNAL_ENTRIES / 2 : JOURNAL_ENTRIES;

    if (j == NULL)
        return NULL;
    if (j->head - j->tail >= limit)
        journal_record();
    if (j->head - j->tail >= JOURNAL_ENTRIES)
        return NULL;
    struct journal_entry *e = entry_at(j->head);
    memset(e, 0, sizeof *e);
    e->kind = kind;
    if (open_count++ == 0)
        first_open = j->head;
    j->head++;
    journal_crash_point();
    return e;
}

void journal_done(struct journal_entry *e)
{
    journal_crash_point();
    if (e && open_count > 0)
        open_count--;
}

void journal_cancel(struct journal_entry *e)
{
    if (e == NULL)
        return;
    e->kind = JOURNAL_NONE;
    if (e == entry_at(journal_map->head - 1))
        journal_map->head--;
    journal_done(e);
}

int journal_wait_status(const siginfo_t *info)
{
    switch (info->si_code) {
    case CLD_EXITED:
        return (info->si_status & 0xff) << 8;
    case CLD_DUMPED:
        return (info->si_status & 0x7f) | 0x80;
    default:
        return info->si_status & 0x7f;
    }
}

/* --- records ----------------------------------------------------------------------- */

uint64_t journal_position(void)
{
    return open_count > 0 ? first_open : journal_map->head;
}

void journal_mark(struct journal_mark *m)
{
    *m = (struct journal_mark){0};
    if (journal_map)
        *m = (struct journal_mark){journal_position(), journal_chunk_done()};
}

void journal_clear(const struct journal_mark *m)
{
    journal_crash_point();
    if (journal_map == NULL)
        return;
    if (m->position > journal_map->tail && m->position <= journal_map->head)
        journal_map->tail = m->position;
    journal_chunk_cleared(m);
    journal_crash_point();
}

/* --- after a death ----------------------------------------------------------------- */

static void replay_entry(const struct journal_entry *e, const struct journal_handlers *h)
{
    const siginfo_t *info = &e->u.exit;

    switch (e->kind) {
    case JOURNAL_SPAWN:
        if (e->u.spawn.pid > 0)
            h->on_spawn(h->arg, &e->u.spawn);
        break;
    case JOURNAL_EXIT:
        if (info->si_signo == SIGCHLD && info->si_pid > 0)
            h->on_exit(h->arg, info->si_pid, journal_wait_status(info));
        else if (info->si_signo > 0 && info->si_signo != SIGCHLD)
            h->on_signal(h->arg, info->si_signo);
        break;
    case JOURNAL_SIGNAL:
        if (e->u.signal.ssi_signo > 0)
            h->on_signal(h->arg, (int)e->u.signal.ssi_signo);
        break;
    default:
        break;
    }
}

/* The log that the dead one was writing to was kept open to be looked at. */
static void close_old_log(int fd)
{
    struct stat st;

    if (fd >= 3 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        close(fd);
}

/* Where a chunk is to be replayed: at once, as what comes after takes further output; but
 * not before its process has been made. */
static uint64_t place_of(const struct journal_chunk *chunk, uint64_t from, uint64_t taken)
{
    uint64_t place = from;

    for (; from < taken && from < journal_map->head; from++) {
        const struct journal_entry *e = entry_at(from);

        if (from >= journal_map->tail && e->kind == JOURNAL_SPAWN && e->u.spawn.pid > 0 &&
            e->u.spawn.process_id == chunk->process_id)
            place = from + 1;
    }
    return place;
}

void journal_replay(const struct journal_mark *m, const struct journal_handlers *h)
{
    struct journal_chunk chunk;
    uint64_t place = 0, end;

    if (journal_map == NULL)
        return;
    end = journal_map->head;
    int old_log = journal_chunk_log_fd();
    bool pending = journal_chunk_recover(m, &chunk, &place);
    if (pending)
        place = place_of(&chunk, m->position, place);
    open_count++; /* marks stand at the entry that is replayed */
    for (first_open = m->position; first_open < end || pending; first_open++) {
        if (pending && (place <= first_open || first_open >= end)) {
            journal_chunk_resume();
            h->on_chunk(h->arg, &chunk);
            journal_chunk_leave();
            pending = false;
        }
        if (first_open >= end)
            break;
        if (first_open < journal_map->tail)
            continue;
        struct journal_entry e = *entry_at(first_open);
        replay_entry(&e, h);
        journal_crash_point();
    }
    open_count--;
    close_old_log(old_log);
}

#ifdef JOURNAL_CRASH_POINTS
long journal_crash_after;

void journal_crash_point(void)
{
    if (journal_crash_after > 0 && --journal_crash_after == 0)
        kill(getpid(), SIGKILL);
}
#endif
