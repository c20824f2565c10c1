/* Output and the journal, by dying: a worker that shares its descriptors with us (as
 * supervisord does with its keeper) is killed at every crash point in turn, and again
 * while it recovers. Afterwards every byte is in the log once. */
#include "core/io/journal.h"

#include "core/base/alloc.h"
#include "core/base/buf.h"
#include "core/io/fd.h"
#include "core/io/logfile.h"
#include "tests/unit/journal_world.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifdef JOURNAL_CRASH_POINTS

enum { PIPES = 5 };

static int pipes[PIPES][2];

static struct {
    int64_t maxbytes;
    int backups;
    bool two_logs; /* programs in turn have one log each, of the same name */
    bool has_state;
} variant;

static int set_up_pipes(void **state)
{
    for (int i = 0; i < PIPES; i++)
        pipes[i][0] = pipes[i][1] = -1;
    return set_up(state);
}

/* As fork, with one table of descriptors for both. */
static pid_t fork_sharing(void)
{
    return (pid_t)syscall(SYS_clone, (unsigned long)CLONE_FILES | SIGCHLD, 0UL, NULL,
                          NULL, 0UL);
}

/* What a new image does first: nothing is open but what somebody names. */
static void close_unnamed(int keep)
{
    for (int fd = 3; fd < 64; fd++) {
        bool named = journal_names_fd(fd) || fd == keep;

        for (int i = 0; i < PIPES && !named; i++)
            named = pipes[i][0] == fd || pipes[i][1] == fd;
        if (!named)
            close(fd);
    }
}

/* --- bytes ------------------------------------------------------------------------- */

/* Numbered lines of different lengths for pipe i; at most what a pipe holds. */
static void make_output(int i, struct buf *out)
{
    static const int lines[PIPES] = {1, 40, 700, 3, 12};

    for (int k = 0; k < lines[i]; k++)
        assert_true(
            buf_printf(out, "program %d line %d %.*s\n", i, k, (k * 7 + i) % 60,
                       "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz01234567") >=
            0);
}

static void fill_pipes(void)
{
    struct err err;

    for (int i = 0; i < PIPES; i++) {
        struct buf text;

        buf_init(&text, 1 << 20);
        make_output(i, &text);
        assert_int_equal(fd_pipe(pipes[i], &err), 0);
        fd_set_nonblock(pipes[i][0], true);
        fd_set_nonblock(pipes[i][1], true);
        assert_int_equal(write(pipes[i][1], buf_data(&text), text.len), text.len);
        buf_free(&text);
    }
}

static void empty_pipes(void)
{
    for (int i = 0; i < PIPES; i++) {
        fd_close(&pipes[i][0]);
        fd_close(&pipes[i][1]);
    }
}

static struct logfile *logs[2];

static void open_logs(void)
{
    struct err err;
    struct logfile_opts opts = {.path = "log",
                                .maxbytes = variant.maxbytes,
                                .backups = variant.backups,
                                .journaled = true};

    logs[0] = logfile_open(NULL, &opts, true, &err);
    logs[1] = variant.two_logs ? logfile_open(NULL, &opts, true, &err) : logs[0];
    if (logs[0] == NULL || logs[1] == NULL)
        _exit(3);
}

/* In three pieces, as capture mode would cut it. */
static void take(uint64_t program, const char *data, size_t n)
{
    size_t a = n / 3, b = n / 2;

    for (size_t i = 0; i < n; i++)
        now.hash = (now.hash ^ (unsigned char)data[i]) * 1099511628211u;
    logfile_write(logs[program % 2], data, a);
    logfile_write(logs[program % 2], data + a, b - a);
    logfile_write(logs[program % 2], data + b, n - b);
}

static void on_chunk(void *arg, const struct journal_chunk *c)
{
    UNUSED(arg);
    take(c->process_id, c->data, c->n);
}

/* One life, from the record on. */
static void log_worker(long crash_after)
{
    static const struct journal_handlers handlers = {.on_chunk = on_chunk};
    struct err err;

    journal_crash_after = crash_after;
    now = shared->slots[shared->which];
    if (crash_after % 2 && journal_attach(journal_fd(), &err) < 0)
        _exit(4);
    close_unnamed(-1);
    open_logs();
    journal_replay(&now.mark, &handlers);
    journal_set_checkpoint(write_record, NULL);
    write_record(NULL);
    for (int i = 0; i < PIPES; i++) {
        const char *data;
        ssize_t n;

        while ((n = journal_chunk_read(pipes[i][0], (uint64_t)i, false, &data)) > 0) {
            take((uint64_t)i, data, (size_t)n);
            if (variant.has_state)
                journal_chunk_leave();
            else
                journal_chunk_end();
        }
    }
    write_record(NULL);
    _exit(0);
}

/* Runs lives until one ends by itself; the first dies at point `first`, the next at
 * `second`, further ones not. How many died. */
static int run_lives(void (*worker)(long), long first, long second)
{
    for (int life = 0; life < LIVES_MAX; life++) {
        pid_t pid = fork_sharing();
        int status;

        if (pid == 0)
            worker(life == 0 ? first : life == 1 ? second : 0);
        assert_true(pid > 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFEXITED(status)) {
            assert_int_equal(WEXITSTATUS(status), 0);
            return life;
        }
        assert_int_equal(WTERMSIG(status), SIGKILL);
    }
    fail();
    return -1;
}

static void append_file(const char *name, struct buf *out)
{
    struct err err;

    if (access(name, F_OK) == 0)
        assert_int_equal(logfile_read(name, 0, 0, out, &err), 0);
}

/* All of the log, oldest first. */
static void read_logs(struct buf *out)
{
    buf_init(out, 1 << 24);
    for (int i = 250; i > 0; i--) {
        char name[32];

        snprintf(name, sizeof name, "log.%d", i);
        append_file(name, out);
    }
    append_file("log", out);
}

static void expected_output(struct buf *out, uint64_t *hash)
{
    buf_init(out, 1 << 24);
    for (int i = 0; i < PIPES; i++)
        make_output(i, out);
    *hash = 0;
    for (size_t i = 0; i < out->len; i++)
        *hash = (*hash ^ (unsigned char)buf_data(out)[i]) * 1099511628211u;
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines in another order: several logs were written in turn. */
static void sort_lines(struct buf *text)
{
    char *copy = xstrndup(buf_data(text), text->len), *at, *rest = copy;
    char **lines = xcalloc(text->len + 1, sizeof *lines);
    size_t n = 0;

    while ((at = strsep(&rest, "\n")) && rest)
        lines[n++] = at;
    qsort(lines, n, sizeof *lines, compare_lines);
    buf_consume(text, text->len);
    for (size_t i = 0; i < n; i++)
        assert_true(buf_printf(text, "%s\n", lines[i]) >= 0);
    free(lines);
    free(copy);
}

static void check_logs(long first, long second)
{
    struct buf want, got;
    uint64_t hash;

    expected_output(&want, &hash);
    read_logs(&got);
    if (variant.backups == 2) { /* the rest has gone its way */
        assert_true(got.len >= 2 * (size_t)variant.maxbytes && got.len <= want.len);
        buf_consume(&want, want.len - got.len);
        assert_memory_equal(buf_data(&got), buf_data(&want), got.len);
    } else if (variant.two_logs && variant.maxbytes > 0) {
        /* A piece may be in the middle of a line: one log's pieces lie in two files. */
        if (got.len != want.len)
            print_error("killed at %ld, then %ld\n", first, second);
        assert_int_equal(got.len, want.len);
    } else {
        if (got.len != want.len || memcmp(buf_data(&got), buf_data(&want), got.len) != 0)
            print_error("killed at %ld, then %ld\n", first, second);
        assert_int_equal(got.len, want.len);
        assert_memory_equal(buf_data(&got), buf_data(&want), got.len);
    }
    sort_lines(&got);
    sort_lines(&want);
    if (!(variant.two_logs && variant.maxbytes > 0))
        assert_memory_equal(buf_data(&got), buf_data(&want), got.len);
    if (variant.has_state)
        assert_int_equal(shared->slots[shared->which].hash == hash, 1);
    buf_free(&want);
    buf_free(&got);
}

static void try_lives(long first, long second, int *died)
{
    memset(shared, 0, sizeof *shared);
    remove_files();
    fill_pipes();
    journal_mark(&shared->slots[0].mark);
    *died = run_lives(log_worker, first, second);
    check_logs(first, second);
    empty_pipes();
}

/* At every point, or at one of `step`: a sanitized life takes 10 ms. */
static void kill_everywhere(long step)
{
    int died = 1;
    long point;

    for (point = 1; died > 0; point += step) {
        try_lives(point, 0, &died);
        if (died > 0 && point / step % 4 == 0)
            try_lives(point, 1 + point / 4 % 25, &died);
    }
    assert_true(point > 30);
}

static void test_killed_while_logging(void **state)
{
    UNUSED(state);
    memset(&variant, 0, sizeof variant);
    kill_everywhere(2);
}

static void test_killed_while_rotating(void **state)
{
    UNUSED(state);
    memset(&variant, 0, sizeof variant);
    variant.maxbytes = 600;
    variant.backups = 60;
    kill_everywhere(5);
    variant.backups = 2;
    kill_everywhere(7);
}

static void test_killed_with_state(void **state)
{
    UNUSED(state);
    memset(&variant, 0, sizeof variant);
    variant.has_state = true;
    kill_everywhere(5);
}

static void test_killed_with_one_log_for_two(void **state)
{
    UNUSED(state);
    memset(&variant, 0, sizeof variant);
    variant.two_logs = true;
    kill_everywhere(7);
    variant.maxbytes = 3000;
    variant.backups = 250;
    kill_everywhere(7);
}

/* --- exits that are worked on ------------------------------------------------------- */

static void drain_pipe(void *arg, pid_t pid, int status)
{
    int i = (int)pid - 1000;
    const char *data;
    ssize_t n;

    UNUSED(arg);
    UNUSED(status);
    while ((n = journal_chunk_read(pipes[i][0], (uint64_t)i, false, &data)) > 0) {
        take((uint64_t)i, data, (size_t)n);
        journal_chunk_end();
    }
}

/* Many exits in one turn, without a record between them: with each the last output. */
static void exit_worker(long crash_after)
{
    static const struct journal_handlers handlers = {.on_chunk = on_chunk,
                                                     .on_exit = drain_pipe};

    journal_crash_after = crash_after;
    now = shared->slots[shared->which];
    close_unnamed(-1);
    open_logs();
    journal_replay(&now.mark, &handlers);
    for (int i = 0; i < PIPES; i++) {
        struct journal_entry *e = journal_begin(JOURNAL_EXIT);

        e->u.exit.si_signo = SIGCHLD;
        e->u.exit.si_code = CLD_EXITED;
        e->u.exit.si_pid = 1000 + i;
        drain_pipe(NULL, e->u.exit.si_pid, 0);
        journal_done(e);
    }
    write_record(NULL);
    _exit(0);
}

static void test_killed_over_last_words(void **state)
{
    int died = 1;

    UNUSED(state);
    memset(&variant, 0, sizeof variant);
    for (long point = 1; died > 0; point++) {
        memset(shared, 0, sizeof *shared);
        remove_files();
        fill_pipes();
        journal_mark(&shared->slots[0].mark);
        died = run_lives(exit_worker, point, point % 5 ? 0 : 1 + point % 17);
        check_logs(point, 0);
        empty_pipes();
    }
}

/* --- a write cut short ------------------------------------------------------------- */

static size_t cut_at;
static int64_t cut_log; /* the log is this long when the dead one believed it longer */

static void cutting_worker(long crash_after)
{
    const char *data;
    struct stat st;
    ssize_t n;

    if (crash_after == 0) {
        log_worker(0);
        return;
    }
    open_logs();
    n = journal_chunk_read(pipes[0][0], 0, false, &data);
    if (n <= 0 || (size_t)n < cut_at)
        _exit(5);
    int fd = fd_open("log", O_WRONLY | O_APPEND, 0);
    if (fstat(fd, &st) < 0)
        _exit(6);
    journal_write_begin(fd, st.st_dev, st.st_ino, st.st_size + cut_log, "log", data,
                        (size_t)n / 3);
    if (write(fd, data, cut_at) != (ssize_t)cut_at)
        _exit(7);
    kill(getpid(), SIGKILL);
}

static void cut_write(size_t cut, int64_t stale_bytes, const char *before)
{
    struct buf want, got;
    uint64_t hash;

    memset(shared, 0, sizeof *shared);
    remove_files();
    fill_pipes();
    int fd = fd_open("log", O_WRONLY | O_CREAT, 0600);
    assert_int_equal(fd_write_all(fd, before, strlen(before)), 0);
    fd_close(&fd);
    cut_at = cut;
    cut_log = stale_bytes;
    journal_mark(&shared->slots[0].mark);
    assert_int_equal(run_lives(cutting_worker, 1, 0), 1);
    empty_pipes();

    buf_init(&got, 1 << 24);
    append_file("log", &got);
    expected_output(&want, &hash);
    assert_int_equal(got.len, strlen(before) + want.len);
    assert_memory_equal(buf_data(&got), before, strlen(before));
    assert_memory_equal(buf_data(&got) + strlen(before), buf_data(&want), want.len);
    buf_free(&got);
    buf_free(&want);
}

static void test_partial_write(void **state)
{
    struct buf first;

    UNUSED(state);
    memset(&variant, 0, sizeof variant);
    buf_init(&first, 1 << 20);
    make_output(0, &first);
    for (size_t cut = 0; cut <= first.len / 3; cut++) {
        cut_write(cut, 0, "");
        cut_write(cut, 0, "something older\n");
    }
    buf_free(&first);
}

/* Somebody cut the log (it is shorter than we believe), or appended to it (longer). */
static void test_foreign_hands(void **state)
{
    UNUSED(state);
    memset(&variant, 0, sizeof variant);
    struct buf first;
    buf_init(&first, 1 << 20);
    make_output(0, &first);
    cut_write(0, 5000, "what was left of it\n");
    cut_write(first.len / 3, 5000, "what was left of it\n");
    cut_write(0, -20, "by another program\n\n"); /* where "progra" is found too */
    cut_write(first.len / 3, -20, "by another program\n\n");
    buf_free(&first);
}

/* --- poison ------------------------------------------------------------------------ */

static int dies; /* the replay ends in another fault */

static void on_poison(void *arg, const struct journal_chunk *c)
{
    UNUSED(arg);
    if (dies) {
        journal_facts()->crashes++;
        kill(getpid(), SIGKILL);
    }
    _exit(c->raw ? 2 : 1);
}

/* 0: there was no chunk; 1: one as usual; 2: a raw one; -1: died. */
static int poison_life(bool first)
{
    static const struct journal_handlers handlers = {.on_chunk = on_poison};
    pid_t pid = fork_sharing();
    const char *data;
    int status;

    if (pid == 0) {
        if (first) {
            if (journal_chunk_read(pipes[0][0], 7, false, &data) <= 0)
                _exit(5);
            journal_facts()->crashes++;
            kill(getpid(), SIGKILL);
        }
        journal_replay(&(struct journal_mark){0}, &handlers);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Each fault while it is in flight counts; being killed (or ending) does not. */
static void test_poison(void **state)
{
    UNUSED(state);
    fill_pipes();
    assert_int_equal(poison_life(true), -1);
    for (int faults = 1; faults < CHUNK_DROP_FAULTS; faults++) {
        dies = 0;
        assert_int_equal(poison_life(false), faults < CHUNK_RAW_FAULTS ? 1 : 2);
        assert_int_equal(poison_life(false), faults < CHUNK_RAW_FAULTS ? 1 : 2);
        dies = 1;
        assert_int_equal(poison_life(false), -1);
    }
    assert_int_equal(poison_life(false), 0);
    assert_int_equal(poison_life(false), 0); /* gone for good */
    empty_pipes();
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_killed_while_logging, set_up_pipes,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_killed_while_rotating, set_up_pipes,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_killed_with_state, set_up_pipes, tear_down),
        cmocka_unit_test_setup_teardown(test_killed_with_one_log_for_two, set_up_pipes,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_killed_over_last_words, set_up_pipes,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_partial_write, set_up_pipes, tear_down),
        cmocka_unit_test_setup_teardown(test_foreign_hands, set_up_pipes, tear_down),
        cmocka_unit_test_setup_teardown(test_poison, set_up_pipes, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    return 0; /* built without crash points: make SAN=1 */
}

#endif
