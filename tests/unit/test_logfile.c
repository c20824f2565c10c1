/* Log files in a temporary directory, and descriptors whose readers are slow or gone. */
#include "core/io/logfile.h"

#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/io/fd.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];
static struct loop *loop;
static char said[4096]; /* what went to the activity log */

static void sink(void *arg, enum log_level level, const char *line, size_t n,
                 const char *text)
{
    UNUSED(arg);
    UNUSED(level);
    UNUSED(line);
    UNUSED(n);
    strncat(said, text, sizeof said - strlen(said) - 2);
    strcat(said, "\n");
}

static int set_up(void **state)
{
    struct err err;

    UNUSED(state);
    strcpy(dir, "/tmp/test-logfile-XXXXXX");
    if (mkdtemp(dir) == NULL || chdir(dir) < 0)
        return -1;
    said[0] = '\0';
    loop = loop_new(&err);
    clock_freeze(1000000, 1000000000);
    return loop ? 0 : -1;
}

static int tear_down(void **state)
{
    DIR *d = opendir(dir);
    struct dirent *e;

    UNUSED(state);
    while ((e = readdir(d)))
        unlink(e->d_name);
    closedir(d);
    loop_free(loop);
    clock_thaw();
    return chdir("/") < 0 || rmdir(dir) < 0 ? -1 : 0;
}

static struct logfile *must_open(const char *path, int64_t maxbytes, int backups)
{
    struct logfile_opts opts = {.path = path, .maxbytes = maxbytes, .backups = backups};
    struct err err;
    struct logfile *lf = logfile_open(loop, &opts, false, &err);

    if (lf == NULL)
        print_error("%s\n", err.text);
    assert_non_null(lf);
    return lf;
}

static void put(struct logfile *lf, const char *text)
{
    logfile_write(lf, text, strlen(text));
}

/* The content of a file, or "(none)". */
static void assert_file(const char *path, const char *expected)
{
    char text[256] = "(none)";
    int fd = open(path, O_RDONLY);

    if (fd >= 0) {
        ssize_t n = read(fd, text, sizeof text - 1);

        text[n > 0 ? n : 0] = '\0';
        close(fd);
    }
    assert_string_equal(text, expected);
}

static void test_rotation(void **state)
{
    struct logfile *lf = must_open("log", 10, 2);

    UNUSED(state);
    assert_true(logfile_is_regular(lf));
    put(lf, "123456789"); /* one byte short of it */
    assert_file("log.1", "(none)");
    put(lf, "abc"); /* reaches it: rotated after the write */
    assert_file("log", "");
    assert_file("log.1", "123456789abc");
    put(lf, "second 10+");
    put(lf, "third 10++");
    put(lf, "x");
    assert_file("log", "x");
    assert_file("log.1", "third 10++");
    assert_file("log.2", "second 10+");
    assert_file("log.3", "(none)");
    logfile_close(lf);
    lf = must_open("log", 10, 2); /* the size counts from what is there */
    put(lf, "345678901");
    assert_file("log.1", "x345678901");
    logfile_close(lf);
    assert_string_equal(said, "");
}

static void put_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

/* A rotation that was killed after its second step goes on where it was. */
static void test_rotation_fills_gap(void **state)
{
    struct logfile *lf = must_open("log", 10, 4);

    UNUSED(state);
    put_file("log.1", "one");
    put_file("log.3", "three, which was two");
    put_file("log.4", "four, which was three");
    put(lf, "123456789+");
    assert_file("log.1", "123456789+");
    assert_file("log.2", "one");
    assert_file("log.3", "three, which was two");
    assert_file("log.4", "four, which was three");
    put(lf, "abcdefghi+");
    assert_file("log.2", "123456789+");
    assert_file("log.4", "three, which was two");
    logfile_close(lf);
}

/* Two programs with one log: its size counts what both wrote. */
static void test_size_is_shared(void **state)
{
    struct logfile *a = must_open("log", 10, 2), *b = must_open("log", 10, 2);

    UNUSED(state);
    put(a, "123456");
    put(b, "789+");
    assert_file("log", "");
    assert_file("log.1", "123456789+");
    logfile_close(b);
    put(a, "!"); /* into the file it has open, which is over-long: rotated */
    assert_file("log.1", "");
    assert_file("log.2", "123456789+!");
    logfile_close(a);
}

static void test_no_backups_truncates(void **state)
{
    struct logfile *lf = must_open("log", 5, 0);
    struct stat before, after;

    UNUSED(state);
    put(lf, "1234");
    stat("log", &before);
    put(lf, "5");
    assert_file("log", "");
    stat("log", &after);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_file("log.1", "(none)");
    put(lf, "67");
    assert_file("log", "67");
    logfile_close(lf);
}

static void test_appends_and_survives_truncation(void **state)
{
    struct logfile *lf = must_open("log", 10, 1);

    UNUSED(state);
    put(lf, "12345678");
    assert_int_equal(truncate("log", 0), 0);
    put(lf, "ab"); /* 10 by our count, 2 in truth: not rotated */
    assert_file("log", "ab");
    assert_file("log.1", "(none)");
    put(lf, "cdefghij");
    assert_file("log.1", "abcdefghij");
    logfile_close(lf);
}

static void test_mode_and_exclusive(void **state)
{
    struct logfile_opts opts = {.path = "auto", .mode = 0600, .exclusive = true};
    struct err err;
    struct logfile *lf = logfile_open(loop, &opts, false, &err);
    struct stat st;

    UNUSED(state);
    assert_non_null(lf);
    assert_int_equal(stat("auto", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_null(logfile_open(loop, &opts, false, &err));
    assert_int_equal(err.sys, EEXIST);
    logfile_close(lf);
    opts.path = "missing/log";
    assert_null(logfile_open(loop, &opts, false, &err));
    assert_int_equal(err.sys, ENOENT);
}

static void test_reopen_and_clear(void **state)
{
    struct logfile *lf = must_open("log", 100, 2);
    struct err err;

    UNUSED(state);
    put(lf, "old");
    assert_int_equal(rename("log", "moved"), 0);
    put(lf, "er");
    assert_int_equal(logfile_reopen(lf, &err), 0);
    put(lf, "new");
    assert_file("moved", "older");
    assert_file("log", "new");
    assert_int_equal(logfile_clear(lf, &err), 0);
    assert_file("log", "");
    put(lf, "again");
    assert_file("log", "again");
    unlink("log");
    assert_int_equal(logfile_clear(lf, &err), 0);
    assert_file("log", "");
    logfile_close(lf);
}

static void test_vanished_directory(void **state)
{
    struct logfile *lf;
    struct err err;

    UNUSED(state);
    assert_int_equal(mkdir("sub", 0755), 0);
    lf = must_open("sub/log", 5, 1);
    put(lf, "1");
    unlink("sub/log");
    rmdir("sub");
    put(lf, "2345");
    put(lf, "678");
    assert_non_null(strstr(said, "cannot open a new log sub/log: No such file"));
    said[0] = '\0';
    assert_int_equal(logfile_reopen(lf, &err), -1);
    put(lf, "9");
    assert_string_equal(said, ""); /* said once */
    assert_int_equal(mkdir("sub", 0755), 0);
    put(lf, "soon"); /* not yet: at most one attempt a second */
    assert_file("sub/log", "(none)");
    clock_advance(1001);
    put(lf, "a");
    assert_string_equal(said, "log sub/log is open again\n");
    assert_file("sub/log", "a");
    logfile_close(lf);
    unlink("sub/log");
    rmdir("sub");
}

static void test_full_disk(void **state)
{
    struct logfile *lf;

    UNUSED(state);
    if (access("/dev/full", W_OK) < 0)
        skip();
    lf = must_open("/dev/full", 0, 0);
    errno = 77;
    put(lf, "12345");
    assert_int_equal(errno, 77);
    put(lf, "678");
    assert_string_equal(said, "cannot write to log /dev/full: No space left on device; "
                              "dropping output until that works\n");
    logfile_close(lf);
}

/* A regular file that cannot grow: the limit stands for a full disk. */
static void test_full_file_resumes(void **state)
{
    UNUSED(state);
    /* fork: a limit of the size of files would hit the test's own output too */
    pid_t pid = fork();

    if (pid == 0) {
        execl("/proc/self/exe", "test_logfile", "limited", dir, (char *)NULL);
        _exit(9);
    }
    int status;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    assert_int_equal(status, 0);
}

/* fd `number` is a pipe or socket for the time of a test; returns the reading end. */
static int borrow(int number, bool is_socket)
{
    int ends[2];

    if (is_socket)
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    else
        assert_int_equal(pipe(ends), 0);
    assert_int_equal(dup2(ends[1], number), number);
    close(ends[1]);
    fd_set_nonblock(ends[0], true);
    return ends[0];
}

static void turn(void)
{
    struct err err;

    assert_int_equal(loop_turn(loop, 0, &err), 0);
}

/* A reader that sleeps: nothing blocks, at most 256 KiB wait, the rest is dropped once
 * said, what was taken arrives whole and in order, and then it goes on. */
static void test_slow_reader(void **state)
{
    UNUSED(state);
    for (int is_socket = 0; is_socket < 2; is_socket++) {
        int number = 60, reader = borrow(number, is_socket);
        struct logfile *lf = must_open("/dev/fd/60", 50, 3);
        static char piece[1000], got[2000000];
        size_t total = 0;
        ssize_t n;
        int flags;

        said[0] = '\0';
        assert_false(logfile_is_regular(lf));
        for (int i = 0; i < 1000; i++) {
            memset(piece, 'a' + i % 26, sizeof piece);
            logfile_write(lf, piece, sizeof piece);
        }
        assert_string_equal(said, "the reader of log /dev/fd/60 is too slow; dropping "
                                  "output until it catches up\n");
        flags = fcntl(number, F_GETFL);
        assert_int_equal(flags & O_NONBLOCK, 0);
        for (int idle = 0; idle < 3; turn()) {
            n = read(reader, got + total, sizeof got - total);
            if (n > 0)
                total += (size_t)n;
            else
                idle++;
        }
        assert_true(total >= 256 * 1024);
        assert_int_equal(total % 1000, 0);
        for (size_t i = 0; i < total; i++)
            assert_int_equal(got[i], 'a' + (int)(i / 1000 % 26));
        char expected[200];

        snprintf(expected, sizeof expected, "works again; %zu bytes were dropped",
                 1000000 - total);
        assert_non_null(strstr(said, expected));
        put(lf, "on we go");
        assert_int_equal(read(reader, got, 100), 8);
        logfile_close(lf);
        close(reader);
        close(number);
    }
}

static void test_reader_gone(void **state)
{
    UNUSED(state);
    for (int is_socket = 0; is_socket < 2; is_socket++) {
        int reader = borrow(60, is_socket);
        struct logfile *lf = must_open("/proc/self/fd/60", 0, 0);
        static char piece[200000];

        said[0] = '\0';
        logfile_write(lf, piece, sizeof piece); /* some of it waits */
        close(reader);
        for (int i = 0; i < 5; i++)
            turn();
        put(lf, "x");
        assert_non_null(strstr(said, "Broken pipe"));
        assert_non_null(strchr(said, '\n'));
        assert_null(strchr(strchr(said, '\n') + 1, '\n')); /* one line */
        logfile_close(lf);
        close(60);
    }
}

static void test_descriptors_by_name(void **state)
{
    struct logfile_opts opts = {.path = "/dev/fd/987"};
    struct err err;

    UNUSED(state);
    assert_null(logfile_open(loop, &opts, false, &err));
    assert_int_equal(err.sys, EBADF);
    assert_non_null(strstr(err.text, "/dev/fd/987"));
    struct logfile *lf = must_open("/dev/stdout", 1, 1);

    assert_string_equal(logfile_path(lf), "/dev/stdout");
    assert_int_equal(logfile_reopen(lf, &err), 0);
    assert_int_equal(logfile_clear(lf, &err), 0);
    logfile_close(lf);
    lf = must_open("/dev/null", 1, 1);
    put(lf, "gone");
    assert_false(logfile_is_regular(lf));
    logfile_close(lf);
    assert_string_equal(said, "");
}

static void test_fifo(void **state)
{
    struct logfile *lf;
    char got[16] = "";
    int reader;

    UNUSED(state);
    assert_int_equal(mkfifo("fifo", 0600), 0);
    lf = must_open("fifo", 1, 1); /* does not wait for a reader */
    put(lf, "early");
    reader = open("fifo", O_RDONLY | O_NONBLOCK);
    put(lf, "+late");
    assert_int_equal(read(reader, got, 15), 10);
    assert_string_equal(got, "early+late");
    close(reader);
    put(lf, "kept");
    reader = open("fifo", O_RDONLY | O_NONBLOCK);
    memset(got, 0, sizeof got);
    assert_int_equal(read(reader, got, 15), 4);
    assert_string_equal(got, "kept");
    close(reader);
    logfile_close(lf);
}

/* Expectations from running upstream's readFile and tailFile on "0123456789". */
static void test_reading(void **state)
{
    static const struct {
        int64_t offset, length;
        const char *text; /* NULL: bad arguments */
    } reads[] = {
        {0, 0, "0123456789"}, {3, 0, "3456789"},
        {3, 2, "34"},         {3, 99, "3456789"},
        {10, 0, ""},          {99, 5, ""},
        {-4, 0, "6789"},      {-99, 0, "0123456789"},
        {-4, 2, NULL},        {0, -1, NULL},
        {-1, -1, NULL},       {INT64_MIN, 0, "0123456789"},
        {INT64_MAX, 1, ""},
    };
    static const struct {
        int64_t offset, length;
        const char *text;
        bool overflow;
    } tails[] = {
        {0, 10, "0123456789", false},
        {0, 4, "6789", true},
        {0, 99, "0123456789", false},
        {5, 2, "89", true},
        {8, 4, "6789", false},
        {10, 5, "", false},
        {99, 5, "", false},
        {0, 0, "", true},
        {0, 1, "9", true},
        {0, INT64_MAX, "0123456789", false},
        {INT64_MAX, INT64_MAX, "", false},
        {0, -5, "", true},
    };
    struct logfile *lf = must_open("log", 0, 0);
    struct buf out;
    struct err err;
    int64_t size = 0;
    bool overflow = false;

    UNUSED(state);
    put(lf, "0123456789");
    logfile_close(lf);
    for (size_t i = 0; i < array_len(reads); i++) {
        int rc;

        buf_init(&out, 1000);
        rc = logfile_read("log", reads[i].offset, reads[i].length, &out, &err);
        assert_int_equal(rc, reads[i].text ? 0 : -1);
        if (reads[i].text)
            assert_string_equal(buf_str(&out), reads[i].text);
        else
            assert_int_equal(err.code, ERR_SYNTAX);
        buf_free(&out);
    }
    for (size_t i = 0; i < array_len(tails); i++) {
        buf_init(&out, 1000);
        assert_int_equal(logfile_tail("log", tails[i].offset, tails[i].length, &out,
                                      &size, &overflow, &err),
                         0);
        assert_string_equal(buf_str(&out), tails[i].text);
        assert_int_equal(overflow, tails[i].overflow);
        assert_int_equal(size, 10);
        buf_free(&out);
    }
    buf_init(&out, 5);
    assert_int_equal(logfile_read("log", 0, 0, &out, &err), -1);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_int_equal(out.len, 0);
    assert_int_equal(logfile_read("nolog", 0, 0, &out, &err), -1);
    assert_int_equal(err.code, ERR_MISSING);
    assert_int_equal(logfile_read("/", 0, 0, &out, &err), -1);
    assert_int_equal(err.code, ERR_SYS);
    buf_free(&out);
}

/* In a process of its own: files may grow to 4096 bytes only. */
static int limited(const char *where)
{
    struct rlimit limit = {4096, RLIM_INFINITY};
    static char piece[3000];
    struct logfile *lf;
    struct stat st;

    signal(SIGXFSZ, SIG_IGN);
    if (chdir(where) < 0 || setrlimit(RLIMIT_FSIZE, &limit) < 0)
        return 2;
    log_add_sink(sink, NULL);
    lf = must_open("small", 0, 0);
    for (int i = 0; i < 3; i++)
        logfile_write(lf, piece, sizeof piece);
    if (stat("small", &st) < 0 || st.st_size != 4096)
        return 3;
    if (strcmp(said, "cannot write to log small: File too large; dropping output until "
                     "that works\n") != 0)
        return 4;
    if (truncate("small", 0) < 0)
        return 5;
    put(lf, "x");
    if (strstr(said, "writing to log small works again; 4904 bytes were dropped\n") ==
        NULL)
        return 6;
    logfile_close(lf);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rotation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rotation_fills_gap, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_size_is_shared, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_backups_truncates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_appends_and_survives_truncation, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_mode_and_exclusive, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reopen_and_clear, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_vanished_directory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_full_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_full_file_resumes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_slow_reader, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reader_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_descriptors_by_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fifo, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reading, set_up, tear_down),
    };

    signal(SIGPIPE, SIG_IGN);
    if (argc == 3)
        return limited(argv[2]);
    log_add_sink(sink, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
