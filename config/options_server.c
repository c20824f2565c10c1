/* Rows for [supervisord], [supervisorctl], [include] and the plug-in sections.
 * Source: upstream options.py, ServerOptions.read_config, ClientOptions.read_config. */
#include "config/options.h"

#include "config/path.h"
#include "core/base/alloc.h"

#include <stdlib.h>

static int set_log_path(struct pool *pool, const char *text, void *to, struct err *err)
{
    char *given;
    if (value_file(pool, text, &given, err) < 0)
        return -1;
    if (str_eq(given, "syslog")) { /* not a file here: the system's log */
        *(char **)to = given;
        return 0;
    }
    char *path = path_normalize(given);
    *(char **)to = pool_str(pool, path);
    free(path);
    return 0;
}

static int set_path(struct pool *pool, const char *text, void *to, struct err *err)
{
    char *given;
    if (value_file(pool, text, &given, err) < 0)
        return -1;
    char *path = path_normalize(given);
    *(char **)to = pool_str(pool, path);
    free(path);
    return 0;
}

static int set_on_death(struct pool *pool, const char *text, void *to, struct err *err)
{
    UNUSED(pool);
    struct span word = span_trim(span_of(text));
    bool stop = span_eq_nocase(word, "stop");
    if (!stop && !span_eq_nocase(word, "keep"))
        return err_set(err, ERR_CONFIG, "'%.100s' is neither keep nor stop", text);
    *(enum on_death *)to = stop ? ON_DEATH_STOP : ON_DEATH_KEEP;
    return 0;
}

static int set_ctl_serverurl(struct pool *pool, const char *text, void *to,
                             struct err *err)
{
    UNUSED(err);
    if (!str_starts(text, "unix://")) {
        *(char **)to = pool_str(pool, text);
        return 0;
    }
    char *path = path_normalize(text + 7);
    char *joined = xasprintf("unix://%s", path);
    *(char **)to = pool_str(pool, joined);
    free(joined);
    free(path);
    return 0;
}

/* An empty text is as none. */
static int set_optional_path(struct pool *pool, const char *text, void *to,
                             struct err *err)
{
    UNUSED(err);
    if (text[0] == '\0')
        return 0;
    char *path = path_normalize(text);
    *(char **)to = pool_str(pool, path);
    free(path);
    return 0;
}

// clang-format off
#define S(member) offsetof(struct server_conf, member)
static const struct option server_rows[] = {
    {"minfds",           value_int,      S(minfds),           "1024",            0},
    {"minprocs",         value_int,      S(minprocs),         "200",             0},
    {"directory",        value_dir,      S(directory),        NULL,              0},
    {"user",             value_text,     S(user),             NULL,              0},
    {"umask",            value_mode,     S(umask),            "022",             0},
    {"logfile",          set_log_path,   S(logfile),          "supervisord.log", 0},
    {"logfile_maxbytes", value_bytes,    S(logfile_maxbytes), "50MB",            0},
    {"logfile_backups",  value_int,      S(logfile_backups),  "10",              0},
    {"loglevel",         value_loglevel, S(loglevel),         "info",            0},
    {"pidfile",          set_path,       S(pidfile),          "supervisord.pid", 0},
    {"identifier",       value_text,     S(identifier),       "supervisor",      0},
    {"nodaemon",         value_bool,     S(nodaemon),         "false",           0},
    {"silent",           value_bool,     S(silent),           "false",           0},
    {"childlogdir",      value_dir,      S(childlogdir),      NULL,              0}, /* a temporary directory */
    {"nocleanup",        value_bool,     S(nocleanup),        "false",           0},
    {"strip_ansi",       value_bool,     S(strip_ansi),       "false",           0},
    {"keeper",           value_bool,     S(keeper),           "false",           0},
    {"adopt",            value_bool,     S(adopt),            "false",           0},
    {"statefile",        set_path,       S(statefile),        NULL,              0}, /* beside the pidfile */
    {"on_supervisor_death", set_on_death, S(on_supervisor_death), "keep",        0},
    {"environment",      NULL,           S(environment),      "",          OPT_RAW}, /* conf_load.c */
    {"profile_options",  NULL,           0,                   NULL,              0}, /* of Python's profiler */
};

#define C(member) offsetof(struct ctl_conf, member)
static const struct option ctl_rows[] = {
    {"serverurl",    set_ctl_serverurl, C(serverurl),    "http://localhost:9001", 0},
    {"prompt",       value_text,        C(prompt),       "supervisor",            0},
    {"username",     value_text,        C(username),     NULL,                    0},
    {"password",     value_text,        C(password),     NULL,                    0},
    {"history_file", set_optional_path, C(history_file), NULL,                    0},
    {"ssl_ca_certs", set_optional_path, C(ssl_ca_certs), NULL,                    0},
    {"ssl_certfile", set_optional_path, C(ssl_certfile), NULL,                    0},
    {"ssl_keyfile",  set_optional_path, C(ssl_keyfile),  NULL,                    0},
};

static const struct option include_rows[] = {
    {"files", NULL, 0, NULL, 0},
};
static const struct option rpcinterface_rows[] = {
    {"supervisor.rpcinterface_factory", NULL, 0, NULL, 0},
};
static const struct option ctlplugin_rows[] = {
    {"supervisor.ctl_factory", NULL, 0, NULL, 0},
};
// clang-format on

const struct option_table server_options = {server_rows, array_len(server_rows)};
const struct option_table ctl_options = {ctl_rows, array_len(ctl_rows)};
const struct option_table include_options = {include_rows, array_len(include_rows)};
const struct option_table rpcinterface_options = {rpcinterface_rows,
                                                  array_len(rpcinterface_rows)};
const struct option_table ctlplugin_options = {ctlplugin_rows, array_len(ctlplugin_rows)};
