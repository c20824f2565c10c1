/* Expansion, row by row as Python does it. */
#include "config/expand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/expand_cases.h"

static char *variables[] = {"A=a b", "HOME=/root", NULL};

static void fill(struct scope *outer, struct scope *inner)
{
    *outer = (struct scope){.environ = variables};
    *inner = (struct scope){.outer = outer};
    scope_set_text(inner, "name", "web");
    scope_set_number(inner, "num", 3);
    scope_set_number(inner, "neg", -7);
    scope_set_text(inner, "text", "gr\303\274n");
    scope_set_text(inner, "pct", "a%(name)s%%");
    scope_set_text(inner, "q", "it's");
}

static void every_case_as_recorded(void **state)
{
    struct scope outer, inner;
    (void)state;
    fill(&outer, &inner);
    for (size_t i = 0; i < array_len(expand_cases); i++) {
        struct err err = {0};
        bool bare = true;
        char *got =
            expand(expand_cases[i].text, &inner, "program:x.command", &bare, &err);
        if (expand_cases[i].result) {
            assert_non_null(got);
            assert_string_equal(got, expand_cases[i].result);
            assert_false(bare);
        } else {
            assert_null(got);
            assert_int_equal(err.code, ERR_CONFIG);
            if (!strstr(err.text, expand_cases[i].message))
                assert_string_equal(err.text, expand_cases[i].message);
        }
        free(got);
    }
    scope_clear(&inner);
}

/* %e %f %g of whole numbers, by our own arithmetic: as the C library prints them. */
static void floats_as_the_library(void **state)
{
    static const long numbers[] = {0,     1,      5,       9,       10,        15,
                                   25,    95,     99,      100,     123,       950,
                                   995,   999,    1050,    12345,   -1,        -99995,
                                   99995, 999995, 1000000, 999999,  9999995,   1234567,
                                   2500,  350050, 450000,  -700007, 2147483647};
    static const char *const specs[] = {"",   ".0",  ".1",  ".2", ".3",  ".5",  ".6",
                                        ".7", ".12", "#.0", "#",  "012", "+.2", "-9.1"};
    (void)state;
    for (size_t n = 0; n < array_len(numbers); n++)
        for (size_t s = 0; s < array_len(specs); s++)
            for (const char *type = "eEfFgG"; *type; type++) {
                struct scope scope = {0};
                struct err err = {0};
                bool bare = true;
                char ask[32], fmt[32], want[100];
                scope_set_number(&scope, "n", numbers[n]);
                snprintf(ask, sizeof ask, "%%(n)%s%c", specs[s], *type);
                snprintf(fmt, sizeof fmt, "%%%s%c", specs[s], *type);
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wformat-nonliteral"
                snprintf(want, sizeof want, fmt, (double)numbers[n]);
#pragma clang diagnostic pop
                char *got = expand(ask, &scope, "x", &bare, &err);
                assert_non_null(got);
                assert_string_equal(got, want);
                free(got);
                scope_clear(&scope);
            }
}

static void messages_are_upstreams(void **state)
{
    struct scope outer, inner;
    struct err err = {0};
    (void)state;
    fill(&outer, &inner);
    assert_null(expand("a%(no)s", &inner, "program:x.command", NULL, &err));
    assert_string_equal(err.text,
                        "Format string 'a%(no)s' for 'program:x.command' contains names "
                        "('no') which cannot be expanded. Available names: ENV_A, "
                        "ENV_HOME, name, neg, num, pct, q, text");
    assert_null(expand("100%", &inner, "environment", NULL, &err));
    assert_string_equal(err.text, "Format string '100%' for 'environment' is badly "
                                  "formatted: incomplete format");
    scope_clear(&inner);
}

/* Upstream writes its whole table of names and values there. */
static void nameless_s_stands_for_itself(void **state)
{
    struct scope outer, inner;
    bool bare = false;
    (void)state;
    fill(&outer, &inner);
    char *got = expand("date +%s", &inner, "x", &bare, NULL);
    assert_string_equal(got, "date +%s");
    assert_true(bare);
    free(got);
    assert_null(expand("%s %s", &inner, "x", &bare, NULL));
    scope_clear(&inner);
}

static void inner_scopes_and_environments_win(void **state)
{
    char *keys[] = {"A", "B"}, *values[] = {"own", "%(name)s"};
    struct strv k = {keys, 2, 2}, v = {values, 2, 2};
    struct scope outer, inner;
    (void)state;
    fill(&outer, &inner);
    struct scope process = {.outer = &inner, .env_keys = &k, .env_values = &v};
    scope_set_text(&process, "name", "process");
    char *got =
        expand("%(name)s %(ENV_A)s %(ENV_B)s %(ENV_HOME)s", &process, "x", NULL, NULL);
    assert_string_equal(got, "process own %(name)s /root");
    free(got);
    scope_clear(&process);
    scope_clear(&inner);
}

static void large_environment_leaves_room_for_names(void **state)
{
    enum { COUNT = 300 };
    char text[COUNT][40], *list[COUNT + 1];
    struct err err = {0};
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        memset(text[i], 'A' + i % 26, 30);
        memcpy(text[i] + 30, "=x", 3);
        list[i] = text[i];
    }
    list[COUNT] = NULL;
    struct scope outer = {.environ = list}, inner = {.outer = &outer};
    scope_set_text(&inner, "here", "/");
    assert_null(expand("%(no)s", &inner, "x", NULL, &err));
    assert_true(str_ends(err.text, ", here"));
    assert_non_null(strstr(err.text, "Available names: ENV_..., "));
    scope_clear(&inner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_as_recorded),
        cmocka_unit_test(floats_as_the_library),
        cmocka_unit_test(messages_are_upstreams),
        cmocka_unit_test(nameless_s_stands_for_itself),
        cmocka_unit_test(inner_scopes_and_environments_win),
        cmocka_unit_test(large_environment_leaves_room_for_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
