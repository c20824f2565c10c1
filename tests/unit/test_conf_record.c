/* A configuration that went through a record is the same configuration. */
#include "config/conf_record.h"

#include "config/conf_diff.h"
#include "config/conf_load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const char text[] =
    "[supervisord]\nidentifier=here\nnodaemon=true\nkeeper=true\nstatefile=/tmp/s\n"
    "on_supervisor_death=stop\nenvironment=A=\"x y\",B=2\n"
    "[unix_http_server]\nfile=/tmp/test_conf_record.sock\nchmod=0770\nusername=u\n"
    "password={SHA}0123\n"
    "[inet_http_server]\nport=*:9001\n"
    "[program:one]\ncommand=/bin/cat \"a\\\\ b\"\nenvironment=C=\"\xc3\xa4\",D=\"p%%q\"\n"
    "exitcodes=0,2,255\numask=022\nstopsignal=INT\nstopasgroup=true\nstdout_syslog=true\n"
    "stdout_logfile=NONE\nstderr_logfile=/tmp/e.log\nstderr_logfile_maxbytes=3GB\n"
    "[program:many]\ncommand=/bin/x %(process_num)d\nnumprocs=3\n"
    "process_name=%(program_name)s_%(process_num)02d\nautorestart=true\npriority=-5\n"
    "[group:g]\nprograms=one\npriority=7\n"
    "[eventlistener:l]\ncommand=/bin/l\nevents=TICK_5,PROCESS_STATE\nbuffer_size=77\n"
    "[fcgi-program:f]\ncommand=/bin/f\nsocket=unix:///tmp/f.sock\nsocket_mode=0700\n"
    "directory=/tmp\nserverurl=http://x\n";

static struct conf *load(void)
{
    char path[] = "/tmp/test_conf_record.XXXXXX";
    struct err err = {0};
    int fd = mkstemp(path);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    struct conf *c = conf_load(path, NULL, &err);
    unlink(path);
    if (!c)
        printf("%s\n", err.text);
    assert_non_null(c);
    return c;
}

static void save(const struct conf *c, struct buf *out)
{
    buf_init(out, BUF_NO_LIMIT);
    struct record_writer w = {.out = out};
    conf_save(c, &w);
    assert_false(w.failed);
}

static void a_round_trip_changes_nothing(void **state)
{
    UNUSED(state);
    struct conf *c = load();
    struct buf first, second;
    struct err err = {0};
    save(c, &first);
    struct conf *again = conf_restore(buf_data(&first), first.len, &err);
    assert_non_null(again);
    assert_int_equal(again->group_count, c->group_count);
    for (size_t i = 0; i < c->group_count; i++) {
        assert_true(conf_group_equal(c->groups[i], again->groups[i]));
        assert_int_equal(c->groups[i]->kind, again->groups[i]->kind);
    }
    assert_int_equal(again->http_count, c->http_count);
    assert_string_equal(again->http[0]->section, c->http[0]->section);
    assert_string_equal(again->server.identifier, "here");
    assert_true(again->server.nodaemon);
    save(again, &second);
    assert_int_equal(first.len, second.len);
    assert_memory_equal(buf_data(&first), buf_data(&second), first.len);
    conf_unref(again);
    conf_unref(c);
    buf_free(&first);
    buf_free(&second);
}

static void a_cut_one_is_refused_or_has_fewer_programs(void **state)
{
    UNUSED(state);
    struct conf *c = load();
    struct buf whole;
    save(c, &whole);
    for (size_t n = 0; n < whole.len; n++) {
        struct err err = {0};
        struct conf *cut = conf_restore(buf_data(&whole), n, &err);
        /* Only a cut between two objects goes unseen here; the checksum around it sees
         * that. */
        if (cut)
            assert_int_equal(buf_data(&whole)[n - 1], '\n');
        else
            assert_int_equal(err.code, ERR_SYNTAX);
        conf_unref(cut);
    }
    buf_free(&whole);
    conf_unref(c);
}

static void wrong_values_are_refused(void **state)
{
    UNUSED(state);
    static const char *const cases[] = {
        "process name=1:x\n",
        "group name=1:g\nprocess name=1:x command=1:y exitcodes=2:a,\n",
        "group name=1:g\nprocess name=1:x command=1:y startsecs=1:x\n",
        "group name=1:g\nprocess name=1:x command=1:y env_keys=3:9:a\n",
        "group name=1:g\nprocess name=1:x\n",
        "conf path=1:/\n",
        "",
    };
    for (size_t i = 0; i < array_len(cases); i++) {
        struct err err = {0};
        assert_null(conf_restore(cases[i], strlen(cases[i]), &err));
        assert_int_equal(err.code, ERR_SYNTAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_round_trip_changes_nothing),
        cmocka_unit_test(a_cut_one_is_refused_or_has_fewer_programs),
        cmocka_unit_test(wrong_values_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
