#include "applets/supervisord/daemon_log.h"

#include "core/base/log.h"
#include "core/io/syslog.h"

#include <unistd.h>

/* For syslog too the line as it stands in a file, time stamp included, is what upstream
 * sends. */
static void write_line(void *arg, enum log_level level, const char *line, size_t n,
                       const char *text)
{
    struct daemon_log *l = arg;
    UNUSED(level);
    UNUSED(text);
    if (l->out)
        logfile_write(l->out, line, n);
    if (l->file)
        logfile_write(l->file, line, n);
    if (l->to_syslog)
        syslog_send_lines(NULL, line, n);
}

int daemon_log_open(struct daemon_log *l, struct loop *loop,
                    const struct server_conf *server, bool goes_on, struct err *err)
{
    struct logfile_opts out = {.path = "/dev/stdout"};
    struct logfile_opts file = {.path = server->logfile,
                                .maxbytes = server->logfile_maxbytes,
                                .backups = server->logfile_backups};
    *l = (struct daemon_log){.sink = -1};
    log_set_level((enum log_level)server->loglevel);
    if (server->nodaemon && !server->silent)
        l->out = logfile_open(loop, &out, true, err);
    if (str_eq(server->logfile, "syslog"))
        l->to_syslog = true;
    else
        l->file = logfile_open(loop, &file, true, err);
    bool failed = !l->to_syslog && !l->file;
    if (failed && !server->nodaemon && !goes_on) {
        daemon_log_close(l);
        return -1;
    }
    l->sink = log_add_sink(write_line, l);
    if (failed)
        log_crit("no activity log is written: %s", err->text);
    return 0;
}

void daemon_log_close(struct daemon_log *l)
{
    if (l->sink >= 0)
        log_remove_sink(l->sink);
    logfile_close(l->out);
    logfile_close(l->file);
    *l = (struct daemon_log){.sink = -1};
}

static void log_all(enum log_level level, const struct strv *lines)
{
    for (size_t i = 0; i < lines->len; i++)
        log_at(level, "%s", lines->items[i]);
}

void daemon_log_findings(const struct conf *conf, const struct strv *notes)
{
    const struct server_conf *server = &conf->server;
    if (!server->has_user && getuid() == 0)
        log_crit(
            "Supervisor is running as root.  Privileges were not dropped because no "
            "user is specified in the config file.  If you intend to run as root, you "
            "can set user=root in the config file to avoid this message.");
    log_all(LOG_LEVEL_WARN, &conf->warnings);
    for (size_t i = 0; i < conf->includes.len; i++)
        log_info("Included extra file \"%s\" during parsing", conf->includes.items[i]);
    if (server->has_user)
        log_info("Set uid to user %lu succeeded", (unsigned long)server->uid);
    log_all(LOG_LEVEL_INFO, notes);
}
