/* File names, patterns of [include], and the search for a configuration. */
#include "config/conf_load.h"
#include "config/include.h"
#include "config/path.h"
#include "core/base/alloc.h"

#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[64];

static void normal_forms(void **state)
{
    static const struct {
        const char *path, *normal;
    } cases[] = {
        {"/a/b", "/a/b"}, {"/a//b/", "/a/b"}, {"/a/./b/../c", "/a/c"},
        {"/..", "/"},     {"//a", "//a"},     {"///a", "/a"},
        {"/", "/"},       {"/a/../..", "/"},  {"~/x", "/home/x"},
        {"~", "/home"},   {"/~", "/~"},       {"x", "/tmp/x"},
        {"../x", "/x"},   {"", "/tmp"},       {"./", "/tmp"},
    };
    (void)state;
    assert_int_equal(chdir("/tmp"), 0);
    setenv("HOME", "/home/", 1);
    for (size_t i = 0; i < array_len(cases); i++) {
        char *got = path_normalize(cases[i].path);
        assert_string_equal(got, cases[i].normal);
        free(got);
    }
}

static void users_homes(void **state)
{
    (void)state;
    struct passwd *root = getpwnam("root");
    assert_non_null(root);
    char *home = xasprintf("%s/x", root->pw_dir), *got = path_expand_user("~root/x");
    assert_string_equal(got, home);
    free(got);
    free(home);
    got = path_expand_user("~no-such-user/x");
    assert_string_equal(got, "~no-such-user/x");
    free(got);
}

static void patterns(void **state)
{
    static const struct {
        const char *pattern, *name;
        bool match;
    } cases[] = {
        {"*", "", true},
        {"*", "a", true},
        {"*.conf", "a.conf", true},
        {"*.conf", "a.con", false},
        {"a?c", "abc", true},
        {"a?c", "ac", false},
        {"?", "\xc3\xbc", true},
        {"[a-c]x", "bx", true},
        {"[a-c]x", "dx", false},
        {"[!a]", "b", true},
        {"[!a]", "a", false},
        {"[^a]", "^", true},
        {"[^a]", "b", false},
        {"[]]", "]", true},
        {"[", "[", true},
        {"[a", "[a", true},
        {"*a*b*c", "xaybzc", true},
        {"*a*b*c", "xaybz", false},
        {"\\*", "*", false},
        {"\\*", "\\x", true},
        {"{a,b}", "a", false},
        {"[a-]", "-", true},
    };
    (void)state;
    for (size_t i = 0; i < array_len(cases); i++)
        if (include_match(span_of(cases[i].pattern), cases[i].name) != cases[i].match)
            fail_msg("%s / %s", cases[i].pattern, cases[i].name);
}

static void touch(const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
    assert_int_equal(chmod(path, 0644), 0);
}

static void sub(const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(mkdir(path, 0755), 0);
}

static void globs_are_sorted(void **state)
{
    static const struct {
        const char *pattern, *found;
    } cases[] = {
        {"*.conf", "a.conf b.conf"},
        {".*.conf", ".h.conf"},
        {"*/*.conf", "d/x.conf e/y.conf"},
        {"[de]/x*", "d/x.conf"},
        {"a.conf", "a.conf"},
        {"no.conf", ""},
        {"d", "d"},
        {"*/nothing", ""},
    };
    (void)state;
    touch("b.conf");
    touch("a.conf");
    touch(".h.conf");
    sub("d");
    sub("e");
    touch("e/y.conf");
    touch("d/x.conf");
    for (size_t i = 0; i < array_len(cases); i++) {
        struct strv found = {0};
        char got[400] = "", pattern[200];
        snprintf(pattern, sizeof pattern, "%s/%s", dir, cases[i].pattern);
        include_glob(pattern, &found);
        for (size_t k = 0; k < found.len; k++) {
            size_t n = strlen(got);
            snprintf(got + n, sizeof got - n, "%s%s", k ? " " : "",
                     found.items[k] + strlen(dir) + 1);
        }
        assert_string_equal(got, cases[i].found);
        strv_free(&found);
    }
}

static char *found_for(const char *program)
{
    struct err err;
    char *path = conf_find(program, &err);
    char *rest = path && str_starts(path, dir) ? xstrdup(path + strlen(dir)) : NULL;
    free(path);
    return rest;
}

/* ../etc and .. of the program, then the working directory. */
static void search_order(void **state)
{
    char program[200], *got;
    (void)state;
    snprintf(program, sizeof program, "%s/top/bin/supervisord", dir);
    sub("top");
    sub("top/etc");
    sub("cwd");
    sub("cwd/etc");
    char cwd[200];
    snprintf(cwd, sizeof cwd, "%s/cwd", dir);
    assert_int_equal(chdir(cwd), 0);

    touch("cwd/etc/supervisord.conf");
    assert_string_equal(got = found_for(program), "/cwd/etc/supervisord.conf");
    free(got);
    touch("cwd/supervisord.conf");
    assert_string_equal(got = found_for(program), "/cwd/supervisord.conf");
    free(got);
    touch("top/supervisord.conf");
    assert_string_equal(got = found_for(program), "/top/supervisord.conf");
    free(got);
    touch("top/etc/supervisord.conf");
    assert_string_equal(got = found_for(program), "/top/etc/supervisord.conf");
    free(got);
}

/* Root takes nothing from where it stands that somebody else may have put there. */
static void root_trusts_only_its_own(void **state)
{
    char path[200], *got;
    (void)state;
    if (getuid() != 0)
        skip();
    snprintf(path, sizeof path, "%s/cwd/supervisord.conf", dir);
    assert_int_equal(chmod(path, 0666), 0);
    assert_string_equal(got = found_for("/none/bin/x"), "/cwd/etc/supervisord.conf");
    free(got);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(chown(path, 65534, 65534), 0);
    assert_string_equal(got = found_for("/none/bin/x"), "/cwd/etc/supervisord.conf");
    free(got);
}

static void not_found_lists_the_places(void **state)
{
    struct err err = {0};
    (void)state;
    assert_int_equal(chdir("/proc"), 0);
    char *path = conf_find("/none/bin/x", &err);
    if (path) { /* this machine has one in /etc */
        free(path);
        skip();
    }
    assert_string_equal(
        err.text, "No config file found at default paths (/none/etc/supervisord.conf, "
                  "/none/supervisord.conf, supervisord.conf, etc/supervisord.conf, "
                  "/etc/supervisord.conf, /etc/supervisor/supervisord.conf); use the "
                  "-c option to specify a config file at a different path");
}

static int begin(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "%s", "/tmp/paths_test.XXXXXX");
    assert_non_null(mkdtemp(dir));
    return 0;
}

static int end(void **state)
{
    static const char *const made[] = {"b.conf",
                                       "a.conf",
                                       ".h.conf",
                                       "e/y.conf",
                                       "d/x.conf",
                                       "d",
                                       "e",
                                       "cwd/etc/supervisord.conf",
                                       "cwd/supervisord.conf",
                                       "top/supervisord.conf",
                                       "top/etc/supervisord.conf",
                                       "cwd/etc",
                                       "top/etc",
                                       "cwd",
                                       "top",
                                       ""};
    (void)state;
    assert_int_equal(chdir("/"), 0);
    for (size_t i = 0; i < array_len(made); i++) {
        char path[200];
        snprintf(path, sizeof path, "%s/%s", dir, made[i]);
        if (unlink(path) < 0)
            rmdir(path);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normal_forms),
        cmocka_unit_test(users_homes),
        cmocka_unit_test(patterns),
        cmocka_unit_test(globs_are_sorted),
        cmocka_unit_test(search_order),
        cmocka_unit_test(root_trusts_only_its_own),
        cmocka_unit_test(not_found_lists_the_places),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
