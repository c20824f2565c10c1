/* The daemon's main: arguments, checks, start-up in upstream's order, the loop, and a new
 * beginning after a restart. */
#include "applets/applet.h"
#include "applets/supervisord/adopt.h"
#include "applets/supervisord/api/routes.h"
#include "applets/supervisord/checkpoint.h"
#include "applets/supervisord/daemon_log.h"
#include "applets/supervisord/handoff.h"
#include "applets/supervisord/keeper.h"
#include "applets/supervisord/shortage.h"
#include "applets/supervisord/start_up.h"
#include "applets/supervisord/super_save.h"
#include "applets/supervisord/upgrade.h"
#include "config/args.h"
#include "config/conf_load.h"
#include "config/help.h"
#include "core/base/alloc.h"
#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/pytext.h"
#include "core/io/crash.h"
#include "core/io/fd.h"
#include "core/io/image.h"
#include "core/io/oom.h"
#include "core/io/reexec.h"
#include "core/io/signals.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

struct daemon_args {
    const char *configuration;
    bool help, version;
    const char *profile;
    struct conf_overrides over;
};

#define A(member) offsetof(struct daemon_args, member)
// clang-format off
static const struct arg daemon_options[] = {
    { 'c', "configuration",    ARG_TEXT, A(configuration) },
    { 'n', "nodaemon",         ARG_FLAG, A(over.nodaemon) },
    { 's', "silent",           ARG_FLAG, A(over.silent) },
    { 'h', "help",             ARG_FLAG, A(help) },
    { 'v', "version",          ARG_FLAG, A(version) },
    { 'u', "user",             ARG_TEXT, A(over.user) },
    { 'm', "umask",            ARG_TEXT, A(over.umask) },
    { 'd', "directory",        ARG_TEXT, A(over.directory) },
    { 'l', "logfile",          ARG_TEXT, A(over.logfile) },
    { 'y', "logfile_maxbytes", ARG_TEXT, A(over.logfile_maxbytes) },
    { 'z', "logfile_backups",  ARG_TEXT, A(over.logfile_backups) },
    { 'e', "loglevel",         ARG_TEXT, A(over.loglevel) },
    { 'j', "pidfile",          ARG_TEXT, A(over.pidfile) },
    { 'i', "identifier",       ARG_TEXT, A(over.identifier) },
    { 'q', "childlogdir",      ARG_TEXT, A(over.childlogdir) },
    { 'k', "nocleanup",        ARG_FLAG, A(over.nocleanup) },
    { 'a', "minfds",           ARG_TEXT, A(over.minfds) },
    { 't', "strip_ansi",       ARG_FLAG, A(over.strip_ansi) },
    { 0,   "minprocs",         ARG_TEXT, A(over.minprocs) },
    { 0,   "profile_options",  ARG_TEXT, A(profile) },
};
// clang-format on

struct daemon {
    struct daemon_args args;
    struct loop *loop;
    struct signals *signals;
    struct shortage shortage;
    uint64_t next_event_serial;
    /* Surviving: see handoff.h. */
    bool survives; /* there is a journal */
    struct state_store store;
    struct handoff_image image;
    struct run { /* between two restarts */
        struct conf *conf;
        struct daemon_log log;
        struct super *super;
        struct api *api;
        struct adopt *adopt;
        struct checkpoint checkpoint;
        struct upgrade *upgrade;
        /* Safe mode, in which there is no api: its sockets as the record has them. */
        struct buf sockets;
        struct timer calm;
    } run;
};

static NORETURN void usage_error(const char *program, const char *text)
{
    fprintf(stderr, "Error: %s\nFor help, use %s -h\n", text, program);
    exit(2);
}

/* The words as upstream shows them: a list of Python's. */
static NORETURN void refuse_words(const char *program, char *const *words)
{
    struct buf text;
    buf_init(&text, BUF_NO_LIMIT);
    buf_puts(&text, "positional arguments are not supported: [");
    for (char *const *word = words; *word; word++) {
        char *shown = py_repr(span_of(*word));
        buf_printf(&text, "%s%s", word == words ? "" : ", ", shown);
        free(shown);
    }
    buf_putc(&text, ']');
    usage_error(program, buf_str(&text));
}

static void parse_args(struct daemon_args *args, int argc, char **argv)
{
    struct err err;
    int rest;
    if (args_parse(daemon_options, array_len(daemon_options), argc, argv, args, &rest,
                   &err) < 0)
        usage_error(argv[0], err.text);
    if (args->help) {
        help_print(stdout, "supervisord", argv[0]);
        exit(0);
    }
    if (args->version) {
        puts(SUPERVISOR_API_VERSION);
        exit(0);
    }
    if (rest < argc)
        refuse_words(argv[0], argv + rest);
}

/* --- surviving --------------------------------------------------------------------- */

enum {
    CALM_MS = 60 * 1000, /* crashes that are longer ago do not count */
    CRASHES_MAX = 5,     /* with more, the network is left alone */
    LAST_ANSWERS_MS = 1000
};

static void save_more(void *arg, struct record_writer *w)
{
    struct daemon *d = arg;
    d->image.oom_original = oom_original();
    handoff_save_image(&d->image, w);
    if (d->run.api)
        api_save(d->run.api, w);
    else if (!w->failed &&
             buf_append(w->out, buf_data(&d->run.sockets), d->run.sockets.len) < 0)
        w->failed = true;
}

static int save_all(void *arg, struct buf *out, struct err *err)
{
    struct daemon *d = arg;
    return checkpoint_base(&d->run.checkpoint, out, err);
}

static void on_upgrade_due(void *arg)
{
    struct daemon *d = arg;
    loop_stop(d->loop);
}

/* From now on this run's state is recorded. */
static void keep_record(struct daemon *d)
{
    struct engine *engine = super_engine(d->run.super);
    engine->image = d->image.number;
    engine->kept = keeper_present();
    keeper_serve(engine);
    d->image.keeper = keeper_pid();
    if (!d->survives)
        return;
    d->run.checkpoint.super = d->run.super;
    d->run.checkpoint.store = &d->store;
    d->run.checkpoint.save_more = save_more;
    d->run.checkpoint.arg = d;
    buf_init(&d->run.checkpoint.text, BUF_NO_LIMIT);
    super_want_base(d->run.super);
    checkpoint_start(&d->run.checkpoint);
    d->run.upgrade = upgrade_new(&(struct upgrade_opts){
        .loop = d->loop, .save = save_all, .due = on_upgrade_due, .arg = d});
    engine->upgrade = d->run.upgrade;
}

/* Where it cannot be had everything works, but for a life after a crash. */
static void begin_surviving(struct daemon *d)
{
    struct err err;
    d->image.number = 1;
    if (reexec_path() == NULL || journal_create(&err) < 0) {
        log_warn("a crash of supervisord would end it: %s",
                 reexec_path() ? err.text : "its own binary was not found");
        return;
    }
    journal_facts()->images = d->image.number;
    reexec_set_memory(journal_fd());
    state_store_init(&d->store, journal_fd());
    if (crash_arm(CRASH_REEXEC, &err) < 0)
        log_warn("a crash of supervisord would end it: %s", err.text);
    d->survives = true;
}

/* --- safe mode --------------------------------------------------------------------- */

static void leave_safe_mode(struct timer *t, int64_t now_ms)
{
    struct daemon *d = container_of(t, struct daemon, run.calm);
    if (crash_count_since(now_ms, CALM_MS) > 0) {
        timer_set(t, now_ms + CALM_MS / 4);
        return;
    }
    log_warn("a minute without a crash: the network and the event listeners are served "
             "again");
    journal_facts()->safe_mode = 0;
    super_engine(d->run.super)->safe_mode = false;
    d->run.api = api_restore(d->run.super, buf_data(&d->run.sockets), d->run.sockets.len);
    buf_free(&d->run.sockets);
    super_want_base(d->run.super);
    checkpoint_start(&d->run.checkpoint); /* after the hooks of the api */
}

/* Who crashes again and again is likely to do so by what comes from outside. */
static bool enter_safe_mode(struct daemon *d)
{
    if (crash_count_since(mono_ms(), CALM_MS) <= CRASHES_MAX)
        return false;
    log_crit("safe mode after more than %d faults in a minute: programs are looked "
             "after as ever, but clients and event listeners wait for a minute without "
             "one",
             CRASHES_MAX);
    journal_facts()->safe_mode = 1;
    super_engine(d->run.super)->safe_mode = true;
    timer_set(&d->run.calm, mono_ms() + CALM_MS / 4);
    return true;
}

/* --- one run ----------------------------------------------------------------------- */

/* Everything up to a running daemon. `first` is false after a restart, when what can be
 * done only once is done already. 0, or -1 with err. */
static int bring_up(struct daemon *d, bool first, struct err *err)
{
    struct run *r = &d->run;
    const struct server_conf *server = &r->conf->server;
    struct strv notes = {0};
    if (first &&
        (start_up_user(server, err) < 0 || start_up_limits(server, &notes, err) < 0))
        return -1;
    if (daemon_log_open(&r->log, d->loop, server, false, err) < 0)
        return -1;
    daemon_log_findings(r->conf, &notes);
    strv_free(&notes);
    if (!server->nocleanup)
        start_up_clear_child_logs(server);
    struct super_opts opts = {.loop = d->loop,
                              .conf = r->conf,
                              .environ = environ,
                              .overrides = &d->args.over,
                              .log = r->log.file,
                              .next_event_serial = d->next_event_serial};
    r->super = super_new(&opts);
    r->api = api_open(r->super, err);
    if (!r->api)
        return -1;
    if (first && !server->nodaemon && start_up_daemonize(server, err) < 0)
        return -1;
    d->image.pidfile_written = start_up_write_pidfile(server->pidfile, keeper_main_pid());
    r->adopt = adopt_open(r->super, 0);
    adopt_programs(r->adopt);
    if (first)
        begin_surviving(d);
    keep_record(d);
    if (d->survives) /* before anything that a death could not undo */
        checkpoint_now(&d->run.checkpoint);
    return 0;
}

/* Those under way get what they asked for, or are told that it comes to nothing. */
static void finish_answers(struct daemon *d)
{
    struct err err;
    int64_t until = mono_ms() + LAST_ANSWERS_MS;
    while (d->run.api && !api_is_quiet(d->run.api) && mono_ms() < until)
        if (loop_turn(d->loop, (int)(until - mono_ms()), &err) < 0)
            break;
}

static void tear_down(struct daemon *d)
{
    struct run *r = &d->run;
    if (!r->api && r->sockets.len > 0) /* safe mode: the socket files must go */
        r->api = api_restore(r->super, buf_data(&r->sockets), r->sockets.len);
    finish_answers(d);
    if (d->survives && r->super)
        checkpoint_stop(&r->checkpoint);
    if (r->super)
        super_engine(r->super)->upgrade = NULL;
    upgrade_free(r->upgrade);
    api_close(r->api);
    if (d->image.pidfile_written)
        unlink(r->conf->server.pidfile);
    adopt_close(r->adopt);
    timer_cancel(&r->calm);
    if (r->super)
        super_free(r->super);
    daemon_log_close(&r->log);
    conf_unref(r->conf);
    buf_free(&r->checkpoint.text);
    buf_free(&r->sockets);
}

/* The new binary was accepted, and the answer to that is on its way. Returns when it
 * cannot be executed after all. */
static void go_over(struct daemon *d)
{
    struct err err;
    const char *path;
    sigset_t all, before;
    int fd = upgrade_take(d->run.upgrade, &path);
    if (d->run.api)
        api_refuse_waits(d->run.api, "supervisord is being replaced by another build");
    finish_answers(d);
    if ((keeper_present() && keeper_upgrade(fd, path, &err) < 0) ||
        checkpoint_base(&d->run.checkpoint, NULL, &err) < 0) {
        log_error("no upgrade: %s", err.text);
        keeper_stay();
        fd_close(&fd);
        return;
    }
    log_info("supervisord %s is replaced by %s", upgrade_version(), path);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    if (keeper_present())
        _exit(0); /* the keeper executes it */
    reexec_replace(fd, path);
    reexec_now(REEXEC_SUPERVISOR, journal_facts()->max_fd);
    int number = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    reexec_replace_undo();
    log_error("no upgrade: cannot execute %s: %s", path, strerror(number));
}

/* This process becomes a keeper, its child what it was. Returns when it cannot. */
static void become_keeper(struct daemon *d)
{
    struct err err, none;
    if (!d->survives || checkpoint_now(&d->run.checkpoint) < 0)
        err_set(&err, ERR_MISSING, "the state cannot be recorded");
    else
        keeper_become(&err);
    log_crit("there is no keeper: %s", err.text);
    super_engine(d->run.super)->kept = false;
    crash_arm(CRASH_REEXEC, &none);
}

/* Until the loop ends for good. 0, or 1 when it failed. */
static int run_loop(struct daemon *d)
{
    struct err err;
    for (;;) {
        if (!keeper_is_lost() && loop_run(d->loop, &err) < 0) {
            log_crit("%s", err.text);
            return 1;
        }
        if (keeper_is_lost()) {
            keeper_leave();
            become_keeper(d);
        } else if (d->run.upgrade && upgrade_state(d->run.upgrade) == UPGRADE_DUE) {
            go_over(d);
        } else {
            return 0;
        }
        super_resume(d->run.super); /* what came meanwhile may have ended the loop too */
    }
}

static void new_run(struct daemon *d, struct conf *conf)
{
    d->run = (struct run){.conf = conf, .log = {.sink = -1}};
    buf_init(&d->run.sockets, BUF_NO_LIMIT);
    timer_init(&d->run.calm, loop_timers(d->loop), leave_safe_mode);
}

/* Runs what was brought up, and again after each restart. The exit status. */
static int run_on(struct daemon *d, const char *program)
{
    struct err err;
    int status;
    for (;;) {
        if (!super_started(d->run.super))
            super_start(d->run.super);
        image_drop();
        status = run_loop(d);
        struct conf *conf = status == 0 ? super_take_restart_conf(d->run.super) : NULL;
        d->next_event_serial = super_engine(d->run.super)->next_event_serial;
        tear_down(d);
        if (!conf)
            break;
        new_run(d, conf);
        if (bring_up(d, false, &err) < 0) {
            tear_down(d);
            keeper_finish(2);
            usage_error(program, err.text);
        }
    }
    keeper_finish(status);
    return status;
}

/* --- beginnings -------------------------------------------------------------------- */

static void on_signal(void *arg, int number)
{
    struct daemon *d = arg;
    if (number == KEEPER_LOST_SIGNAL)
        loop_stop(d->loop);
    else if (d->run.super)
        super_on_signal(d->run.super, number);
}

static const int signal_numbers[] = {
    SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR2, SIGCHLD, KEEPER_LOST_SIGNAL, 0};

static int open_loop(struct daemon *d, struct err *err)
{
    d->loop = loop_new(err);
    if (!d->loop)
        return -1;
    d->signals = signals_open(d->loop, signal_numbers, on_signal, d, err);
    if (!d->signals)
        return -1;
    shortage_begin(&d->shortage, d->loop);
    return 0;
}

static int begin(struct daemon *d, const char *program)
{
    struct err err;
    struct conf *conf =
        start_up_conf(d->args.configuration, &d->args.over, program, &err);
    if (!conf || open_loop(d, &err) < 0)
        usage_error(program, err.text);
    new_run(d, conf);
    if (bring_up(d, true, &err) < 0) {
        tear_down(d);
        usage_error(program, err.text);
    }
    if (conf->server.keeper)
        become_keeper(d); /* before any program is started */
    return run_on(d, program);
}

/* After an exec everything is blocked that a crash does not need. */
static void unblock_signals(void)
{
    sigset_t ours;
    sigemptyset(&ours);
    for (const int *number = signal_numbers; *number; number++)
        sigaddset(&ours, *number);
    sigprocmask(SIG_SETMASK, &ours, NULL);
}

static int restore(struct daemon *d, struct handoff *h, struct err *err)
{
    struct super_opts opts = {
        .loop = d->loop, .environ = environ, .overrides = &d->args.over};
    d->run.super = super_restore(&opts, buf_data(&h->text), h->text.len, err);
    if (d->run.super)
        return 0;
    log_crit("the record of our state is no good: %s; trying the one before it",
             err->text);
    if (handoff_load_older(h, &d->store, err) < 0)
        return -1;
    d->run.super = super_restore(&opts, buf_data(&h->text), h->text.len, err);
    return d->run.super ? 0 : -1;
}

/* From the memory file to a supervisor that knows all its programs. */
static int take_over(struct daemon *d, struct handoff *h, struct err *err)
{
    if (handoff_load(h, &d->store, err) < 0)
        return -1;
    int fds[3];
    keeper_fds(fds);
    handoff_close_strangers(h, fds, array_len(fds));
    if (open_loop(d, err) < 0)
        return -1;
    unblock_signals();
    new_run(d, NULL);
    if (restore(d, h, err) < 0)
        return -1;
    struct run *r = &d->run;
    /* As the group's: held, and given back by tear_down. */
    r->conf = conf_ref((struct conf *)(uintptr_t)super_first_conf(r->super));
    d->image = h->image;
    d->image.number = ++journal_facts()->images;
    oom_set_original(h->image.oom_original);
    return daemon_log_open(&r->log, d->loop, &r->conf->server, true, err);
}

static void listen_to_keeper(struct daemon *d)
{
    struct err err;
    if (keeper_listen(super_engine(d->run.super), on_signal, d, &err) < 0)
        log_crit("%s", err.text);
    keeper_drain();
    if (keeper_present() && d->image.pidfile_written)
        start_up_renew_pidfile(d->run.conf->server.pidfile, keeper_main_pid());
}

enum { RESTORE_RESERVE_BYTES = 256 << 10 };

static int go_on(struct daemon *d, const char *program)
{
    struct handoff h;
    struct err err;
    struct run *r = &d->run;
    crash_block_others();
    alloc_keep_reserve(RESTORE_RESERVE_BYTES); /* until shortage_begin has its own */
    if (journal_attach(reexec_memory(), &err) < 0)
        usage_error(program, err.text);
    d->survives = true;
    if (crash_arm(keeper_present() ? CRASH_DIE : CRASH_REEXEC, &err) < 0)
        log_crit("the next crash ends supervisord: %s", err.text);
    if (take_over(d, &h, &err) < 0) {
        if (!keeper_present()) /* who does the same */
            handoff_try_again(program, &err);
        usage_error(program, err.text);
    }
    super_set_log(r->super, r->log.file);
    bool crashed = handoff_tell_crash(r->super);
    if (!keeper_tell_death() && !crashed)
        log_info("supervisord %s goes on with pid %d; it was %s", upgrade_version(),
                 (int)getpid(), h.image.version);
    /* The replay may need records already, for which the sockets are as they were. */
    handoff_copy_objects(buf_data(&h.text), h.text.len, "listener_socket", &r->sockets);
    keep_record(d);
    handoff_replay(&h, r->super);
    if (!keeper_present())
        handoff_forget_gone(&h, r->super);
    super_resume(r->super);
    listen_to_keeper(d);
    if (!enter_safe_mode(d)) {
        r->api = api_restore(r->super, buf_data(&h.text), h.text.len);
        buf_free(&r->sockets);
    }
    handoff_clear(&h);
    r->adopt = adopt_open(r->super, h.image.keeper);
    super_want_base(r->super);
    checkpoint_start(&r->checkpoint); /* after the hooks of the api */
    if (checkpoint_now(&r->checkpoint) == 0) {
        keeper_settle();
        handoff_done();
    }
    return run_on(d, program);
}

/* What would end us by default and means nothing here: a signal that was sent to the
 * wrong pid must not leave all programs alone. A file that may not grow (XFSZ) is a
 * failed write. */
static void ignore_strays(void)
{
    static const int strays[] = {SIGUSR1, SIGALRM, SIGVTALRM, SIGPROF,
                                 SIGIO,   SIGPWR,  SIGXFSZ};
    for (size_t i = 0; i < array_len(strays); i++)
        signals_ignore(strays[i], NULL);
}

int supervisord_main(int argc, char **argv)
{
    static struct daemon d;
    struct err err;

    fd_ensure_standard();
    if (argc == 2 && str_eq(argv[1], "--handoff-check"))
        return handoff_check();
    reexec_open(&err); /* where it fails, begin_surviving tells */
    ignore_strays();
    parse_args(&d.args, argc, argv);
    if (reexec_role() == REEXEC_KEEPER && keeper_run(&err) < 0)
        fprintf(stderr, "%s: there is no keeper: %s\n", argv[0], err.text);
    int status = reexec_role() == REEXEC_NONE ? begin(&d, argv[0]) : go_on(&d, argv[0]);
    shortage_end(&d.shortage);
    signals_close(d.signals);
    loop_free(d.loop);
    return status;
}
