/* The daemon's main: arguments, checks, start-up in upstream's order, the loop, and a new
 * beginning after a restart. */
#include "applets/applet.h"
#include "applets/supervisord/adopt.h"
#include "applets/supervisord/api/routes.h"
#include "applets/supervisord/shortage.h"
#include "applets/supervisord/start_up.h"
#include "applets/supervisord/super.h"
#include "config/args.h"
#include "config/conf_load.h"
#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/pytext.h"
#include "core/io/fd.h"
#include "core/io/oom.h"
#include "core/io/signals.h"
#include "core/io/syslog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The API version of Supervisor that this is compatible with: clients compare it. */

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
    { 'c', "configuration",    ARG_TEXT, A(configuration),        "FILE",  "configuration file; searched for if not given" },
    { 'n', "nodaemon",         ARG_FLAG, A(over.nodaemon),        NULL,    "stay in the foreground" },
    { 's', "silent",           ARG_FLAG, A(over.silent),          NULL,    "in the foreground: no log on standard output" },
    { 'h', "help",             ARG_FLAG, A(help),                 NULL,    "print this help and exit" },
    { 'v', "version",          ARG_FLAG, A(version),              NULL,    "print the version of Supervisor it stands for" },
    { 'u', "user",             ARG_TEXT, A(over.user),            "USER",  "run as this user (name or number)" },
    { 'm', "umask",            ARG_TEXT, A(over.umask),           "UMASK", "umask of the daemon (022)" },
    { 'd', "directory",        ARG_TEXT, A(over.directory),       "DIR",   "directory to change to as a daemon" },
    { 'l', "logfile",          ARG_TEXT, A(over.logfile),         "FILE",  "activity log" },
    { 'y', "logfile_maxbytes", ARG_TEXT, A(over.logfile_maxbytes), "BYTES", "size at which the activity log is rotated" },
    { 'z', "logfile_backups",  ARG_TEXT, A(over.logfile_backups), "NUM",   "rotated activity logs that are kept" },
    { 'e', "loglevel",         ARG_TEXT, A(over.loglevel),        "LEVEL", "least level that is logged (info)" },
    { 'j', "pidfile",          ARG_TEXT, A(over.pidfile),         "FILE",  "file that gets the daemon's pid" },
    { 'i', "identifier",       ARG_TEXT, A(over.identifier),      "NAME",  "name of this instance" },
    { 'q', "childlogdir",      ARG_TEXT, A(over.childlogdir),     "DIR",   "directory of automatic child logs" },
    { 'k', "nocleanup",        ARG_FLAG, A(over.nocleanup),       NULL,    "keep automatic child logs of earlier runs" },
    { 'a', "minfds",           ARG_TEXT, A(over.minfds),          "NUM",   "file descriptors that must be available" },
    { 't', "strip_ansi",       ARG_FLAG, A(over.strip_ansi),      NULL,    "strip terminal escapes from child output" },
    { 0,   "minprocs",         ARG_TEXT, A(over.minprocs),        "NUM",   "processes that must be available" },
    { 0,   "profile_options",  ARG_TEXT, A(profile),              "LIST",  "accepted for compatibility and ignored" },
};
// clang-format on

struct daemon { /* of one run between two restarts */
    struct loop *loop;
    struct conf *conf;
    struct daemon_args *args;
    struct logfile *stdout_log, *file_log;
    int stdout_sink, file_sink; /* -1: none */
    struct super *super;
    struct api *api;
    struct adopt *adopt;
    bool pidfile_written;
    uint64_t next_event_serial;
};

static NORETURN void usage_error(const char *program, const char *text)
{
    fprintf(stderr, "Error: %s\nFor help, use %s -h\n", text, program);
    exit(2);
}

static void print_help(const char *program)
{
    printf("%s: start and watch over programs\n\nUsage: %s [options]\n\nOptions:\n",
           program, program);
    args_print_help(daemon_options, array_len(daemon_options));
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
        print_help(argv[0]);
        exit(0);
    }
    if (args->version) {
        puts(SUPERVISOR_API_VERSION);
        exit(0);
    }
    if (rest < argc)
        refuse_words(argv[0], argv + rest);
}

static struct conf *load(const struct daemon_args *args, const char *program)
{
    struct err err;
    char *path = NULL;
    if (!args->configuration) {
        path = conf_find(program, &err);
        if (!path)
            usage_error(program, err.text);
        if (getuid() == 0)
            fprintf(stderr,
                    "%s: Supervisord is running as root and it is searching for its "
                    "configuration file in default locations (including its current "
                    "working directory); you probably want to specify a \"-c\" argument "
                    "specifying an absolute path to a configuration file for improved "
                    "security. Found: %s\n",
                    program, path);
    }
    struct conf *conf = conf_load(path ? path : args->configuration, &args->over, &err);
    if (!conf)
        usage_error(program, err.text);
    free(path);
    return conf;
}

static void sink_write(void *arg, enum log_level level, const char *line, size_t n,
                       const char *text)
{
    UNUSED(level);
    UNUSED(text);
    logfile_write(arg, line, n);
}

/* The line as it stands in a file, time stamp included, is what upstream sends. */
static void sink_syslog(void *arg, enum log_level level, const char *line, size_t n,
                        const char *text)
{
    UNUSED(arg);
    UNUSED(level);
    UNUSED(text);
    syslog_send_lines(NULL, line, n);
}

/* In the foreground the log goes to standard output too. A log that cannot be opened ends
 * a daemon, which would have no other voice; in the foreground it is said and life goes
 * on: a container may have no place to write to. */
static int open_logs(struct daemon *d, struct err *err)
{
    const struct server_conf *server = &d->conf->server;
    struct logfile_opts out = {.path = "/dev/stdout"};
    struct logfile_opts file = {.path = server->logfile,
                                .maxbytes = server->logfile_maxbytes,
                                .backups = server->logfile_backups};
    log_set_level((enum log_level)server->loglevel);
    d->stdout_sink = d->file_sink = -1;
    if (server->nodaemon && !server->silent) {
        d->stdout_log = logfile_open(d->loop, &out, true, err);
        if (d->stdout_log)
            d->stdout_sink = log_add_sink(sink_write, d->stdout_log);
    }
    if (str_eq(server->logfile, "syslog")) {
        d->file_sink = log_add_sink(sink_syslog, NULL);
        return 0;
    }
    d->file_log = logfile_open(d->loop, &file, true, err);
    if (!d->file_log) {
        if (!server->nodaemon)
            return -1;
        log_crit("no activity log is written: %s", err->text);
        return 0;
    }
    d->file_sink = log_add_sink(sink_write, d->file_log);
    return 0;
}

static void close_logs(struct daemon *d)
{
    if (d->stdout_sink >= 0)
        log_remove_sink(d->stdout_sink);
    if (d->file_sink >= 0)
        log_remove_sink(d->file_sink);
    logfile_close(d->stdout_log);
    logfile_close(d->file_log);
}

static void log_all(enum log_level level, const struct strv *lines)
{
    for (size_t i = 0; i < lines->len; i++)
        log_at(level, "%s", lines->items[i]);
}

/* What was noticed before there was a log: critical first, then warnings, then the rest.
 */
static void log_findings(struct daemon *d, const struct strv *notes)
{
    const struct server_conf *server = &d->conf->server;
    if (!server->has_user && getuid() == 0)
        log_crit(
            "Supervisor is running as root.  Privileges were not dropped because no "
            "user is specified in the config file.  If you intend to run as root, you "
            "can set user=root in the config file to avoid this message.");
    log_all(LOG_LEVEL_WARN, &d->conf->warnings);
    for (size_t i = 0; i < d->conf->includes.len; i++)
        log_info("Included extra file \"%s\" during parsing", d->conf->includes.items[i]);
    if (server->has_user)
        log_info("Set uid to user %lu succeeded", (unsigned long)server->uid);
    log_all(LOG_LEVEL_INFO, notes);
}

enum { OOM_SCORE = -900 }; /* late, but not never: a leak of ours must end somewhere */

/* Everything up to a running daemon. `first` is false after a restart, when what can be
 * done only once is done already. 0, or -1 with err. */
static int bring_up(struct daemon *d, bool first, struct err *err)
{
    const struct server_conf *server = &d->conf->server;
    struct strv notes = {0};
    if (first && (!server->has_user || server->uid == getuid()))
        oom_lower(OOM_SCORE); /* as another user we could not raise it for the programs */
    if (first &&
        (start_up_user(server, err) < 0 || start_up_limits(server, &notes, err) < 0))
        return -1;
    if (open_logs(d, err) < 0)
        return -1;
    log_findings(d, &notes);
    strv_free(&notes);
    if (!server->nocleanup)
        start_up_clear_child_logs(server);
    struct super_opts opts = {.loop = d->loop,
                              .conf = d->conf,
                              .environ = environ,
                              .overrides = &d->args->over,
                              .log = d->file_log,
                              .next_event_serial = d->next_event_serial};
    d->super = super_new(&opts);
    d->api = api_open(d->super, err);
    if (!d->api)
        return -1;
    if (first && !server->nodaemon && start_up_daemonize(server, err) < 0)
        return -1;
    d->pidfile_written = start_up_write_pidfile(server->pidfile);
    d->adopt = adopt_open(d->super);
    adopt_programs(d->adopt);
    return 0;
}

enum { LAST_ANSWERS_MS = 1000 };

static void tear_down(struct daemon *d)
{
    struct err err;
    int64_t until = mono_ms() + LAST_ANSWERS_MS;
    while (d->api && !api_is_quiet(d->api) && mono_ms() < until)
        if (loop_turn(d->loop, (int)(until - mono_ms()), &err) < 0)
            break;
    api_close(d->api);
    if (d->pidfile_written)
        unlink(d->conf->server.pidfile);
    adopt_close(d->adopt);
    if (d->super)
        super_free(d->super);
    close_logs(d);
    conf_unref(d->conf);
}

static void on_signal(void *arg, int number)
{
    struct daemon *d = arg;
    if (d->super)
        super_on_signal(d->super, number);
}

int supervisord_main(int argc, char **argv)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR2, SIGCHLD, 0};
    struct daemon_args args = {0};
    struct err err;
    struct daemon d = {.args = &args};

    fd_ensure_standard();
    parse_args(&args, argc, argv);
    struct conf *conf = load(&args, argv[0]);
    d.loop = loop_new(&err);
    if (!d.loop)
        usage_error(argv[0], err.text);
    struct signals *signals = signals_open(d.loop, numbers, on_signal, &d, &err);
    if (!signals)
        usage_error(argv[0], err.text);

    struct shortage shortage;
    shortage_begin(&shortage, d.loop);
    int status = 0;
    for (bool first = true; conf; first = false) {
        d = (struct daemon){.loop = d.loop,
                            .conf = conf,
                            .args = &args,
                            .next_event_serial = d.next_event_serial};
        conf = NULL;
        if (bring_up(&d, first, &err) < 0) {
            tear_down(&d);
            usage_error(argv[0], err.text);
        }
        super_start(d.super);
        if (loop_run(d.loop, &err) < 0) {
            log_crit("%s", err.text);
            status = 1;
        } else {
            conf = super_take_restart_conf(d.super);
        }
        d.next_event_serial = super_engine(d.super)->next_event_serial;
        tear_down(&d);
    }
    shortage_end(&shortage);
    signals_close(signals);
    loop_free(d.loop);
    return status;
}
