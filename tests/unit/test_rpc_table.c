/* The table of methods itself: order, help, signatures, and that nothing else answers. */
/* links: tests/unit/api_world.c tests/unit/fake_exchange.c tests/unit/fake_spawn.c all */
#include "applets/supervisord/api/rpc_table.h"
#include "tests/unit/api_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int begin(void **state)
{
    (void)state;
    api_world_begin();
    return 0;
}

static int finish(void **state)
{
    (void)state;
    api_world_end();
    return 0;
}

static void rows_are_sorted_and_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < rpc_method_count; i++) {
        if (i > 0)
            assert_true(strcmp(rpc_methods[i - 1].name, rpc_methods[i].name) < 0);
        assert_ptr_equal(rpc_method_find(rpc_methods[i].name), &rpc_methods[i]);
        assert_non_null(rpc_methods[i].fn);
    }
    assert_null(rpc_method_find(""));
    assert_null(rpc_method_find("supervisor"));
}

static size_t count_lines(const char *text, const char *start)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, start)) != NULL; p++)
        n += p == text || p[-1] == '\n';
    return n;
}

/* Every parameter is explained, and there is one result. */
static void help_fits_the_parameters(void **state)
{
    (void)state;
    for (size_t i = 0; i < rpc_method_count; i++) {
        const struct rpc_method *m = &rpc_methods[i];
        size_t params = strlen(m->params) - (strchr(m->params, '|') ? 1 : 0);
        assert_true(strstr(m->help, ".\n\n@") != NULL);
        assert_int_equal(count_lines(m->help, "@param "), params);
        assert_int_equal(count_lines(m->help, "@return "), 1);
        for (const char *p = m->params; *p; p++)
            assert_non_null(strchr("scibvga|", *p));
    }
}

static const struct {
    const char *method, *signature;
} signatures[] = {
    {"supervisor.getState", "['struct']"},
    {"supervisor.getPID", "['int']"},
    {"supervisor.startProcess", "['boolean', 'string', 'boolean']"},
    {"supervisor.startAllProcesses", "['array', 'boolean']"},
    {"supervisor.signalProcess", "['boolean', 'string', 'string']"},
    {"supervisor.readProcessLog", "['string', 'string', 'int', 'int']"},
    {"supervisor.tailProcessStderrLog", "['array', 'string', 'int', 'int']"},
    {"supervisor.reloadConfig", "['array']"},
    {"system.multicall", "['array', 'array']"},
    {"system.nothing", "fault 4 SIGNATURE_UNSUPPORTED"},
};

static void check(const char *method, const char *params, const char *expected)
{
    struct http_exchange *x = api_call(method, params);
    char *answer = api_answer(x);
    assert_string_equal(answer, expected);
    free(answer);
    fake_exchange_free(x);
}

static void signatures_come_from_the_help(void **state)
{
    (void)state;
    for (size_t i = 0; i < array_len(signatures); i++) {
        char param[200];
        snprintf(param, sizeof param, P_STR("%s"), signatures[i].method);
        check("system.methodSignature", param, signatures[i].signature);
    }
    check("system.methodHelp", P_STR("supervisor.getAPIVersion"),
          "'Tells the version of this interface.\n\n"
          "@return string version  such as 3.0\n'");
    check("system.methodHelp", P_STR("supervisor"), "fault 4 SIGNATURE_UNSUPPORTED");
}

static void all_are_listed(void **state)
{
    (void)state;
    struct http_exchange *x = api_call("system.listMethods", "");
    char *answer = api_answer(x);
    for (size_t i = 0; i < rpc_method_count; i++)
        assert_non_null(strstr(answer, rpc_methods[i].name));
    free(answer);
    fake_exchange_free(x);
}

/* Names once walked as attributes (CVE-2017-11610), and wrong numbers and types. */
static void nothing_else_answers(void **state)
{
    (void)state;
    static const char *const names[] = {
        "supervisor",
        "supervisor.",
        ".getState",
        "getState",
        "supervisor._update",
        "supervisor.getState.",
        "supervisor.supervisord.options.warnings.linecache.os.system",
        "system.namespaces",
        "Supervisor.getState",
        "supervisor.getState ",
    };
    for (size_t i = 0; i < array_len(names); i++)
        check(names[i], "", "fault 1 UNKNOWN_METHOD");
    check("supervisor.getState", P_INT("1"), "fault 2 INCORRECT_PARAMETERS");
    check("supervisor.getProcessInfo", "", "fault 2 INCORRECT_PARAMETERS");
    check("supervisor.getProcessInfo", P_INT("1"), "fault 2 INCORRECT_PARAMETERS");
    check("supervisor.readLog", P_STR("x") P_INT("1"), "fault 2 INCORRECT_PARAMETERS");
    check("supervisor.readLog", P_STR("0") P_INT("1"), "fault 20 NO_FILE");
    check("system.multicall", P_STR("x"), "fault 2 INCORRECT_PARAMETERS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_sorted_and_found),
        cmocka_unit_test(help_fits_the_parameters),
        cmocka_unit_test_setup_teardown(signatures_come_from_the_help, begin, finish),
        cmocka_unit_test_setup_teardown(all_are_listed, begin, finish),
        cmocka_unit_test_setup_teardown(nothing_else_answers, begin, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
