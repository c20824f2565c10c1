#include "applets/supervisord/handoff.h"

#include "applets/supervisord/channel.h"
#include "applets/supervisord/super_save.h"
#include "applets/supervisord/upgrade.h"
#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/map.h"
#include "core/io/crash.h"
#include "core/io/fd.h"
#include "core/io/oom.h"
#include "core/io/pidwatch.h"
#include "core/io/reexec.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* --- the record's own words -------------------------------------------------------- */

/* Of the frames around the record: their header and their checksum. */
enum { FRAMES_VERSION = 2 };

/* What has no text: who would read it must have the very same structures. */
static const char *journal_layout(void)
{
    static char text[80];
    snprintf(text, sizeof text, "%d.%d.%zu.%zu.%d", JOURNAL_BYTES, JOURNAL_ENTRIES,
             sizeof(struct journal_facts), sizeof(struct journal_entry), FRAMES_VERSION);
    return text;
}

void handoff_save_image(const struct handoff_image *image, struct record_writer *w)
{
    record_begin(w, "image");
    record_put_int(w, "number", (int64_t)image->number);
    record_put_str(w, "version", upgrade_version());
    record_put_str(w, "journal", journal_layout());
    record_put_int(w, "pidfile_written", image->pidfile_written);
    record_put_int(w, "oom", image->oom_original);
    record_put_int(w, "keeper", image->keeper);
    record_end(w);
}

static bool is_fd_key(struct span key)
{
    return key.len > 3 && memcmp(key.ptr + key.len - 3, "_fd", 3) == 0;
}

/* What a later object of the same type and name replaces: the numbers in it may be
 * anything by now. */
static const struct {
    const char *type, *name;
} replaced[] = {{"process", "id"}, {"socket", "group"}};

/* The row of the object's type, and its name; -1: of its kind there is one alone. */
static int kind_of(const struct record_reader *r, struct span *name)
{
    for (size_t i = 0; i < array_len(replaced); i++)
        if (record_is(r, replaced[i].type) && record_get(r, replaced[i].name, name))
            return (int)i;
    return -1;
}

static void each_fd_of(const struct record_reader *r, void (*fn)(void *arg, int fd),
                       void *arg)
{
    for (size_t i = 0; i < r->count; i++) {
        if (!is_fd_key(r->fields[i].key))
            continue;
        int fd = (int)record_value_int(r->fields[i].value, 0, INT_MAX, -1);
        if (fd >= 0)
            fn(arg, fd);
    }
}

void handoff_each_fd(const char *data, size_t n, void (*fn)(void *arg, int fd), void *arg)
{
    struct map last[array_len(replaced)] = {{0}}; /* name -> where its last object ends */
    struct record_reader r;
    struct span name;
    int kind;
    record_open(&r, data, n);
    while (record_next(&r) == 1)
        if ((kind = kind_of(&r, &name)) >= 0)
            map_put(&last[kind], name.ptr, name.len, (void *)r.at);
    record_open(&r, data, n);
    while (record_next(&r) == 1) {
        kind = kind_of(&r, &name);
        if (kind < 0 || map_get(&last[kind], name.ptr, name.len) == r.at)
            each_fd_of(&r, fn, arg);
    }
    for (size_t i = 0; i < array_len(last); i++)
        map_free(&last[i]);
}

int handoff_copy_objects(const char *data, size_t n, const char *type, struct buf *out)
{
    struct record_reader r;
    record_open(&r, data, n);
    while (record_next_of(&r, type) == 1)
        if (buf_append(out, r.type.ptr, (size_t)(r.at - r.type.ptr)) < 0)
            return -1;
    return 0;
}

/* --- reading it -------------------------------------------------------------------- */

static void read_image(struct handoff *h)
{
    struct record_reader r;
    struct span version;
    record_open(&r, buf_data(&h->text), h->text.len);
    while (record_next_of(&r, "image") == 1) {
        h->image.number = (uint64_t)record_get_int(&r, "number", 0, INT64_MAX, 0);
        h->image.keeper = (pid_t)record_get_int(&r, "keeper", 0, INT_MAX, 0);
        h->image.pidfile_written = record_get_int(&r, "pidfile_written", 0, 1, 0) == 1;
        h->image.oom_original =
            (int)record_get_int(&r, "oom", -1000, OOM_UNCHANGED, OOM_UNCHANGED);
        if (record_get(&r, "version", &version))
            snprintf(h->image.version, sizeof h->image.version, "%.*s", (int)version.len,
                     version.ptr);
    }
}

/* What is under way in a process, which a restore can do without: its key is one of
 * these. Events are left out too. */
static bool is_dispensable(struct span key)
{
    static const char *const keys[] = {"in_waiting",  "out_captured", "err_captured",
                                       "out_matched", "err_matched",  "out_inside",
                                       "err_inside",  "out_ansi",     "err_ansi"};
    for (size_t i = 0; i < array_len(keys); i++)
        if (span_eq(key, keys[i]))
            return true;
    return false;
}

static int make_minimal(struct buf *text)
{
    struct buf less;
    struct record_reader r;
    struct record_writer w = {.out = &less};
    buf_init(&less, BUF_NO_LIMIT);
    record_open(&r, buf_data(text), text->len);
    for (const char *from = r.at; record_next(&r) == 1; from = r.at) {
        if (record_is(&r, "event"))
            continue;
        if (!record_is(&r, "process")) {
            w.failed = w.failed || buf_append(&less, from, (size_t)(r.at - from)) < 0;
            continue;
        }
        record_begin(&w, "process");
        for (size_t i = 0; i < r.count; i++) {
            char *key = span_dup(r.fields[i].key);
            if (!is_dispensable(r.fields[i].key))
                record_put(&w, key, r.fields[i].value.ptr, r.fields[i].value.len);
            free(key);
        }
        record_end(&w);
    }
    if (w.failed) {
        buf_wipe(&less);
        return -1;
    }
    buf_wipe(text);
    *text = less;
    return 0;
}

static int load(struct handoff *h, struct state_store *store, bool older, struct err *err)
{
    handoff_clear(h);
    buf_init(&h->text, BUF_NO_LIMIT);
    state_store_init(store, journal_fd());
    if (state_store_load(store, older, &h->text, &h->mark, err) < 0)
        return -1;
    h->stale = older || store->sequence < journal_facts()->record_sequence;
    if (store->sequence < journal_facts()->record_sequence)
        log_crit("the end of the record of our state is damaged (%llu of %llu steps are "
                 "good): what changed last may be forgotten",
                 (unsigned long long)store->sequence,
                 (unsigned long long)journal_facts()->record_sequence);
    if (h->minimal && make_minimal(&h->text) < 0)
        return err_set(err, ERR_SYS, "no memory for the record of the state");
    read_image(h);
    return 0;
}

/* Faults while restoring, after which it is tried otherwise. */
enum { MINIMAL_AFTER = 2, OLDER_AFTER = 4 };
enum { TRY_AGAIN_MS = 1000 };

int handoff_load(struct handoff *h, struct state_store *store, struct err *err)
{
    unsigned failed = journal_facts()->restores_failed;
    bool older = failed >= OLDER_AFTER;
    *h = (struct handoff){.minimal = failed >= MINIMAL_AFTER};
    buf_init(&h->text, BUF_NO_LIMIT);
    if (failed >= HANDOFF_GIVE_UP_AFTER)
        return err_set(err, ERR_LIMIT, "going on failed %u times", failed);
    crash_set_restoring(true);
    if (h->minimal)
        log_crit("going on died %u times: this time %s", failed,
                 older ? "from the record before the last"
                       : "without output and input that is under way");
    if (load(h, store, older, err) == 0)
        return 0;
    if (err->code == ERR_SYS)
        return -1; /* no memory now: later it is as good as ever */
    log_crit("%s; trying the record before it", err->text);
    return load(h, store, !older, err);
}

int handoff_load_older(struct handoff *h, struct state_store *store, struct err *err)
{
    return load(h, store, true, err);
}

void handoff_clear(struct handoff *h)
{
    buf_wipe(&h->text);
}

/* --- descriptors ------------------------------------------------------------------- */

struct kept {
    unsigned char *is; /* by number */
    size_t count;
};

static void keep(void *arg, int fd)
{
    struct kept *k = arg;
    if (fd >= 0 && (size_t)fd < k->count)
        k->is[fd] = 1;
}

void handoff_close_strangers(const struct handoff *h, const int *also, size_t count)
{
    int ours[3], highest = journal_facts()->max_fd;
    reexec_fds(ours);
    ours[2] = journal_fd();
    for (size_t i = 0; i < 3; i++)
        if (ours[i] > highest)
            highest = ours[i];
    for (size_t i = 0; i < count; i++)
        if (also[i] > highest)
            highest = also[i];
    struct kept k = {.count = (size_t)highest + 1};
    k.is = xcalloc(k.count, 1);
    for (size_t i = 0; i < 3; i++)
        keep(&k, ours[i]);
    for (size_t i = 0; i < count; i++)
        keep(&k, also[i]);
    handoff_each_fd(buf_data(&h->text), h->text.len, keep, &k);
    for (int fd = 3; fd <= highest; fd++)
        if (!k.is[fd] && !journal_names_fd(fd))
            close(fd);
    fd_close_from(highest + 1);
    fd_set_cloexec_from(3, highest); /* the exec that brought them here cleared it */
    free(k.is);
}

/* --- what happened since ----------------------------------------------------------- */

static void on_spawn(void *arg, const struct journal_spawn *s)
{
    struct process_spawned spawned = {.process_id = s->process_id,
                                      .pid = s->pid,
                                      .in_fd = s->in_fd,
                                      .out_fd = s->out_fd,
                                      .err_fd = s->err_fd,
                                      .started_ms = s->started_ms,
                                      .start_secs = s->start_secs};
    super_on_spawned(arg, &spawned);
}

static void on_exit_(void *arg, pid_t pid, int wait_status)
{
    super_on_exited(arg, pid, wait_status);
}

static void on_signal(void *arg, int number)
{
    super_on_signal(arg, number);
}

static void on_chunk(void *arg, const struct journal_chunk *c)
{
    struct process *p = super_find_process(arg, c->process_id);
    if (p)
        process_finish_chunk(p, c);
}

void handoff_replay(const struct handoff *h, struct super *super)
{
    const struct journal_handlers handlers = {.arg = super,
                                              .on_spawn = on_spawn,
                                              .on_exit = on_exit_,
                                              .on_signal = on_signal,
                                              .on_chunk = on_chunk};
    journal_replay(&h->mark, &handlers);
}

static void forget_if_gone(struct super *super, const struct process *p)
{
    siginfo_t info;
    pid_t pid = process_pid(p);
    if (pid == 0 || process_is_foreign(p) ||
        waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 ||
        errno != ECHILD)
        return;
    log_crit("'%s' with pid %d, which the record names, is gone", process_conf(p)->name,
             (int)pid);
    super_on_exited(super, pid, PIDWATCH_UNKNOWN);
}

void handoff_forget_gone(const struct handoff *h, struct super *super)
{
    if (!h->stale)
        return;
    for (size_t i = 0; i < super_group_count(super); i++) {
        struct group *g = super_group_at(super, i);
        for (size_t k = 0; k < group_count(g); k++)
            forget_if_gone(super, group_at(g, k));
    }
}

void handoff_try_again(const char *program, const struct err *err)
{
    struct timespec pause = {.tv_sec = TRY_AGAIN_MS / 1000};
    struct journal_facts *f = journal_facts();
    int fds[2];
    reexec_fds(fds);
    if (fds[1] >= 0) {
        fprintf(stderr, "%s: cannot take over: %s\n", program, err->text);
        f->restores_failed = 0;
        crash_block_others();
        reexec_fall_back(REEXEC_SUPERVISOR, f->max_fd);
    }
    if (err->code != ERR_SYS)
        return;
    fprintf(stderr, "%s: cannot go on yet: %s\n", program, err->text);
    nanosleep(&pause, NULL);
    crash_block_others();
    reexec_now(REEXEC_SUPERVISOR, f->max_fd);
}

void handoff_done(void)
{
    crash_set_restoring(false);
    journal_facts()->restores_failed = 0;
    reexec_settle();
}

bool handoff_tell_crash(struct super *super)
{
    char how[200];
    size_t programs = 0;
    if (!crash_untold(how, sizeof how))
        return false;
    for (size_t i = 0; i < super_group_count(super); i++)
        programs += group_unstopped(super_group_at(super, i));
    log_crit("supervisord crashed: %s (%s); it goes on with %zu running programs. "
             "Crashes so far: %u; faults in the last minute: %u",
             how, upgrade_version(), programs, (unsigned)journal_facts()->deaths,
             crash_count_since(mono_ms(), 60 * 1000));
    return true;
}

/* --- trial run --------------------------------------------------------------------- */

static int check_record(struct err *err)
{
    struct buf text;
    struct handoff h = {0};
    struct span layout;
    struct record_reader r;
    char *room;
    ssize_t n;
    bool fits = false;
    buf_init(&text, BUF_NO_LIMIT);
    do {
        if (buf_reserve(&text, 65536, &room) < 0)
            return err_set(err, ERR_LIMIT, "no memory for the record");
        n = read(0, room, 65536);
        if (n > 0)
            buf_commit(&text, (size_t)n);
    } while (n > 0 || (n < 0 && errno == EINTR));
    if (super_check(buf_data(&text), text.len, err) < 0)
        goto out;
    record_open(&r, buf_data(&text), text.len);
    while (record_next_of(&r, "image") == 1)
        if (record_get(&r, "journal", &layout))
            fits = span_eq(layout, journal_layout());
    if (!fits)
        err_set(err, ERR_LIMIT, "its journal has another layout than %s",
                journal_layout());
out:
    handoff_clear(&h);
    buf_wipe(&text);
    return fits ? 0 : -1;
}

int handoff_check(void)
{
    struct err err = {0};
    bool accepted = check_record(&err) == 0;
    if (accepted)
        printf("accepted %s\n", upgrade_version());
    else
        printf("%s cannot read the state: %s\n", upgrade_version(), err.text);
    return fflush(stdout) == 0 && accepted ? 0 : 1;
}
