/* The table of a process's life: the whole grid against a golden file, and the
 * judgements. */
#include "core/rules/proc_fsm.h"

#include "core/base/buf.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define GOLDEN "tests/golden/proc_fsm.txt"

static const enum proc_state states[] = {PROC_STOPPED, PROC_STARTING, PROC_RUNNING,
                                         PROC_BACKOFF, PROC_STOPPING, PROC_EXITED,
                                         PROC_FATAL,   PROC_UNKNOWN};

static void print_grid(struct buf *out)
{
    for (size_t s = 0; s < array_len(states); s++) {
        for (int in = 0; in < PROC_INPUT_COUNT; in++) {
            struct proc_step step = proc_fsm_step(states[s], (enum proc_input)in);
            buf_printf(out, "%-8s %-13s ", proc_state_name(states[s]),
                       proc_input_name((enum proc_input)in));
            if (step.taken)
                buf_printf(out, "%-8s %s, deadline %s\n", proc_state_name(step.to),
                           proc_action_name(step.action),
                           proc_deadline_name(step.deadline));
            else
                buf_puts(out, "-\n");
        }
    }
}

static void the_grid_is_the_golden_one(void **state)
{
    UNUSED(state);
    struct buf grid;
    buf_init(&grid, BUF_NO_LIMIT);
    print_grid(&grid);
    char golden[16384] = "";
    FILE *f = fopen(GOLDEN, "r");
    assert_non_null(f);
    size_t n = fread(golden, 1, sizeof golden - 1, f);
    fclose(f);
    golden[n] = '\0';
    if (strcmp(golden, buf_str(&grid)) != 0)
        printf("%s", buf_str(&grid));
    assert_string_equal(golden, buf_str(&grid));
    buf_free(&grid);
}

static void an_input_not_taken_changes_nothing(void **state)
{
    UNUSED(state);
    for (size_t s = 0; s < array_len(states); s++)
        for (int in = 0; in < PROC_INPUT_COUNT; in++) {
            struct proc_step step = proc_fsm_step(states[s], (enum proc_input)in);
            if (step.taken)
                continue;
            assert_int_equal(step.to, states[s]);
            assert_int_equal(step.action, ACT_NONE);
            assert_int_equal(step.deadline, DEADLINE_KEEP);
        }
}

static void exits_are_judged(void **state)
{
    UNUSED(state);
    static const int codes[] = {0, 2};
    assert_true(proc_exit_is_early(999, 1));
    assert_false(proc_exit_is_early(1000, 1));
    assert_false(proc_exit_is_early(0, 0));
    assert_true(proc_exit_is_expected(0, codes, 2));
    assert_true(proc_exit_is_expected(2, codes, 2));
    assert_false(proc_exit_is_expected(1, codes, 2));
    assert_false(proc_exit_is_expected(-1, codes, 2));
    assert_false(proc_exit_is_expected(0, codes, 0));
}

static void a_short_life_delays_the_next(void **state)
{
    UNUSED(state);
    assert_int_equal(proc_restart_due_ms(5000, 5100), 6000);
    assert_int_equal(proc_restart_due_ms(5000, 6000), 6000);
    assert_int_equal(proc_restart_due_ms(5000, 9000), 9000);
}

static void exits_have_words(void **state)
{
    UNUSED(state);
    static const struct {
        int wait_status, exit_status;
        const char *text;
    } cases[] = {
        {0, 0, "exit status 0"},
        {3 << 8, 3, "exit status 3"},
        {255 << 8, 255, "exit status 255"},
        {SIGKILL, -1, "terminated by SIGKILL"},
        {SIGSEGV | 0x80, -1, "terminated by SIGSEGV (core dumped)"},
        {0x137f, -1, "unknown termination cause 0x137f"},
    };
    for (size_t i = 0; i < array_len(cases); i++) {
        char text[80];
        int exit_status;
        proc_exit_text(cases[i].wait_status, text, &exit_status);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(exit_status, cases[i].exit_status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_grid_is_the_golden_one),
        cmocka_unit_test(an_input_not_taken_changes_nothing),
        cmocka_unit_test(exits_are_judged),
        cmocka_unit_test(a_short_life_delays_the_next),
        cmocka_unit_test(exits_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
