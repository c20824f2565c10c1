/* Whole files into struct conf: what real files teach, and every complaint. */
/* links: tests/unit/conf_file.c all */
#include "config/options.h"
#include "core/base/buf.h"
#include "tests/unit/conf_file.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define S "[supervisord]\n"

static const struct program_conf *process_of(const struct conf *c, const char *group,
                                             size_t index)
{
    const struct group_conf *g = conf_find_group(c, group);
    assert_non_null(g);
    assert_true(index < g->process_count);
    return g->processes[index];
}

static struct conf *load(const char *text)
{
    const char *error = NULL;
    struct conf *c = conf_of(text, &error);
    if (!c)
        fail_msg("%s", error);
    return c;
}

static bool has_warning(const struct conf *c, const char *piece)
{
    for (size_t i = 0; i < c->warnings.len; i++)
        if (strstr(c->warnings.items[i], piece))
            return true;
    return false;
}

static void defaults_are_the_manuals(void **state)
{
    (void)state;
    struct conf *c = load(S "[program:cat]\ncommand=/bin/cat\n");
    const struct program_conf *p = process_of(c, "cat", 0);
    assert_string_equal(p->name, "cat");
    assert_string_equal(p->program, "cat");
    assert_int_equal(p->umask, -1);
    assert_int_equal(p->priority, 999);
    assert_true(p->autostart);
    assert_int_equal(p->autorestart, RESTART_UNEXPECTED);
    assert_int_equal(p->startsecs, 1);
    assert_int_equal(p->startretries, 3);
    assert_int_equal(p->exitcode_count, 1);
    assert_int_equal(p->exitcodes[0], 0);
    assert_int_equal(p->stopsignal, SIGTERM);
    assert_int_equal(p->stopwaitsecs, 10);
    assert_false(p->stopasgroup || p->killasgroup || p->redirect_stderr || p->has_uid);
    assert_int_equal(p->out.target, LOG_TO_AUTO);
    assert_int_equal(p->err.logfile_maxbytes, 50 << 20);
    assert_int_equal(p->err.logfile_backups, 10);
    assert_null(p->serverurl);
    assert_null(p->directory);
    assert_int_equal(p->line, 2);
    assert_int_equal(c->server.minfds, 1024);
    assert_int_equal(c->server.minprocs, 200);
    assert_int_equal(c->server.umask, 022);
    assert_int_equal(c->server.loglevel, 20);
    assert_string_equal(c->server.identifier, "supervisor");
    assert_true(str_ends(c->server.logfile, "/supervisord.log"));
    assert_true(c->server.logfile[0] == '/' && c->server.pidfile[0] == '/');
    assert_false(c->server.nodaemon || c->server.has_user);
    assert_int_equal(c->warnings.len, 0);
    assert_int_equal(conf_find_group(c, "cat")->priority, 999);
    assert_string_equal(c->here, conf_dir_path());
    conf_unref(c);
}

static void numprocs_names_and_expansions(void **state)
{
    (void)state;
    struct conf *c = load(S "environment=G=\"g%%\",P=\"server\"\n"
                            "[program:w]\ncommand=/w --n=%(process_num)03d/%(numprocs)d "
                            "%(ENV_P)s %(ENV_G)s %(group_name)s\n"
                            "process_name=%(program_name)s_%(process_num)d\n"
                            "numprocs=11\nnumprocs_start=2\n"
                            "environment=P=\"own%(process_num)d\",Q=1\n"
                            "stdout_logfile=/tmp/%(program_name)s%(process_num)d.log\n"
                            "directory=%(here)s\n");
    const struct group_conf *g = conf_find_group(c, "w");
    assert_int_equal(g->process_count, 11);
    /* sorted as text, as upstream does: 10 comes before 2 */
    assert_string_equal(g->processes[0]->name, "w_10");
    const struct program_conf *p = g->processes[3];
    assert_string_equal(p->name, "w_2");
    assert_string_equal(p->command, "/w --n=002/11 own2 g% w");
    assert_string_equal(p->out.logfile, "/tmp/w2.log");
    assert_string_equal(p->directory, conf_dir_path());
    assert_int_equal(p->environment.keys.len, 3);
    assert_string_equal(p->environment.keys.items[0], "G");
    assert_string_equal(p->environment.values.items[0], "g%");
    assert_string_equal(p->environment.keys.items[1], "P");
    assert_string_equal(p->environment.values.items[1], "own2");
    conf_unref(c);
}

static void values_of_variables_are_never_expanded_again(void **state)
{
    (void)state;
    setenv("CONF_TEST_PCT", "a%(here)s%b", 1);
    struct conf *c = load(S "[program:x]\ncommand=/x %(ENV_CONF_TEST_PCT)s\n"
                            "stdout_logfile=/tmp/%(ENV_CONF_TEST_PCT)s\n"
                            "environment=A=\"%(ENV_CONF_TEST_PCT)s\"\n");
    const struct program_conf *p = process_of(c, "x", 0);
    assert_string_equal(p->command, "/x a%(here)s%b");
    assert_string_equal(p->out.logfile, "/tmp/a%(here)s%b");
    assert_string_equal(p->environment.values.items[0], "a%(here)s%b");
    conf_unref(c);
}

static void groups_take_programs(void **state)
{
    (void)state;
    struct conf *c =
        load(S "[program:a]\ncommand=/a\npriority=5\n"
               "[program:b]\ncommand=/b %(group_name)s\npriority=1\n"
               "[fcgi-program:f]\ncommand=/f\nsocket=tcp://H:9\n"
               "[program:z]\ncommand=/z\npriority=2\n"
               "[program: django]\ncommand=/d\n"
               "[group:g]\nprograms=a, b,f\npriority=3\n"
               "[eventlistener:l]\ncommand=/l\nevents=tick_5,PROCESS_STATE\n");
    static const char *const order[] = {"l", "z", "g", "django"};
    assert_int_equal(c->group_count, array_len(order));
    for (size_t i = 0; i < array_len(order); i++)
        assert_string_equal(c->groups[i]->name, order[i]);
    const struct group_conf *g = c->groups[2];
    assert_int_equal(g->kind, GROUP_PROGRAMS);
    assert_int_equal(g->process_count, 3);
    /* section by section; who starts them sorts by priority */
    assert_string_equal(g->processes[0]->name, "a");
    assert_string_equal(g->processes[1]->command, "/b g");
    assert_string_equal(g->processes[2]->name, "f");
    const struct group_conf *l = c->groups[0];
    assert_int_equal(l->kind, GROUP_LISTENERS);
    assert_int_equal(l->priority, -1);
    assert_int_equal(l->listener.buffer_size, 10);
    assert_int_equal(l->listener.event_count, 2);
    assert_int_equal(l->listener.events[0], EVENT_PROCESS_STATE);
    assert_int_equal(l->listener.events[1], EVENT_TICK_5);
    conf_unref(c);
}

static void fcgi_sockets(void **state)
{
    (void)state;
    struct conf *c = load(S "[fcgi-program:t]\ncommand=/f\nsocket=tcp://LocalHost:9002\n"
                            "socket_backlog=7\n"
                            "[fcgi-program:u]\ncommand=/f\n"
                            "socket=unix:///tmp/x/../%(program_name)s.sock\n"
                            "socket_owner=root:root\nsocket_mode=0770\n");
    const struct fcgi_conf *t = &conf_find_group(c, "t")->fcgi;
    assert_string_equal(t->host, "localhost");
    assert_int_equal(t->port, 9002);
    assert_int_equal(t->backlog, 7);
    assert_false(t->has_mode);
    const struct fcgi_conf *u = &conf_find_group(c, "u")->fcgi;
    assert_string_equal(u->socket_path, "/tmp/u.sock");
    assert_int_equal(u->mode, 0770);
    assert_int_equal(u->backlog, -1);
    assert_true(u->has_owner && u->owner_uid == 0 && u->owner_gid == 0);
    conf_unref(c);
}

static void servers_and_the_url_of_children(void **state)
{
    static const struct {
        const char *text, *url;
        size_t count;
    } cases[] = {
        {S, NULL, 0},
        {S "[inet_http_server]\nport=*:9001 ; (c)\n", "http://localhost:9001", 1},
        {S "[inet_http_server]\nport=127.0.0.1:80\n[unix_http_server]\nfile=/t/../s\n"
           "chmod=0770\nchown=root:root\nusername=u\npassword=p\n",
         "unix:///s", 2},
        {S "[inet_http_server:two]\nport=[::1]:80\nssl_certfile=/c\nssl_keyfile=/k\n",
         "https://[::1]:80", 1},
        {S "[inet_http_server]\nport=:80\n", "http://localhost:80", 1},
        {S "[inet_http_server]\nport=Host:80, [::1]:81 ,:82,*:83,84\n", "http://host:80",
         5},
    };
    (void)state;
    for (size_t i = 0; i < array_len(cases); i++) {
        struct conf *c = load(cases[i].text);
        assert_true(str_eq(c->serverurl, cases[i].url));
        assert_int_equal(c->http_count, cases[i].count);
        if (c->http_count == 2) {
            assert_true(c->http[1]->is_unix && c->http[1]->has_chown);
            assert_int_equal(c->http[1]->chmod, 0770);
            assert_string_equal(c->http[1]->password, "p");
        }
        conf_unref(c);
    }
}

static void logs_of_every_spelling(void **state)
{
    (void)state;
    struct conf *c = load(S "[program:x]\ncommand=/x\nstdout_logfile=syslog\n"
                            "stderr_logfile=NONE\n[program:y]\ncommand=/y\n"
                            "redirect_stderr=true\nstderr_logfile=/tmp/e\n"
                            "stdout_logfile_maxbytes=0\nserverurl=\n");
    const struct program_conf *x = process_of(c, "x", 0), *y = process_of(c, "y", 0);
    assert_int_equal(x->out.target, LOG_TO_NONE);
    assert_true(x->out.syslog);
    assert_int_equal(x->err.target, LOG_TO_NONE);
    assert_int_equal(y->err.target, LOG_TO_NONE);
    assert_string_equal(y->serverurl, "");
    assert_true(has_warning(c, "For [program:x], stdout_logfile=syslog but this is"));
    assert_true(
        has_warning(c, "For [program:y], redirect_stderr=true but stderr_logfile"));
    assert_true(has_warning(c, "For [program:y], AUTO logging used for stdout_logfile"));
    conf_unref(c);
}

static void includes(void **state)
{
    (void)state;
    conf_file_write("b.inc", "[program:b]\ncommand=%(here)s/b\n[include]\nfiles=c.inc\n");
    conf_file_write("a.inc", "[supervisord]\nidentifier=included\n"
                             "[program:a]\ncommand=/a\nprority=1\n[programm:q]\n");
    struct conf *c =
        load(S "identifier=main\n[include]\nfiles=%(here)s/[ab].inc\n  no*.x\n");
    assert_string_equal(c->server.identifier, "included");
    assert_int_equal(c->includes.len, 2);
    assert_true(str_ends(c->includes.items[0], "/a.inc"));
    assert_true(str_starts(process_of(c, "b", 0)->command, conf_dir_path()));
    assert_true(has_warning(c, "No file matches via include \""));
    assert_true(has_warning(c, "/b.inc:4: an [include] in an included file is not read"));
    assert_true(has_warning(c,
                            "/a.inc:5: unknown option 'prority' in [program:a]; did you "
                            "mean 'priority'?"));
    assert_true(has_warning(c, "/a.inc:6: unknown section [programm:q]; did you mean "
                               "[program:NAME]?"));
    conf_unref(c);
}

/* What a fault says: upstream's words, then the place. */
static void complaints(void **state)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"", ".ini file does not include supervisord section (file: 'D/c.conf')"},
        {"k=1", "File contains no section headers.\nfile: 'D/c.conf', line: 1\n'k=1'"},
        {S "foo\nbar\n",
         "Source contains parsing errors: 'D/c.conf'\n\t[line  2]: 'foo\\n'"
         "\n\t[line  3]: 'bar\\n'"},
        {S "nodaemon=maybe\n", "not a valid boolean value: 'maybe' in section "
                               "'supervisord' (file: 'D/c.conf', line 2, option "
                               "'nodaemon')"},
        {S "[include]\n", ".ini file has [include] section, but no files setting (file: "
                          "'D/c.conf', line 2)"},
        {S "user=no-such-user\n", "Invalid user name no-such-user in section "
                                  "'supervisord' (file: 'D/c.conf', line 2, option "
                                  "'user')"},
        {S "[program:x]\n", "program section program:x does not specify a command in "
                            "section 'program:x' (file: 'D/c.conf', line 2)"},
        {S "[program:a:b]\ncommand=x\n",
         "Invalid name: 'a:b' because of character: ':' in "
         "section 'program:a:b' (file: 'D/c.conf', line "
         "2)"},
        {S "[program:x]\ncommand=x\nnumprocs=2\n",
         "%(process_num) must be present within process_name when numprocs > 1 in "
         "section "
         "'program:x' (file: 'D/c.conf', line 2, option 'process_name')"},
        {S "[program:x]\ncommand=x\nstopasgroup=true\nkillasgroup=false\n",
         "Cannot set stopasgroup=true and killasgroup=false in section 'program:x' "
         "(file: "
         "'D/c.conf', line 5, option 'killasgroup')"},
        {S "[program:x]\ncommand=x\nstdout_logfile=/nonexistent/x.log\n",
         "The directory named as part of the path /nonexistent/x.log does not exist in "
         "section 'program:x' (file: 'D/c.conf', line 4, option 'stdout_logfile')"},
        {S "[program:x]\ncommand=100%\n",
         "Format string '100%' for 'program:x.command' is badly formatted: incomplete "
         "format in section 'program:x' (file: 'D/c.conf', line 3, option 'command')"},
        {S "[program:x]\ncommand=x\nenvironment=A\n",
         "Unexpected end of key/value pairs in value 'A' in section 'program:x' (file: "
         "'D/c.conf', line 4, option 'environment')"},
        {S "[group:g]\nprograms=nope\n",
         "[group:g] names unknown program or fcgi-program "
         "nope (file: 'D/c.conf', line 3, option "
         "'programs')"},
        {S "[program:x]\ncommand=x\n[fcgi-program:x]\ncommand=y\n[group:g]\nprograms=x\n",
         "[group:g] name x is ambiguous (exists as program and fcgi-program) (file: "
         "'D/c.conf', line 7, option 'programs')"},
        {S "[eventlistener:l]\ncommand=x\n",
         "[eventlistener:l] section requires an "
         "\"events\" line (file: 'D/c.conf', line 2)"},
        {S "[eventlistener:l]\ncommand=x\nevents=FOO\n",
         "Unknown event type FOO in [eventlistener:l] events (file: 'D/c.conf', line 4, "
         "option 'events')"},
        {S "[eventlistener:l]\ncommand=x\nevents=TICK\nbuffer_size=0\n",
         "[eventlistener:l] section sets invalid buffer_size (0) (file: 'D/c.conf', line "
         "5, option 'buffer_size')"},
        {S "[eventlistener:l]\ncommand=x\nevents=TICK\nredirect_stderr=true\n",
         "[eventlistener:l] section sets redirect_stderr=true but this is not allowed "
         "because it will interfere with the eventlistener protocol (file: 'D/c.conf', "
         "line 5, option 'redirect_stderr')"},
        {S "[eventlistener:l]\ncommand=x\nevents=TICK\nresult_handler=my.mod:f\n",
         "my.mod:f cannot be resolved within [eventlistener:l]: No module named "
         "'my.mod', "
         "since no Python is run here; supervisor.dispatchers:default_handler and "
         "supervisor_stdout:event_handler are built in (file: 'D/c.conf', line 5, option "
         "'result_handler')"},
        {S "[rpcinterface:x]\n",
         "section [rpcinterface:x] does not specify a "
         "supervisor.rpcinterface_factory (file: 'D/c.conf', line "
         "2)"},
        {S "[rpcinterface:x]\nsupervisor.rpcinterface_factory=a:b\n",
         "a:b cannot be resolved within [rpcinterface:x]: No module named 'a', since no "
         "Python is run here; use supervisor.rpcinterface:make_main_rpcinterface, which "
         "is built in, or take the section out (file: 'D/c.conf', line 3, option "
         "'supervisor.rpcinterface_factory')"},
        {S "[fcgi-program:f]\ncommand=x\n", "[fcgi-program:f] section requires a "
                                            "\"socket\" line (file: 'D/c.conf', line 2)"},
        {S "[fcgi-program:f]\ncommand=x\nsocket=foo\n",
         "Bad socket format foo in [fcgi-program:f] socket (file: 'D/c.conf', line 4, "
         "option 'socket')"},
        {S "[inet_http_server]\n", "section [inet_http_server] has no port value (file: "
                                   "'D/c.conf', line 2)"},
        {S "[unix_http_server]\n", "section [unix_http_server] has no file value (file: "
                                   "'D/c.conf', line 2)"},
        {S "[inet_http_server]\nport=1,\n",
         "not a valid port number: '' in section 'inet_http_server' (file: 'D/c.conf', "
         "line 3, "
         "option 'port')"},
        {S "[inet_http_server]\nport=:1,h:\n",
         "no port number specified in 'h:' in section 'inet_http_server' (file: "
         "'D/c.conf', "
         "line 3, option 'port')"},
        {S "[inet_http_server]\nport=1\nssl_client_ca=/c\n",
         "without ssl_certfile and ssl_keyfile it has no effect in section "
         "'inet_http_server' (file: 'D/c.conf', line 4, option 'ssl_client_ca')"},
        {S "[inet_http_server]\nport=1\nusername=u\n",
         "Section [inet_http_server] contains incomplete authentication: If a username "
         "or "
         "a password is specified, both the username and password must be specified "
         "(file: 'D/c.conf', line 4, option 'username')"},
        {S "[unix_http_server]\nfile=/s\nchmod=9\n",
         "Invalid chmod value 9 in section 'unix_http_server' (file: 'D/c.conf', line 4, "
         "option 'chmod')"},
        {S "[unix_http_server]\nfile=/s\nchown=no-such-user\n",
         "Invalid sockchown value no-such-user in section 'unix_http_server' (file: "
         "'D/c.conf', line 4, option 'chown')"},
    };
    (void)state;
    for (size_t i = 0; i < array_len(cases); i++) {
        const char *error = "(loads)";
        struct conf *c = conf_of(cases[i].text, &error);
        conf_unref(c);
        assert_string_equal(error, cases[i].error);
    }
}

static void long_complaints_keep_the_place(void **state)
{
    struct buf text;
    const char *error = NULL;
    (void)state;
    buf_init(&text, BUF_NO_LIMIT);
    buf_puts(&text, S "[program:x]\ncommand=x\nenvironment=");
    for (int i = 0; i < 3000; i++)
        buf_putc(&text, 'A');
    assert_null(conf_of(buf_str(&text), &error));
    assert_true(str_ends(error, "... in section 'program:x' (file: 'D/c.conf', line 4, "
                                "option 'environment')"));
    buf_free(&text);
}

static void command_line_wins(void **state)
{
    struct conf_overrides over = {.loglevel = "debug",
                                  .logfile = "/tmp/./x.log",
                                  .umask = "077",
                                  .minfds = "5",
                                  .identifier = "%(x)",
                                  .nodaemon = true};
    struct err err = {0};
    (void)state;
    const char *path = conf_file_write("o.conf", S "loglevel=error\nnodaemon=false\n"
                                                   "silent=true\nidentifier=y\n");
    struct conf *c = conf_load(path, &over, &err);
    assert_non_null(c);
    assert_int_equal(c->server.loglevel, 10);
    assert_string_equal(c->server.logfile, "/tmp/x.log");
    assert_int_equal(c->server.umask, 077);
    assert_int_equal(c->server.minfds, 5);
    assert_string_equal(c->server.identifier, "%(x)");
    assert_true(c->server.nodaemon && c->server.silent);
    conf_unref(c);
    over.loglevel = "loud";
    assert_null(conf_load(path, &over, &err));
    assert_string_equal(
        err.text, "invalid value for --loglevel 'loud': bad logging level name 'loud'");
    over = (struct conf_overrides){.user = "no-such-user"};
    assert_null(conf_load(path, &over, &err));
    assert_string_equal(err.text, "Invalid user name no-such-user");
}

static void client_section(void **state)
{
    struct err err = {0};
    (void)state;
    struct conf *c = conf_load_ctl(NULL, &err);
    assert_non_null(c);
    assert_string_equal(c->ctl.serverurl, "http://localhost:9001");
    assert_string_equal(c->ctl.prompt, "supervisor");
    assert_null(c->ctl.username);
    assert_false(c->has_ctl_section);
    conf_unref(c);
    c = conf_load_ctl(conf_file_write("x.conf", "[supervisorctl]\nusername=u\n"
                                                "serverurl=unix://%(here)s/../s\n"
                                                "history_file=\n[ctlplugin:p]\n"),
                      &err);
    assert_non_null(c);
    assert_string_equal(c->ctl.serverurl, "unix:///tmp/s");
    assert_null(c->ctl.history_file);
    assert_true(has_warning(c, "[ctlplugin:p] is passed over"));
    conf_unref(c);
    assert_null(conf_load_ctl(conf_file_write("x.conf", S), &err));
    assert_true(str_starts(err.text, ".ini file does not include supervisorctl section"));
}

static void duplicates_are_said(void **state)
{
    (void)state;
    struct conf *c = load(S "[program:x]\ncommand=/1\n[program:y]\ncommand=/2\n"
                            "process_name=x\n[group:g]\nprograms=x,y\n"
                            "[eventlistener:g]\ncommand=/l\nevents=TICK\n");
    assert_int_equal(c->group_count, 1);
    assert_int_equal(c->groups[0]->kind, GROUP_LISTENERS);
    assert_true(has_warning(c, "process x is defined more than once in group g"));
    assert_true(has_warning(c, "group g is defined more than once"));
    conf_unref(c);
}

static void surviving(void **state)
{
    (void)state;
    struct conf *c = load(S);
    assert_false(c->server.keeper || c->server.adopt);
    assert_null(c->server.statefile);
    assert_int_equal(c->server.on_supervisor_death, ON_DEATH_KEEP);
    conf_unref(c);
    c = load(S "keeper=true\nadopt=yes\nstatefile=x.state\non_supervisor_death=Stop\n");
    assert_true(c->server.keeper && c->server.adopt);
    assert_true(c->server.statefile[0] == '/' &&
                str_ends(c->server.statefile, "/x.state"));
    assert_int_equal(c->server.on_supervisor_death, ON_DEATH_STOP);
    conf_unref(c);
    const char *error = NULL;
    assert_null(conf_of(S "on_supervisor_death=\n", &error));
    assert_non_null(
        strstr(error, "'' is neither keep nor stop in section 'supervisord'"));
}

/* The sample names every row of the tables, and all of it loads when switched on. */
static void sample_is_complete(void **state)
{
    static const struct option_table *const tables[] = {
        &program_options, &process_options, &listener_options,    &fcgi_options,
        &group_options,   &server_options,  &unix_http_options,   &inet_http_options,
        &ctl_options,     &include_options, &rpcinterface_options};
    struct buf text, on;
    char line[400];
    (void)state;
    buf_init(&text, BUF_NO_LIMIT);
    buf_init(&on, BUF_NO_LIMIT);
    FILE *f = fopen("config/sample.conf", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        buf_puts(&text, line);
        bool is_off = line[0] == ';' && line[1] != ' ' && line[1] != '\n';
        buf_puts(&on, is_off ? line + 1 : line);
    }
    fclose(f);
    for (size_t t = 0; t < array_len(tables); t++)
        for (size_t i = 0; i < tables[t]->count; i++) {
            char key[100];
            snprintf(key, sizeof key, "%s=", tables[t]->rows[i].name);
            if (!strstr(buf_str(&text), key) && !str_eq(key, "profile_options="))
                fail_msg("sample.conf lacks %s", key);
        }
    struct conf *c = load(buf_str(&text));
    assert_int_equal(c->group_count, 0);
    assert_int_equal(c->warnings.len, 0);
    conf_unref(c);
    c = load(buf_str(&on));
    assert_int_equal(c->group_count, 2);
    assert_int_equal(c->http_count, 2);
    for (size_t i = 0; i < c->warnings.len; i++)
        assert_non_null(strstr(c->warnings.items[i], "No file matches"));
    conf_unref(c);
    buf_free(&text);
    buf_free(&on);
}

static int begin(void **state)
{
    (void)state;
    conf_dir_begin();
    return 0;
}

static int end(void **state)
{
    (void)state;
    conf_dir_end();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_the_manuals),
        cmocka_unit_test(numprocs_names_and_expansions),
        cmocka_unit_test(values_of_variables_are_never_expanded_again),
        cmocka_unit_test(groups_take_programs),
        cmocka_unit_test(fcgi_sockets),
        cmocka_unit_test(servers_and_the_url_of_children),
        cmocka_unit_test(logs_of_every_spelling),
        cmocka_unit_test(includes),
        cmocka_unit_test(complaints),
        cmocka_unit_test(long_complaints_keep_the_place),
        cmocka_unit_test(command_line_wins),
        cmocka_unit_test(client_section),
        cmocka_unit_test(duplicates_are_said),
        cmocka_unit_test(surviving),
        cmocka_unit_test(sample_is_complete),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
