/* Any bytes as the record of a supervisor: it is refused, or what comes of it can run,
 * end and be saved as a record that is taken again. Nothing is started, and no log or
 * socket is made, whatever names the record has. */
/* links: tests/unit/fake_spawn.c all */
#include "applets/supervisord/super_save.h"
#include "core/base/log.h"
#include "core/io/logfile.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- no logs ----------------------------------------------------------------------- */

struct logfile *logfile_open(struct loop *loop, const struct logfile_opts *opts,
                             bool quiet, struct err *err)
{
    UNUSED(loop);
    UNUSED(quiet);
    err_set(err, ERR_MISSING, "no log at %s", opts->path);
    return NULL;
}

void logfile_write(struct logfile *lf, const void *data, size_t n)
{
    UNUSED(lf);
    UNUSED(data);
    UNUSED(n);
}

int logfile_reopen(struct logfile *lf, struct err *err)
{
    UNUSED(lf);
    UNUSED(err);
    return 0;
}

int logfile_clear(struct logfile *lf, struct err *err)
{
    UNUSED(lf);
    UNUSED(err);
    return 0;
}

void logfile_close(struct logfile *lf)
{
    UNUSED(lf);
}

/* --- what the seeds name ------------------------------------------------------------ */

enum {
    FIRST_FD = 50
}; /* 50 and 52: a program's output and errors; 55: its input; 56:
      a listening socket */

static void move_pair(int ends[2], int to)
{
    for (int i = 0; i < 2; i++) {
        dup2(ends[i], to + i);
        close(ends[i]);
    }
}

/* The kernel makes up an abstract name. */
static int bind_nameless(int s)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    return bind(s, (struct sockaddr *)(void *)&addr, sizeof addr.sun_family);
}

static void make_descriptors(void)
{
    int ends[2];
    for (int i = 0; i < 3; i++) {
        if (pipe(ends) < 0)
            abort();
        move_pair(ends, FIRST_FD + 2 * i);
    }
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    if (s < 0 || bind_nameless(s) < 0 || listen(s, 1) < 0)
        abort();
    dup2(s, FIRST_FD + 6);
    close(s);
    static const char said[] = "READY\nx<!--XSUPERVISOR:BEGIN-->y";
    if (write(FIRST_FD + 1, said, sizeof said) < 0 ||
        write(FIRST_FD + 3, said, sizeof said) < 0)
        abort();
}

static void close_descriptors(void)
{
    for (int fd = FIRST_FD; fd < FIRST_FD + 7; fd++)
        close(fd);
}

/* --- */

static void save_and_check(struct super *s)
{
    struct buf text;
    struct err err;
    struct record_writer w = {.out = &text};
    buf_init(&text, BUF_NO_LIMIT);
    super_save_all(s, &w);
    if (w.failed || super_check(buf_data(&text), text.len, &err) < 0)
        abort();
    if (super_save_changes(s, &w) != SUPER_UNCHANGED)
        abort();
    buf_free(&text);
}

static void live(struct super *s)
{
    struct err err;
    static const int pids[] = {1000, 1001, 1002};
    save_and_check(s);
    super_engine(s)->starts_allowed = false;
    super_on_spawned(
        s,
        &(struct process_spawned){
            .process_id = 1, .pid = 1002, .in_fd = -1, .out_fd = FIRST_FD, .err_fd = -1});
    super_resume(s);
    if (loop_turn(super_loop(s), 0, &err) < 0)
        abort();
    super_on_signal(s, SIGTERM);
    for (size_t i = 0; i < array_len(pids); i++)
        super_on_exited(s, pids[i], 0);
    if (loop_turn(super_loop(s), 0, &err) < 0)
        abort();
    save_and_check(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    struct err err;
    static char *nothing[] = {NULL};
    if (!ready) {
        log_drop_early();
        signal(SIGPIPE, SIG_IGN);
        ready = true;
    }
    make_descriptors();
    struct super_opts opts = {.loop = loop_new(&err), .environ = nothing};
    bool taken = super_check((const char *)data, size, &err) == 0;
    struct super *s = super_restore(&opts, (const char *)data, size, &err);
    if (taken != (s != NULL))
        abort();
    if (s) {
        live(s);
        super_free(s);
    }
    loop_free(opts.loop);
    close_descriptors();
    return 0;
}
