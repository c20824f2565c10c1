/* Rows for [program:x], [fcgi-program:x], [eventlistener:x] and [group:x], in upstream's
 * order of evaluation, which decides the fault reported first.
 * Source: upstream options.py, _processes_from_section. */
#include "config/options.h"

static int set_exitcodes(struct pool *pool, const char *text, void *to, struct err *err)
{
    struct program_conf *p = to;
    struct value_ints codes;
    if (value_exitcodes(pool, text, &codes, err) < 0)
        return -1;
    p->exitcodes = codes.items;
    p->exitcode_count = codes.count;
    return 0;
}

static int set_user(struct pool *pool, const char *text, void *to, struct err *err)
{
    struct program_conf *p = to;
    struct value_user user;
    if (value_user(pool, text, &user, err) < 0)
        return -1;
    p->has_uid = true;
    p->uid = user.uid;
    p->user = user.name;
    return 0;
}

static int set_umask(struct pool *pool, const char *text, void *to, struct err *err)
{
    unsigned mask;
    if (value_mode(pool, text, &mask, err) < 0)
        return -1;
    *(int *)to = (int)mask;
    return 0;
}

static int set_killasgroup(struct pool *pool, const char *text, void *to, struct err *err)
{
    bool yes;
    if (value_bool(pool, text, &yes, err) < 0)
        return -1;
    *(int *)to = yes;
    return 0;
}

static int set_serverurl(struct pool *pool, const char *text, void *to, struct err *err)
{
    UNUSED(err);
    bool is_auto = span_eq_nocase(span_trim(span_of(text)), "auto");
    *(char **)to = is_auto ? NULL : pool_str(pool, text);
    return 0;
}

static int set_log(struct pool *pool, const char *text, void *to, struct err *err)
{
    struct channel_conf *c = to;
    return value_log(pool, text, &c->target, &c->logfile, err);
}

static int set_fcgi_user(struct pool *pool, const char *text, void *to, struct err *err)
{
    struct fcgi_draft *d = to;
    d->has_user = true;
    return value_user(pool, text, &d->user, err);
}

static int set_backlog(struct pool *pool, const char *text, void *to, struct err *err)
{
    int backlog = 0;
    if (value_int(pool, text, &backlog, err) < 0)
        return -1;
    if (backlog < 1 || backlog > 65535)
        return err_set(err, ERR_CONFIG, "Invalid socket_backlog value %d", backlog);
    *(int *)to = backlog;
    return 0;
}

// clang-format off
#define D(member) offsetof(struct program_draft, member)
#define C(member) offsetof(struct program_draft, common.member)
static const struct option program_rows[] = {
    {"priority",                value_int,         C(priority),             "999",        0},
    {"autostart",               value_bool,        C(autostart),            "true",       0},
    {"autorestart",             value_autorestart, C(autorestart),          "unexpected", 0},
    {"startsecs",               value_int,         C(startsecs),            "1",          0},
    {"startretries",            value_int,         C(startretries),         "3",          0},
    {"stopsignal",              value_signal,      C(stopsignal),           "TERM",       0},
    {"stopwaitsecs",            value_int,         C(stopwaitsecs),         "10",         0},
    {"stopasgroup",             value_bool,        C(stopasgroup),          "false",      0},
    {"killasgroup",             set_killasgroup,   D(killasgroup),          NULL,         0},
    {"exitcodes",               set_exitcodes,     D(common),               "0",          0},
    {"redirect_stderr",         value_bool,        C(redirect_stderr),      "false",      0},
    {"numprocs",                value_int,         D(numprocs),             "1",          0},
    {"numprocs_start",          value_int,         D(numprocs_start),       "0",          0},
    {"environment",             value_text,        D(environment),          "",     OPT_RAW},
    {"stdout_capture_maxbytes", value_bytes,       C(out.capture_maxbytes), "0",          0},
    {"stdout_events_enabled",   value_bool,        C(out.events_enabled),   "false",      0},
    {"stderr_capture_maxbytes", value_bytes,       C(err.capture_maxbytes), "0",          0},
    {"stderr_events_enabled",   value_bool,        C(err.events_enabled),   "false",      0},
    {"serverurl",               set_serverurl,     C(serverurl),            NULL,         0},
    {"user",                    set_user,          D(common),               NULL,         0},
    {"umask",                   set_umask,         C(umask),                NULL,         0},
    {"process_name",            value_text,        D(process_name), "%(program_name)s", OPT_RAW},
};

#define P(member) offsetof(struct program_conf, member)
static const struct option process_rows[] = {
    {"directory",               value_text,  P(directory),            NULL,    0},
    {"stdout_logfile",          set_log,     P(out),                  "AUTO",  0},
    {"stdout_logfile_backups",  value_int,   P(out.logfile_backups),  "10",    0},
    {"stdout_logfile_maxbytes", value_bytes, P(out.logfile_maxbytes), "50MB",  0},
    {"stdout_syslog",           value_bool,  P(out.syslog),           "false", 0},
    {"stderr_logfile",          set_log,     P(err),                  "AUTO",  0},
    {"stderr_logfile_backups",  value_int,   P(err.logfile_backups),  "10",    0},
    {"stderr_logfile_maxbytes", value_bytes, P(err.logfile_maxbytes), "50MB",  0},
    {"stderr_syslog",           value_bool,  P(err.syslog),           "false", 0},
    {"command",                 value_text,  P(command),              NULL,    0},
};

#define L(member) offsetof(struct listener_draft, member)
static const struct option listener_rows[] = {
    {"priority",         value_int,  L(priority),         "-1",    0},
    {"buffer_size",      value_int,  L(buffer_size),      "10",    0},
    {"result_handler",   value_text, L(result_handler),   "supervisor.dispatchers:default_handler", 0},
    {"events",           value_text, L(events),           "",      0},
    {"listener_timeout", value_int,  L(listener_timeout), "0",    0},
    {"redirect_stderr",  value_bool, L(redirect_stderr),  "false", 0},
};

#define F(member) offsetof(struct fcgi_draft, member)
static const struct option fcgi_rows[] = {
    {"priority",       value_int,     F(priority), "999", 0},
    {"user",           set_fcgi_user, 0,           NULL,  0},
    {"socket_backlog", set_backlog,   F(backlog),  NULL,  0},
    {"socket_owner",   value_text,    F(owner),    NULL,  0},
    {"socket_mode",    value_text,    F(mode),     NULL,  0},
    {"socket",         value_text,    F(socket),   NULL,  0},
};

#define G(member) offsetof(struct group_draft, member)
static const struct option group_rows[] = {
    {"programs", value_text, G(programs), "",    0},
    {"priority", value_int,  G(priority), "999", 0},
};
// clang-format on

const struct option_table program_options = {program_rows, array_len(program_rows)};
const struct option_table process_options = {process_rows, array_len(process_rows)};
const struct option_table listener_options = {listener_rows, array_len(listener_rows)};
const struct option_table fcgi_options = {fcgi_rows, array_len(fcgi_rows)};
const struct option_table group_options = {group_rows, array_len(group_rows)};
