/* What help.txt has under a topic. */
/* links: config/help.c build/gen/help_txt.c core/base/inflate.c core/base/buf.c
 * core/base/format.c core/base/alloc.c core/base/str.c */
#include "config/help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void one_topic(void **state)
{
    static const struct {
        const char *topic, *text; /* NULL: no such topic */
    } cases[] = {
        {"exit", "exit  Leave the shell\n"},
        {"version", "version  Version of the supervisord that answers\n"}, /* the last */
        {"pidproxy", "pidproxy -- run a command and pass signals on to the process in a "
                     "pidfile\n\nUsage: /x/p <pidfile name> <command> [<cmdarg1> ...]\n"},
        {"nothing", NULL},
        {"", NULL},
        {"exi", NULL},
    };
    (void)state;
    for (size_t i = 0; i < array_len(cases); i++) {
        struct buf out;
        buf_init(&out, BUF_NO_LIMIT);
        int rc = help_text(&out, cases[i].topic, "/x/p");
        assert_int_equal(rc, cases[i].text ? 0 : -1);
        assert_string_equal(buf_str(&out), cases[i].text ? cases[i].text : "");
        buf_free(&out);
    }
}

static void every_mention_of_the_program(void **state)
{
    struct buf out;
    (void)state;
    buf_init(&out, BUF_NO_LIMIT);
    assert_int_equal(help_text(&out, "supervisor", "x"), 0);
    static const char start[] = "Usage: x APPLET [argument ...]\n"
                                "       x --list | --version | --help\n"
                                "       x --install [-s] [-f] DIR\n";
    assert_int_equal(strncmp(buf_str(&out), start, sizeof start - 1), 0);
    assert_null(strstr(buf_str(&out), "PROGRAM"));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_topic),
        cmocka_unit_test(every_mention_of_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
