/* What reread calls added, changed and removed. */
/* links: tests/unit/conf_file.c all */
#include "config/conf_diff.h"

#include "tests/unit/conf_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define S "[supervisord]\n"
#define P "[program:p]\ncommand=/p\n"

static struct conf *load(const char *text)
{
    const char *error = NULL;
    struct conf *c = conf_of(text, &error);
    if (!c)
        fail_msg("%s", error);
    return c;
}

/* Every option that a running program notices. */
static void one_option_makes_a_change(void **state)
{
    static const struct {
        const char *before, *after;
        bool changed;
    } cases[] = {
        {P, P, false},
        {P "stdout_logfile=AUTO\n", P, false},
        {P "; c\n", P "\n", false},
        {P "autorestart=true\n", P "autorestart=yes\n", false},
        {P "environment=A=1,B=2\n", P "environment=B=2,A=1\n", false},
        {P "numprocs=1\n", P, false},
        {P, P "stdout_logfile=/tmp/x\n", true},
        {P, P "command=/q\n", true},
        {P, P "directory=/\n", true},
        {P, P "umask=022\n", true},
        {P, P "priority=1\n", true},
        {P, P "autostart=false\n", true},
        {P, P "autorestart=true\n", true},
        {P, P "startsecs=2\n", true},
        {P, P "startretries=2\n", true},
        {P, P "exitcodes=0,2\n", true},
        {P, P "exitcodes=1\n", true},
        {P, P "stopsignal=INT\n", true},
        {P, P "stopwaitsecs=1\n", true},
        {P, P "stopasgroup=true\n", true},
        {P, P "killasgroup=true\n", true},
        {P, P "redirect_stderr=true\n", true},
        {P, P "user=root\n", true},
        {P, P "stdout_logfile_maxbytes=1\n", true},
        {P, P "stderr_logfile_backups=1\n", true},
        {P, P "stdout_capture_maxbytes=1\n", true},
        {P, P "stderr_events_enabled=1\n", true},
        {P, P "stdout_syslog=1\n", true},
        {P, P "environment=A=1\n", true},
        {P "environment=A=1\n", P "environment=A=2\n", true},
        {P, P "serverurl=http://x:1\n", true},
        {P, P "process_name=q\n", true},
        {P, "[supervisord]\nenvironment=A=1\n" P, true},
    };
    (void)state;
    for (size_t i = 0; i < array_len(cases); i++) {
        char text[400];
        snprintf(text, sizeof text, S "%s", cases[i].before);
        struct conf *a = load(text);
        snprintf(text, sizeof text, S "%s", cases[i].after);
        struct conf *b = load(text);
        if (conf_group_equal(a->groups[0], b->groups[0]) == cases[i].changed)
            fail_msg("row %zu: %s / %s", i, cases[i].before, cases[i].after);
        conf_unref(a);
        conf_unref(b);
    }
}

static void pools_and_sockets(void **state)
{
    static const char l[] = S "[eventlistener:l]\ncommand=/l\nevents=TICK_5,TICK_60\n";
    static const char f[] = S "[fcgi-program:f]\ncommand=/f\nsocket=tcp://h:1\n";
    static const struct {
        const char *before, *more;
        bool changed;
    } cases[] = {
        {l, "events=TICK_60, tick_5\n", false},
        {l, "events=TICK\n", true},
        {l, "buffer_size=11\n", true},
        {l, "priority=0\n", true},
        {l, "result_handler=supervisor_stdout:event_handler\n", true},
        {f, "socket=tcp://H:1\n", false},
        {f, "socket=tcp://h:2\n", true},
        {f, "socket_backlog=5\n", true},
    };
    (void)state;
    for (size_t i = 0; i < array_len(cases); i++) {
        char text[400];
        struct conf *a = load(cases[i].before);
        snprintf(text, sizeof text, "%s%s", cases[i].before, cases[i].more);
        struct conf *b = load(text);
        assert_int_equal(!conf_group_equal(a->groups[0], b->groups[0]), cases[i].changed);
        conf_unref(a);
        conf_unref(b);
    }
}

static void three_lists_sorted(void **state)
{
    (void)state;
    struct conf *a = load(S "[program:z]\ncommand=/z\n[program:gone]\ncommand=/g\n"
                            "[program:m]\ncommand=/m\n[program:also]\ncommand=/a\n");
    struct conf *b = load(S "[program:z]\ncommand=/z\n[program:m]\ncommand=/n\n"
                            "[program:y]\ncommand=/y\npriority=1\n"
                            "[program:x]\ncommand=/x\npriority=2\n");
    struct conf_diff d;
    conf_diff(&d, (const struct group_conf *const *)a->groups, a->group_count, b);
    assert_int_equal(d.added_count, 2);
    assert_string_equal(d.added[0], "x");
    assert_string_equal(d.added[1], "y");
    assert_int_equal(d.changed_count, 1);
    assert_string_equal(d.changed[0], "m");
    assert_int_equal(d.removed_count, 2);
    assert_string_equal(d.removed[0], "also");
    assert_string_equal(d.removed[1], "gone");
    conf_diff_free(&d);
    conf_diff(&d, NULL, 0, a);
    assert_int_equal(d.added_count, 4);
    assert_int_equal(d.changed_count + d.removed_count, 0);
    conf_diff_free(&d);
    conf_unref(a);
    conf_unref(b);
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
        cmocka_unit_test(one_option_makes_a_change),
        cmocka_unit_test(pools_and_sockets),
        cmocka_unit_test(three_lists_sorted),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
