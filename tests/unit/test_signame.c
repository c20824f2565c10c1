/* Signal names: shown as upstream shows them, taken as upstream's signal_number takes
 * them. */
#include "core/base/signame.h"

#include "core/base/util.h"

#include <signal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void names_are_shown_as_upstream_does(void **state)
{
    static const struct {
        int number;
        const char *name;
    } cases[] = {
        {SIGHUP, "SIGHUP"},   {SIGTERM, "SIGTERM"}, {SIGABRT, "SIGABRT"},
        {SIGCHLD, "SIGCHLD"}, {SIGIO, "SIGPOLL"},   {SIGPWR, "SIGPWR"},
        {34, "SIGRTMIN"},     {64, "SIGRTMAX"},     {35, "signal 35"},
        {0, "signal 0"},      {-1, "signal -1"},    {99, "signal 99"},
    };
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++)
        assert_string_equal(signame_from_number(cases[i].number), cases[i].name);
}

static void names_and_numbers_are_taken(void **state)
{
    static const struct {
        const char *text;
        int number;
    } cases[] = {
        {"TERM", SIGTERM},
        {"term", SIGTERM},
        {"SIGTERM", SIGTERM},
        {"sigTerm", SIGTERM},
        {" HUP ", SIGHUP},
        {"15", SIGTERM},
        {" 9 ", SIGKILL},
        {"IOT", SIGABRT},
        {"CLD", SIGCHLD},
        {"SIGCLD", SIGCHLD},
        {"POLL", SIGIO},
        {"IO", SIGIO},
        {"USR1", SIGUSR1},
        {"WINCH", SIGWINCH},
        {"STKFLT", 16},
        {"PWR", SIGPWR},
        {"SYS", SIGSYS},
        {"RTMIN", 34},
        {"SIGRTMAX", 64},
        {"64", 64},
        {"0", 0},
        {"", -1},
        {"SIG", -1},
        {"TERMX", -1},
        {"32", -1},
        {"35", -1},
        {"65", -1},
        {"-1", -1},
        {"RTMIN+1", -1},
        {"SIGSIGTERM", -1},
        {"EXIT", -1},
        {"4294967311", -1},
    };
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++)
        assert_int_equal(signame_parse(cases[i].text), cases[i].number);
}

static void every_signal_below_32_has_a_name(void **state)
{
    UNUSED(state);
    for (int sig = 1; sig < 32; sig++)
        assert_int_equal(signame_parse(signame_from_number(sig)), sig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_shown_as_upstream_does),
        cmocka_unit_test(names_and_numbers_are_taken),
        cmocka_unit_test(every_signal_below_32_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
