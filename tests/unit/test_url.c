/* Server addresses, percent coding, query strings. */
#include "core/wire/url.h"

#include "tests/unit/guarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void addresses_are_taken_apart(void **state)
{
    static const struct {
        const char *text;
        enum url_scheme scheme;
        const char *host;
        int port;
        const char *path, *user, *password;
    } cases[] = {
        {"unix:///var/run/supervisor.sock", URL_UNIX, NULL, 0, "/var/run/supervisor.sock",
         NULL, NULL},
        {"unix://rel%20ative.sock", URL_UNIX, NULL, 0, "rel%20ative.sock", NULL, NULL},
        {"http://localhost:9001", URL_HTTP, "localhost", 9001, "/", NULL, NULL},
        {"http://LocalHost/", URL_HTTP, "localhost", 80, "/", NULL, NULL},
        {"HTTPS://h", URL_HTTPS, "h", 443, "/", NULL, NULL},
        {"http://h:/x", URL_HTTP, "h", 80, "/x", NULL, NULL},
        {"http://h:65535/a/b?c=d#frag", URL_HTTP, "h", 65535, "/a/b?c=d", NULL, NULL},
        {"http://h?c=d", URL_HTTP, "h", 80, "/?c=d", NULL, NULL},
        {"http://h#f", URL_HTTP, "h", 80, "/", NULL, NULL},
        {"http://[::1]:9001/", URL_HTTP, "::1", 9001, "/", NULL, NULL},
        {"http://[FE80::1]", URL_HTTP, "fe80::1", 80, "/", NULL, NULL},
        {"http://u:p@h:1", URL_HTTP, "h", 1, "/", "u", "p"},
        {"http://u%3ax:p%40:@x@h", URL_HTTP, "h", 80, "/", "u:x", "p@:@x"},
        {"http://u@h", URL_HTTP, "h", 80, "/", "u", NULL},
        {"http://h/a@b", URL_HTTP, "h", 80, "/a@b", NULL, NULL},
    };
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        struct url url;
        struct err err = {0};
        assert_int_equal(url_parse(&url, cases[i].text, &err), 0);
        assert_int_equal(url.scheme, cases[i].scheme);
        assert_true(str_eq(url.host, cases[i].host));
        assert_int_equal(url.port, cases[i].port);
        assert_string_equal(url.path, cases[i].path);
        assert_true(str_eq(url.user, cases[i].user));
        assert_true(str_eq(url.password, cases[i].password));
        url_clear(&url);
    }
}

static void bad_addresses_are_refused(void **state)
{
    static const char *const cases[] = {
        "",           "localhost",      "localhost:9001",  "ftp://h",       "unix://",
        "unix:/x",    "http://",        "http://:80",      "http:///path",  "http://h:0",
        "http://h:x", "http://h:65536", "http://h:-1",     "http://h:+1",   "http://[::1",
        "http://[]",  "http://[::1]x",  "http://u%00:p@h", "http://h/a b",  "http://h\n",
        "http:/",     "http://u@",      "http://h:1:2",    "http://h/\x7f",
    };
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        struct url url;
        struct err err = {0};
        assert_int_equal(url_parse(&url, cases[i], &err), -1);
        assert_int_equal(err.code, ERR_SYNTAX);
        assert_non_null(strstr(err.text, cases[i]));
        assert_null(url.host);
        assert_null(url.path);
    }
}

static void coding_is_undone(void **state)
{
    static const struct {
        const char *coded;
        bool plus;
        const char *plain;
    } cases[] = {
        {"", false, ""},
        {"a%20b", false, "a b"},
        {"a+b", false, "a+b"},
        {"a+b", true, "a b"},
        {"%41%5a%7E", false, "AZ~"},
        {"%", false, "%"},
        {"%4", false, "%4"},
        {"%%41", false, "%A"},
        {"%zz%4", false, "%zz%4"},
        {"%c3%A9", false, "\xc3\xa9"},
        {"%+1", true, "% 1"},
    };
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        size_t n = strlen(cases[i].coded);
        struct guarded g = guarded_new(cases[i].coded, n);
        struct buf out;
        buf_init(&out, 100);
        assert_int_equal(url_decode(&out, (struct span){g.data, n}, cases[i].plus), 0);
        assert_string_equal(buf_str(&out), cases[i].plain);
        buf_free(&out);
        guarded_free(&g);
    }
}

static void everything_else_is_coded(void **state)
{
    struct buf out;

    UNUSED(state);
    buf_init(&out, 100);
    assert_int_equal(url_encode(&out, (struct span){"aZ0-._~ /:%\xc3\xa9\0", 14}, ":"),
                     0);
    assert_string_equal(buf_str(&out), "aZ0-._~%20%2F:%25%C3%A9%00");
    buf_free(&out);
    buf_init(&out, 4);
    assert_int_equal(url_encode(&out, span_of("a b"), ""), -1);
    assert_int_equal(out.len, 0);
    buf_free(&out);
}

static void queries_are_searched(void **state)
{
    static const struct {
        const char *query, *name, *value;
    } cases[] = {
        {"processname=cat&action=stop", "action", "stop"},
        {"processname=a%3Ab+c", "processname", "a:b c"},
        {"a=1&a=2", "a", "1"},
        {"x%61=1", "xa", "1"},
        {"a=", "a", ""},
        {"a=b=c", "a", "b=c"},
        {"a", "a", NULL},
        {"", "a", NULL},
        {"&&a=1", "a", "1"},
        {"aa=1", "a", NULL},
        {"A=1", "a", NULL},
        {"a=x%00y", "a", NULL}, /* no C string */
    };
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        char *value = query_get(span_of(cases[i].query), cases[i].name);
        assert_true(str_eq(value, cases[i].value));
        free(value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_taken_apart),
        cmocka_unit_test(bad_addresses_are_refused),
        cmocka_unit_test(coding_is_undone),
        cmocka_unit_test(everything_else_is_coded),
        cmocka_unit_test(queries_are_searched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
