/* Typed values; results and complaints asked of upstream's datatypes. */
#include "config/value.h"

#include "core/base/log.h"

#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static struct pool *pool;

struct number_case {
    value_parser *parse;
    const char *text;
    int64_t value;
    const char *complaint; /* NULL: accepted */
};

static int64_t stored(value_parser *parse, const void *at)
{
    if (parse == value_bytes)
        return *(const int64_t *)at;
    if (parse == value_bool)
        return *(const bool *)at;
    return *(const int *)at;
}

static void numbers_and_words(void **state)
{
#define INT_BAD "invalid literal for int() with base 10: "
    static const struct number_case cases[] = {
        {value_bool, "Yes", 1, NULL},
        {value_bool, "off", 0, NULL},
        {value_bool, "t", 0, "not a valid boolean value: 't'"},
        {value_bool, "", 0, "not a valid boolean value: ''"},
        {value_int, " 1_0", 10, NULL},
        {value_int, "-5", -5, NULL},
        {value_int, "99999999999", INT_MAX, NULL},
        {value_int, "3.5", 0, INT_BAD "'3.5'"},
        {value_int, "", 0, INT_BAD "''"},
        {value_bytes, "50MB", 52428800, NULL},
        {value_bytes, "1 kb", 1024, NULL},
        {value_bytes, "2gb", 2147483648, NULL},
        {value_bytes, "5K", 0, INT_BAD "'5k'"},
        {value_bytes, "xMB", 0, INT_BAD "'x'"},
        {value_mode, "022", 022, NULL},
        {value_mode, "0o700", 0700, NULL},
        {value_mode, "9", 0, "9 can not be converted to an octal type"},
        {value_mode, "", 0, " can not be converted to an octal type"},
        {value_signal, "TERM", SIGTERM, NULL},
        {value_signal, "sigusr1", SIGUSR1, NULL},
        {value_signal, "9", 9, NULL},
        {value_signal, "FOO", 0, "value 'FOO' is not a valid signal name"},
        {value_signal, "99", 0, "value '99' is not a valid signal number"},
        {value_autorestart, "TRUE", RESTART_ALWAYS, NULL},
        {value_autorestart, "no", RESTART_NEVER, NULL},
        {value_autorestart, "Unexpected", RESTART_UNEXPECTED, NULL},
        {value_autorestart, "x", 0, "invalid 'autorestart' value 'x'"},
        {value_loglevel, "DEBUG", LOG_LEVEL_DEBG, NULL},
        {value_loglevel, "blather", LOG_LEVEL_BLAT, NULL},
        {value_loglevel, "warning", 0, "bad logging level name 'warning'"},
    };
    (void)state;
    for (size_t i = 0; i < array_len(cases); i++) {
        int64_t room = 0;
        struct err err = {0};
        int rc = cases[i].parse(pool, cases[i].text, &room, &err);
        assert_int_equal(rc, cases[i].complaint ? -1 : 0);
        if (cases[i].complaint)
            assert_string_equal(err.text, cases[i].complaint);
        else
            assert_int_equal(stored(cases[i].parse, &room), cases[i].value);
    }
}

static void exit_codes(void **state)
{
    static const struct {
        const char *text;
        int rc;
        size_t count;
        int last;
    } cases[] = {{"0", 0, 1, 0},     {"0,2", 0, 2, 2},  {"0, 255 ", 0, 2, 255},
                 {"", 0, 0, 0},      {"256", -1, 0, 0}, {"-1", -1, 0, 0},
                 {"1,,2", -1, 0, 0}, {",", -1, 0, 0},   {"a", -1, 0, 0}};
    (void)state;
    for (size_t i = 0; i < array_len(cases); i++) {
        struct value_ints v = {0};
        struct err err = {0};
        assert_int_equal(value_exitcodes(pool, cases[i].text, &v, &err), cases[i].rc);
        assert_int_equal(v.count, cases[i].count);
        if (v.count > 0)
            assert_int_equal(v.items[v.count - 1], cases[i].last);
        if (cases[i].rc < 0)
            assert_true(str_starts(err.text, "not a valid list of exit codes: '"));
    }
}

static void log_targets(void **state)
{
    static const struct {
        const char *text;
        enum log_target target;
        const char *file;
    } cases[] = {{"NONE", LOG_TO_NONE, NULL},
                 {"off", LOG_TO_NONE, NULL},
                 {"", LOG_TO_NONE, NULL},
                 {"Auto", LOG_TO_AUTO, NULL},
                 {"syslog", LOG_TO_SYSLOG, NULL},
                 {"/tmp/x", LOG_TO_FILE, "/tmp/x"},
                 {"rel.log", LOG_TO_FILE, "rel.log"}};
    struct err err = {0};
    enum log_target target;
    char *file;
    (void)state;
    for (size_t i = 0; i < array_len(cases); i++) {
        assert_int_equal(value_log(pool, cases[i].text, &target, &file, &err), 0);
        assert_int_equal(target, cases[i].target);
        assert_true(str_eq(file, cases[i].file));
    }
    assert_int_equal(value_log(pool, "/nonexistent/x", &target, &file, &err), -1);
    assert_string_equal(err.text, "The directory named as part of the path "
                                  "/nonexistent/x does not exist");
}

static void addresses(void **state)
{
    static const struct {
        const char *text, *host;
        int port;
        const char *complaint;
    } cases[] = {
        {"9001", "", 9001, NULL},
        {"*:9001", "", 9001, NULL},
        {":9001", "", 9001, NULL},
        {"LOCALHOST:1", "localhost", 1, NULL},
        {"[::1]:80", "::1", 80, NULL},
        {"x", NULL, 0, "not a valid port number: 'x'"},
        {"70000", NULL, 0, "not a valid port number: '70000'"},
        {"h:0", NULL, 0, "0 is below lower bound (1)"},
        {"h:70000", NULL, 0, "70000 is above upper bound (65535)"},
        {"h:x", NULL, 0, "invalid literal for int() with base 10: 'x'"},
        {"h:", NULL, 0, "no port number specified in 'h:'"},
    };
    (void)state;
    for (size_t i = 0; i < array_len(cases); i++) {
        char *host = NULL;
        int port = 0;
        struct err err = {0};
        int rc = value_inet(pool, cases[i].text, &host, &port, &err);
        assert_int_equal(rc, cases[i].complaint ? -1 : 0);
        if (cases[i].complaint)
            assert_string_equal(err.text, cases[i].complaint);
        else
            assert_string_equal(host, cases[i].host);
        assert_int_equal(port, cases[i].port);
    }
}

static void users_and_owners(void **state)
{
    struct value_user user;
    struct err err = {0};
    uid_t uid;
    gid_t gid;
    (void)state;
    assert_int_equal(value_user(pool, "root", &user, &err), 0);
    assert_int_equal(user.uid, 0);
    assert_string_equal(user.name, "root");
    assert_int_equal(value_user(pool, "0", &user, &err), 0);
    assert_int_equal(value_user(pool, "no such user", &user, &err), -1);
    assert_string_equal(err.text, "Invalid user name no such user");
    assert_int_equal(value_user(pool, "-1", &user, &err), -1);
    assert_string_equal(err.text, "Invalid user id -1");
    assert_int_equal(value_owner("root", &uid, &gid, &err), 0);
    assert_int_equal(gid, (gid_t)-1);
    assert_int_equal(value_owner("0:root", &uid, &gid, &err), 0);
    assert_int_equal(gid, 0);
    assert_int_equal(value_owner("root:no such group", &uid, &gid, &err), -1);
    assert_string_equal(err.text, "Invalid user:group definition root:no such group");
}

static void names(void **state)
{
    struct err err = {0};
    char *name = NULL;
    (void)state;
    assert_int_equal(value_name(pool, " django ", &name, &err), 0);
    assert_string_equal(name, "django");
    assert_int_equal(value_name(pool, "a:b", &name, &err), -1);
    assert_string_equal(err.text, "Invalid name: 'a:b' because of character: ':'");
    assert_int_equal(value_name(pool, "a b", &name, &err), -1);
    assert_int_equal(value_name(pool, "a/b", &name, &err), -1);
}

static void directories_and_home(void **state)
{
    struct err err = {0};
    char *path = NULL;
    (void)state;
    setenv("HOME", "/tmp/", 1);
    assert_int_equal(value_dir(pool, "~", &path, &err), 0);
    assert_string_equal(path, "/tmp");
    assert_int_equal(value_file(pool, "~/x", &path, &err), 0);
    assert_string_equal(path, "/tmp/x");
    assert_int_equal(value_dir(pool, "/nonexistent", &path, &err), -1);
    assert_string_equal(err.text, "/nonexistent is not an existing directory");
}

static void pairs_and_sharing(void **state)
{
    struct env_conf a = {0}, b = {0};
    struct err err = {0};
    (void)state;
    assert_int_equal(value_pairs(pool, "A=1,B=\"x,y\"", &a, &err), 0);
    assert_int_equal(value_pairs(pool, "A=1,B=\"x,y\"", &b, &err), 0);
    assert_int_equal(a.keys.len, 2);
    assert_string_equal(a.values.items[1], "x,y");
    assert_ptr_equal(a.keys.items, b.keys.items);
    assert_ptr_equal(pool_str(pool, "x,y"), a.values.items[1]);
    assert_int_equal(value_pairs(pool, "A", &a, &err), -1);
    assert_string_equal(err.text, "Unexpected end of key/value pairs in value 'A'");
    assert_int_equal(err.code, ERR_CONFIG);
}

static int make_pool(void **state)
{
    (void)state;
    pool = pool_new();
    return 0;
}

static int drop_pool(void **state)
{
    (void)state;
    pool_free(pool);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_words),    cmocka_unit_test(exit_codes),
        cmocka_unit_test(log_targets),          cmocka_unit_test(addresses),
        cmocka_unit_test(users_and_owners),     cmocka_unit_test(names),
        cmocka_unit_test(directories_and_home), cmocka_unit_test(pairs_and_sharing),
    };
    return cmocka_run_group_tests(tests, make_pool, drop_pool);
}
