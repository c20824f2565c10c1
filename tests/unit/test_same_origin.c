/* Who may change something: programs always, pages only if they are ours. */
#include "applets/supervisord/api/same_origin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static bool ours(void *arg, struct span name)
{
    return span_eq_nocase(name, arg);
}

static struct span opt(const char *text)
{
    return text ? span_of(text) : (struct span){0};
}

enum { BROWSER = 1, UNIX = 2, PASSWORD = 4, SECRET = 8 };

static const struct {
    const char *host, *origin, *site, *referer;
    int flags;
    enum origin_verdict verdict;
} cases[] = {
    /* programs */
    {"box:9001", NULL, NULL, NULL, 0, ORIGIN_OK},
    {"evil.example", NULL, NULL, NULL, 0, ORIGIN_OK},
    {NULL, NULL, NULL, NULL, 0, ORIGIN_OK},
    /* our own page */
    {"127.0.0.1:9001", "http://127.0.0.1:9001", "same-origin", NULL, BROWSER, ORIGIN_OK},
    {"127.0.0.1:9001", "http://127.0.0.1:9001", NULL, NULL, BROWSER, ORIGIN_OK},
    {"[::1]:9001", "http://[::1]:9001", NULL, NULL, BROWSER, ORIGIN_OK},
    {"LocalHost:9001", "http://localhost:9001", NULL, NULL, BROWSER, ORIGIN_OK},
    {"box:9001", "http://box:9001", NULL, NULL, BROWSER, ORIGIN_OK},
    {"box:9001", NULL, NULL, "http://box:9001/index.html?q=1", BROWSER, ORIGIN_OK},
    /* typed into the address bar */
    {"localhost:9001", NULL, "none", NULL, BROWSER, ORIGIN_OK},
    {"10.0.0.7:9001", NULL, NULL, NULL, BROWSER, ORIGIN_UNKNOWN},
    /* another site's page */
    {"localhost:9001", "http://evil.example", "cross-site", NULL, BROWSER,
     ORIGIN_FOREIGN_SITE},
    {"localhost:9001", NULL, "cross-site", NULL, 0, ORIGIN_FOREIGN_SITE},
    {"localhost:9001", NULL, "same-site", NULL, BROWSER, ORIGIN_FOREIGN_SITE},
    {"localhost:9001", "http://localhost:9001", "cross-site", NULL, BROWSER | SECRET,
     ORIGIN_FOREIGN_SITE},
    {"localhost:9001", "http://evil.example", NULL, NULL, BROWSER, ORIGIN_FOREIGN_SITE},
    {"localhost:9001", "http://localhost:9002", NULL, NULL, 0, ORIGIN_FOREIGN_SITE},
    {"localhost:9001", "null", NULL, NULL, 0, ORIGIN_FOREIGN_SITE},
    {"localhost:9001", "", NULL, NULL, 0, ORIGIN_FOREIGN_SITE},
    {"localhost:9001", "http://localhost:9001.evil.example", NULL, NULL, BROWSER,
     ORIGIN_FOREIGN_SITE},
    {"localhost:9001", NULL, NULL, "http://evil.example/?http://localhost:9001/", BROWSER,
     ORIGIN_FOREIGN_SITE},
    {"localhost:9001", NULL, NULL, NULL, BROWSER, ORIGIN_UNKNOWN},
    {"localhost:9001", "http://evil.example", NULL, NULL, PASSWORD, ORIGIN_FOREIGN_SITE},
    {"localhost", "http://evil.example", "cross-site", NULL, UNIX, ORIGIN_FOREIGN_SITE},
    /* a foreign name that points here */
    {"evil.example:9001", "http://evil.example:9001", NULL, NULL, BROWSER,
     ORIGIN_FOREIGN_HOST},
    {"evil.example:9001", "http://evil.example:9001", "same-origin", NULL,
     BROWSER | SECRET, ORIGIN_FOREIGN_HOST},
    {"evil.example:9001", NULL, NULL, NULL, BROWSER, ORIGIN_FOREIGN_HOST},
    {"box.evil.example:9001", NULL, "same-origin", NULL, BROWSER, ORIGIN_FOREIGN_HOST},
    {"127.0.0.1.evil.example", NULL, "same-origin", NULL, BROWSER, ORIGIN_FOREIGN_HOST},
    {"xlocalhost", NULL, "same-origin", NULL, BROWSER, ORIGIN_FOREIGN_HOST},
    {"", NULL, "same-origin", NULL, BROWSER, ORIGIN_FOREIGN_HOST},
    {"a.localhost:1", NULL, "same-origin", NULL, BROWSER, ORIGIN_OK},
    {"sup.example:9001", "http://sup.example:9001", NULL, NULL, BROWSER | PASSWORD,
     ORIGIN_OK},
    /* behind a proxy that puts its own name into Host */
    {"localhost", "https://sup.example", "same-origin", NULL, BROWSER | UNIX, ORIGIN_OK},
    {"localhost", "http://sup.example", NULL, NULL, BROWSER | UNIX | SECRET, ORIGIN_OK},
    {"localhost", "http://sup.example", NULL, NULL, BROWSER | UNIX, ORIGIN_FOREIGN_SITE},
};

static void verdicts(void **state)
{
    (void)state;
    char box[] = "box";
    for (size_t i = 0; i < array_len(cases); i++) {
        struct origin_facts f = {.host = opt(cases[i].host),
                                 .origin = opt(cases[i].origin),
                                 .site = opt(cases[i].site),
                                 .referer = opt(cases[i].referer),
                                 .is_browser = (cases[i].flags & BROWSER) != 0,
                                 .is_unix = (cases[i].flags & UNIX) != 0,
                                 .protected = (cases[i].flags & PASSWORD) != 0,
                                 .has_secret = (cases[i].flags & SECRET) != 0};
        enum origin_verdict v = origin_judge(&f, ours, box);
        if (v != cases[i].verdict)
            print_error("case %zu (host %s, origin %s)\n", i,
                        cases[i].host ? cases[i].host : "-",
                        cases[i].origin ? cases[i].origin : "-");
        assert_int_equal(v, cases[i].verdict);
        assert_true((origin_reason(v) == NULL) == (v == ORIGIN_OK));
    }
}

static void fields_of_a_request(void **state)
{
    (void)state;
    static const char head[] = "POST /RPC2 HTTP/1.1\r\nhost: a\r\nOrigin: b\r\n"
                               "sec-fetch-site: c\r\nReferer: d\r\n\r\n";
    static const char browser[] = "GET / HTTP/1.1\r\nAccept-Language: en\r\n\r\n";
    struct http_head_limits limits = {1000, 1000};
    struct http_head h;
    struct http_request rq = {.head = &h, .is_unix = true, .is_protected = true};
    struct origin_facts f;
    assert_true(http_parse_request(&h, head, sizeof head - 1, &limits) > 0);
    origin_read(&rq, &f);
    assert_true(span_eq(f.host, "a") && span_eq(f.origin, "b") && span_eq(f.site, "c") &&
                span_eq(f.referer, "d"));
    assert_true(f.is_unix && f.protected && !f.is_browser && !f.has_secret);
    assert_true(http_parse_request(&h, browser, sizeof browser - 1, &limits) > 0);
    origin_read(&rq, &f);
    assert_true(f.is_browser && !f.host.ptr && !f.origin.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),
        cmocka_unit_test(fields_of_a_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
