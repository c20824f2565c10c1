/* The log's lines, levels and sinks; and the errors and clocks it rests on. */
#include "core/base/log.h"

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/err.h"

#include <errno.h>
#include <time.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct buf lines, texts;

static void collect(void *arg, enum log_level level, const char *line, size_t n,
                    const char *text)
{
    UNUSED(level);
    assert_ptr_equal(arg, &lines);
    assert_int_equal(buf_append(&lines, line, n), 0);
    assert_int_equal(buf_puts(&texts, text), 0);
    assert_int_equal(buf_putc(&texts, '\n'), 0);
    errno = EBADF; /* a sink may fail; its caller's errno stays */
}

static void complain(void *arg, enum log_level level, const char *line, size_t n,
                     const char *text)
{
    UNUSED(level);
    UNUSED(line);
    UNUSED(n);
    UNUSED(text);
    ++*(int *)arg;
    log_warn("the sink of %s complains", "test");
}

static int set_up(void **state)
{
    UNUSED(state);
    setenv("TZ", "UTC", 1);
    buf_init(&lines, BUF_NO_LIMIT);
    buf_init(&texts, BUF_NO_LIMIT);
    clock_freeze(0, 1795252623); /* 2026-11-21 09:17:03 */
    clock_advance(123);
    log_set_level(LOG_LEVEL_INFO);
    return 0;
}

static int tear_down(void **state)
{
    UNUSED(state);
    clock_thaw();
    buf_free(&lines);
    buf_free(&texts);
    return 0;
}

/* The first test: lines from before any sink wait for it. */
static void early_lines_reach_the_first_sink(void **state)
{
    int sink, second;

    UNUSED(state);
    log_info("supervisord started with pid %d", 7);
    log_debug("not wanted");
    log_warn("two");
    sink = log_add_sink(collect, &lines);
    assert_true(sink >= 0);
    assert_string_equal(buf_str(&lines),
                        "2026-11-21 09:17:03,123 INFO supervisord started with pid 7\n"
                        "2026-11-21 09:17:03,123 WARN two\n");
    assert_string_equal(buf_str(&texts), "supervisord started with pid 7\ntwo\n");
    buf_truncate(&lines, 0);
    log_remove_sink(sink);
    log_info("nobody listens");
    second = log_add_sink(collect, &lines);
    assert_string_equal(buf_str(&lines), "");
    log_remove_sink(second);
}

static void lines_have_upstreams_form(void **state)
{
    static const struct {
        enum log_level level;
        const char *name;
    } cases[] = {{LOG_LEVEL_CRIT, "CRIT"}, {LOG_LEVEL_ERRO, "ERRO"},
                 {LOG_LEVEL_WARN, "WARN"}, {LOG_LEVEL_INFO, "INFO"},
                 {LOG_LEVEL_DEBG, "DEBG"}, {LOG_LEVEL_TRAC, "TRAC"},
                 {LOG_LEVEL_BLAT, "BLAT"}};
    int sink = log_add_sink(collect, &lines);

    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        char want[64] = "2026-11-21 09:17:03,123 ";
        strcat(strcat(want, cases[i].name), " x\n");
        log_set_level(cases[i].level);
        assert_string_equal(log_level_name(cases[i].level), cases[i].name);
        assert_true(log_wants(cases[i].level));
        assert_false(log_wants((enum log_level)(cases[i].level - 1)));
        buf_truncate(&lines, 0);
        errno = ENOENT;
        log_at(cases[i].level, "x");
        log_at((enum log_level)(cases[i].level - 1), "too low");
        assert_int_equal(errno, ENOENT);
        assert_string_equal(buf_str(&lines), want);
    }
    clock_advance(877 + 3600000);
    log_crit("later");
    assert_non_null(strstr(buf_str(&lines), "2026-11-21 10:17:04,000 CRIT later\n"));
    log_remove_sink(sink);
}

static void foreign_text_cannot_forge_a_line(void **state)
{
    int sink = log_add_sink(collect, &lines);

    UNUSED(state);
    log_info("name '%s'", "a\n2026-11-21 INFO b\r\x1b[0m\t\x7f\xc3\xa9");
    assert_string_equal(buf_str(&lines),
                        "2026-11-21 09:17:03,123 INFO name "
                        "'a\\x0a2026-11-21 INFO b\\x0d\\x1b[0m\\x09\\x7f\xc3\xa9'\n");
    log_remove_sink(sink);
}

static void long_lines_are_whole(void **state)
{
    int sink = log_add_sink(collect, &lines);
    static char text[100001];

    UNUSED(state);
    for (size_t n = 2040; n < sizeof text; n = n < 2056 ? n + 1 : n * 3) {
        buf_truncate(&lines, 0);
        buf_truncate(&texts, 0);
        memset(text, '\n', n);
        text[n] = '\0';
        log_info("%s", text);
        assert_int_equal(lines.len, 29 + 4 * n + 1);
        assert_int_equal(texts.len, 4 * n + 1);
    }
    log_remove_sink(sink);
}

static void a_sink_may_log_once(void **state)
{
    int calls = 0, sink = log_add_sink(complain, &calls);

    UNUSED(state);
    log_info("x");
    assert_int_equal(calls, 2); /* the line and its own complaint, no more */
    log_remove_sink(sink);
}

static void sinks_are_counted(void **state)
{
    int handles[4];

    UNUSED(state);
    for (int i = 0; i < 4; i++)
        handles[i] = log_add_sink(collect, &lines);
    assert_int_equal(log_add_sink(collect, &lines), -1);
    log_info("x");
    assert_int_equal(texts.len, 8);
    for (int i = 0; i < 4; i++)
        log_remove_sink(handles[i]);
    log_remove_sink(-1);
    log_info("x");
    assert_int_equal(texts.len, 8);
}

static void level_names_are_taken(void **state)
{
    static const struct {
        const char *text;
        int level;
    } cases[] = {{"critical", 50}, {"CRIT", 50},  {"error", 40},   {"warn", 30},
                 {"Info", 20},     {"debug", 10}, {"trace", 5},    {"blather", 3},
                 {"blat", 3},      {"", -1},      {"warning", -1}, {"20", -1}};
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++)
        assert_int_equal(log_level_parse(cases[i].text), cases[i].level);
}

static void errors_gather_context(void **state)
{
    struct err err = {0};
    char longer[1500];

    UNUSED(state);
    assert_int_equal(err_set(&err, ERR_CONFIG, "bad %s", "word"), -1);
    assert_int_equal(err.code, ERR_CONFIG);
    assert_string_equal(err.text, "bad word");
    assert_int_equal(err_wrap(&err, "file:%d", 3), -1);
    assert_string_equal(err.text, "file:3: bad word");
    assert_int_equal(err.code, ERR_CONFIG);
    err_wrap(&err, "again %s", err.text); /* its own text as an argument */
    assert_string_equal(err.text, "again file:3: bad word: file:3: bad word");
    errno = ENOENT;
    assert_int_equal(err_sys(&err, "open %s", "x"), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(err.sys, ENOENT);
    assert_int_equal(err.code, ERR_SYS);
    assert_string_equal(err.text, "open x: No such file or directory");
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    err_set(&err, ERR_LIMIT, "%s", longer);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_string_equal(err.text + sizeof err.text - 5, "a...");
    err_set(&err, ERR_LIMIT, "%s", longer + 505);
    err_wrap(&err, "at");
    assert_int_equal(strlen(err.text), 998);
    err_wrap(&err, "at");
    assert_string_equal(err.text + sizeof err.text - 5, "a...");
    err_clear(&err);
    assert_int_equal(err.code, ERR_NONE);
    assert_string_equal(err.text, "");
    assert_int_equal(err_set(NULL, ERR_USAGE, "x"), -1);
    assert_int_equal(err_wrap(NULL, "x"), -1);
    assert_int_equal(err_sys(NULL, "x"), -1);
    err_clear(NULL);
}

static void errno_names_are_pythons(void **state)
{
    UNUSED(state);
    assert_string_equal(err_errno_name(ENOENT), "ENOENT");
    assert_string_equal(err_errno_name(EAGAIN), "EAGAIN");
    assert_string_equal(err_errno_name(EOPNOTSUPP), "ENOTSUP");
    assert_string_equal(err_errno_name(EDEADLK), "EDEADLOCK");
    assert_null(err_errno_name(0));
    assert_null(err_errno_name(-1));
}

static void frozen_clocks_move_when_told(void **state)
{
    struct timespec now;

    UNUSED(state);
    clock_freeze(1000, -1);
    assert_int_equal(mono_ms(), 1000);
    clock_advance(1500);
    assert_int_equal(mono_ms(), 2500);
    assert_int_equal(wall_secs(), 0);
    wall_now(&now);
    assert_int_equal(now.tv_nsec, 500000000);
    clock_advance(-1250);
    wall_now(&now);
    assert_int_equal(now.tv_sec, -1);
    assert_int_equal(now.tv_nsec, 250000000);
    clock_thaw();
    assert_true(wall_secs() > 1700000000);
    int64_t before = mono_ms();
    assert_true(mono_ms() >= before);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(early_lines_reach_the_first_sink),
        TEST(lines_have_upstreams_form),
        TEST(foreign_text_cannot_forge_a_line),
        TEST(long_lines_are_whole),
        TEST(a_sink_may_log_once),
        TEST(sinks_are_counted),
        TEST(level_names_are_taken),
        TEST(errors_gather_context),
        TEST(errno_names_are_pythons),
        TEST(frozen_clocks_move_when_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
