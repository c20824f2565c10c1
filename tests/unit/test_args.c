/* The command line as Python's getopt reads it. */
#include "config/args.h"

#include "core/base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct target {
    bool nodaemon, nocleanup;
    const char *file, *procs;
};

static const struct arg table[] = {
    {'c', "configuration", ARG_TEXT, offsetof(struct target, file)},
    {'n', "nodaemon", ARG_FLAG, offsetof(struct target, nodaemon)},
    {'k', "nocleanup", ARG_FLAG, offsetof(struct target, nocleanup)},
    {0, "minprocs", ARG_TEXT, offsetof(struct target, procs)},
};

static void as_getopt(void **state)
{
    static const struct {
        const char *argv[6];
        int rest;
        const char *file;
        bool nodaemon;
        const char *error;
    } cases[] = {
        {{"p"}, 1, NULL, false, NULL},
        {{"p", "-c", "x", "-n"}, 4, "x", true, NULL},
        {{"p", "-ncx", "y"}, 2, "x", true, NULL},
        {{"p", "-c", "-n"}, 3, "-n", false, NULL},
        {{"p", "--configuration=a=b"}, 2, "a=b", false, NULL},
        {{"p", "--conf", "x", "--nod"}, 4, "x", true, NULL},
        {{"p", "--conf=", "y"}, 2, "", false, NULL},
        {{"p", "-n", "word", "-c", "x"}, 2, NULL, true, NULL},
        {{"p", "--", "-n"}, 2, NULL, false, NULL},
        {{"p", "-", "-n"}, 1, NULL, false, NULL},
        {{"p", "-x"}, 0, NULL, false, "option -x not recognized"},
        {{"p", "-nx"}, 0, NULL, false, "option -x not recognized"},
        {{"p", "-c"}, 0, NULL, false, "option -c requires argument"},
        {{"p", "--foo"}, 0, NULL, false, "option --foo not recognized"},
        {{"p", "--no"}, 0, NULL, false, "option --no not a unique prefix"},
        {{"p", "--minprocs"}, 0, NULL, false, "option --minprocs requires argument"},
        {{"p", "--nodaemon=1"},
         0,
         NULL,
         false,
         "option --nodaemon must not have an argument"},
        {{"p", "-c", "x", "--conf=y"},
         0,
         NULL,
         false,
         "conflicting command line option '--configuration'"},
        {{"p", "-nn"}, 0, NULL, false, "conflicting command line option '-n'"},
    };
    (void)state;
    for (size_t i = 0; i < array_len(cases); i++) {
        struct target t = {0};
        struct err err = {0};
        int argc = 0, rest = 0;
        while (argc < 6 && cases[i].argv[argc])
            argc++;
        int rc = args_parse(table, array_len(table), argc, (char *const *)cases[i].argv,
                            &t, &rest, &err);
        assert_int_equal(rc, cases[i].error ? -1 : 0);
        if (cases[i].error) {
            assert_string_equal(err.text, cases[i].error);
            assert_int_equal(err.code, ERR_USAGE);
            continue;
        }
        assert_int_equal(rest, cases[i].rest);
        assert_true(str_eq(t.file, cases[i].file));
        assert_int_equal(t.nodaemon, cases[i].nodaemon);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_getopt)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
