/* Keys in, the line and its picture out; history; what TAB offers. */
#include "applets/supervisorctl/ctl_edit.h"

#include "applets/supervisorctl/ctl_complete.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct history two_lines(void)
{
    struct history h = {0};
    history_add(&h, "start cat");
    history_add(&h, "stop dog");
    return h;
}

static enum edit_event feed(struct edit *e, const char *keys)
{
    enum edit_event event = EDIT_MORE;
    for (; *keys; keys++)
        event = edit_feed(e, *keys);
    return event;
}

/* The history is "start cat", "stop dog". */
static const struct {
    const char *keys;
    enum edit_event last;
    const char *text;
    size_t cursor;
} cases[] = {
    {"abc", EDIT_MORE, "abc", 3},
    {"abc\r", EDIT_LINE, "abc", 3},
    {"\004", EDIT_EOF, "", 0},
    {"a\004", EDIT_MORE, "a", 1},
    {"ab\001\004", EDIT_MORE, "b", 0},
    {"ab\003", EDIT_CANCEL, "ab", 2},
    {"ab\t", EDIT_COMPLETE, "ab", 2},
    {"\014", EDIT_REDRAW, "", 0},
    {"\032", EDIT_SUSPEND, "", 0},
    {"abc\001x", EDIT_MORE, "xabc", 1},
    {"abc\001x\005y", EDIT_MORE, "xabcy", 5},
    {"abc\033[D\033[Dx", EDIT_MORE, "axbc", 2},
    {"abc\002\002\006x", EDIT_MORE, "abxc", 3},
    {"abc\177\010", EDIT_MORE, "a", 1},
    {"\177", EDIT_MORE, "", 0},
    {"ab\033[D\033[3~", EDIT_MORE, "a", 1},
    {"one two\027", EDIT_MORE, "one ", 4},
    {"one two  \027\027", EDIT_MORE, "", 0},
    {"one two\025", EDIT_MORE, "", 0},
    {"one two\025\031\031", EDIT_MORE, "one twoone two", 14},
    {"one two\001\033f\013", EDIT_MORE, "one", 3},
    {"one two\033bx", EDIT_MORE, "one xtwo", 5},
    {"one two\001\033d", EDIT_MORE, " two", 0},
    {"one two\001\033[1;5Cx", EDIT_MORE, "onex two", 4},
    {"ab\024", EDIT_MORE, "ba", 2},
    {"abc\001\006\024", EDIT_MORE, "bac", 2},
    {"a\024", EDIT_MORE, "a", 1},
    {"abc\033[Hx\033[Fy", EDIT_MORE, "xabcy", 5},
    {"abc\033[1~x\033[4~y", EDIT_MORE, "xabcy", 5},
    {"a\033[99;99Xb", EDIT_MORE, "ab", 2}, /* unknown: nothing happens */
    {"a\033[111111111111111111111111111111111b", EDIT_MORE, "a", 1}, /* endless */
    {"a\000b", EDIT_MORE, "a", 1},
    {"\033[A", EDIT_MORE, "stop dog", 8},
    {"\020\020\020", EDIT_MORE, "start cat", 9},
    {"new\033[A\033[B", EDIT_MORE, "new", 3},
    {"new\033OA\033OA\016x", EDIT_MORE, "stop dogx", 9},
    {"\016", EDIT_MORE, "", 0},
    {"\033<", EDIT_MORE, "start cat", 9},
    {"new\033<\033>", EDIT_MORE, "new", 3},
    {"\022cat", EDIT_MORE, "start cat", 9},
    {"\022st\022", EDIT_MORE, "start cat", 9},
    {"\022st\022\r", EDIT_LINE, "start cat", 9},
    {"\022dogx", EDIT_MORE, "stop dog", 8},
    {"new\022cat\007", EDIT_MORE, "new", 3},
    {"\022catx\177\177\177\177dog\005!", EDIT_MORE, "stop dog!", 9},
    {"\022cat\003", EDIT_CANCEL, "start cat", 9},
    /* characters of several bytes are one */
    {"a\xc3\xa4\xe2\x82\xac", EDIT_MORE, "a\xc3\xa4\xe2\x82\xac", 6},
    {"a\xc3\xa4\xe2\x82\xac\177", EDIT_MORE, "a\xc3\xa4", 3},
    {"\xc3\xa4z\033[D\033[D\004", EDIT_MORE, "z", 0},
    {"\xc3\xa4z\024", EDIT_MORE, "z\xc3\xa4", 3},
};

static void test_keys(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        struct history h = two_lines();
        struct edit e;
        edit_init(&e, &h);
        enum edit_event event = feed(&e, cases[i].keys);
        if (event != cases[i].last || e.cursor != cases[i].cursor ||
            strcmp(buf_str(&e.text), cases[i].text) != 0)
            fail_msg("case %zu: event %d, cursor %zu, text '%s'", i, (int)event, e.cursor,
                     buf_str(&e.text));
        edit_free(&e);
        history_free(&h);
    }
}

static void test_too_long(void **state)
{
    UNUSED(state);
    struct history h = {0};
    struct edit e;
    edit_init(&e, &h);
    for (size_t i = 0; i < EDIT_LINE_MAX + 10; i++)
        edit_feed(&e, 'x');
    assert_int_equal(e.text.len, EDIT_LINE_MAX);
    assert_int_equal(e.cursor, EDIT_LINE_MAX);
    feed(&e, "\025\031\031"); /* killed, put back once; twice does not fit */
    assert_int_equal(e.text.len, EDIT_LINE_MAX);
    edit_free(&e);
}

static void test_draw(void **state)
{
    UNUSED(state);
    static const struct {
        const char *keys, *prompt;
        size_t columns;
        const char *picture;
    } pictures[] = {
        {"", "> ", 80, "\r> \033[K\r\033[2C"},
        {"", "", 80, "\r\033[K\r"},
        {"ab\002", "> ", 80, "\r> ab\033[K\r\033[3C"},
        {"\xc3\xa4", "> ", 80, "\r> \xc3\xa4\033[K\r\033[3C"},
        /* 20 columns: 2 of prompt, 17 of text, one free */
        {"abcdefghijklmnopqrstuvwxyz", "> ", 20, "\r> jklmnopqrstuvwxyz\033[K\r\033[19C"},
        {"abcdefghijklmnopqrstuvwxyz\001", "> ", 20,
         "\r> abcdefghijklmnopq\033[K\r\033[2C"},
        {"\022ca", "> ", 80, "\r(reverse-i-search)'ca': start cat\033[K\r\033[33C"},
    };
    for (size_t i = 0; i < array_len(pictures); i++) {
        struct history h = two_lines();
        struct edit e;
        struct buf out;
        buf_init(&out, 4096);
        edit_init(&e, &h);
        feed(&e, pictures[i].keys);
        assert_int_equal(edit_draw(&e, pictures[i].prompt, pictures[i].columns, &out), 0);
        assert_string_equal(buf_str(&out), pictures[i].picture);
        buf_free(&out);
        edit_free(&e);
        history_free(&h);
    }
}

static void test_history(void **state)
{
    UNUSED(state);
    struct history h = {0};
    history_add(&h, "  ");
    history_add(&h, "a");
    history_add(&h, "a");
    assert_int_equal(h.lines.len, 1);
    for (int i = 0; i < HISTORY_MAX; i++) {
        char line[16];
        snprintf(line, sizeof line, "%d", i);
        history_add(&h, line);
    }
    assert_int_equal(h.lines.len, HISTORY_MAX);
    assert_string_equal(h.lines.items[0], "0");
    assert_string_equal(h.lines.items[HISTORY_MAX - 1], "999");
    assert_null(h.lines.items[HISTORY_MAX]);
    assert_int_equal(history_search(&h, HISTORY_MAX, "99"), 999);
    assert_int_equal(history_search(&h, 999, "99"), 998);
    assert_int_equal(history_search(&h, 5, "99"), -1);

    char dir[] = "/tmp/test-ctl-XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/history", dir);
    assert_int_equal(history_save(&h, path), 0);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    struct history again = {0};
    history_load(&again, path);
    assert_int_equal(again.lines.len, HISTORY_MAX);
    assert_string_equal(again.lines.items[HISTORY_MAX - 1], "999");
    history_free(&again);
    history_load(&again, dir); /* no file: no lines */
    assert_int_equal(again.lines.len, 0);
    assert_int_equal(history_save(&h, dir), -1);
    history_free(&h);
    unlink(path);
    rmdir(dir);
}

static struct rpc_value *processes(void)
{
    static const char *const names[][2] = {
        {"cat", "cat"}, {"g", "a"}, {"g", "b"}, {"gnu", "gnu"}};
    struct rpc_value *all = rpc_array();
    for (size_t i = 0; i < array_len(names); i++) {
        struct rpc_value *info = rpc_struct();
        rpc_set(info, "group", rpc_str(names[i][0]));
        rpc_set(info, "name", rpc_str(names[i][1]));
        rpc_push(all, info);
    }
    return all;
}

static void test_complete(void **state)
{
    UNUSED(state);
    static const struct {
        const char *line, *offers; /* with blanks between */
    } lines[] = {
        {"st", "start status stop"},
        {"  sto", "stop"},
        {"nosuch", ""},
        {"nosuch x", ""},
        {"version ", ""},
        {"help re", "reload remove reread restart"},
        {"start ", "cat g:* g:a g:b gnu"},
        {"start g", "g:* g:a g:b gnu"},
        {"start g:", "g:* g:a g:b"},
        {"start cat:", "cat:* cat:cat"},
        {"start cat g:a", "g:a"},
        {"tail -f c", "cat"},
        {"update ", "cat g gnu"},
        {"remove g", "g gnu"},
        {"signal SIGH", "SIGHUP"},
        {"signal QU", "QUIT"},
        {"signal HUP c", "cat"},
    };
    for (size_t i = 0; i < array_len(lines); i++) {
        struct ctl c;
        struct strv words = {0};
        struct buf joined;
        ctl_init(&c);
        buf_init(&joined, 4096);
        c.infos = processes();
        ctl_complete(&c, lines[i].line, &words);
        for (size_t k = 0; k < words.len; k++)
            assert_int_equal(
                buf_printf(&joined, "%s%s", k > 0 ? " " : "", words.items[k]), 0);
        assert_string_equal(buf_str(&joined), lines[i].offers);
        buf_free(&joined);
        strv_free(&words);
        ctl_clear(&c);
    }
}

static void test_common(void **state)
{
    UNUSED(state);
    static const struct {
        const char *a, *b;
        size_t common;
    } pairs[] = {
        {"start", "stop", 2}, {"start", "start", 5},
        {"start", NULL, 5},   {"a", "b", 0},
        {NULL, NULL, 0},      {"x\xc3\xa4", "x\xc3\xb6", 1}, /* not inside a character */
    };
    for (size_t i = 0; i < array_len(pairs); i++) {
        struct strv words = {0};
        if (pairs[i].a)
            strv_push(&words, pairs[i].a);
        if (pairs[i].b)
            strv_push(&words, pairs[i].b);
        assert_int_equal(ctl_complete_common(&words), pairs[i].common);
        strv_free(&words);
    }
    assert_int_equal(ctl_complete_word("start g:a"), 6);
    assert_int_equal(ctl_complete_word("start "), 6);
    assert_int_equal(ctl_complete_word(""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),     cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_draw),     cmocka_unit_test(test_history),
        cmocka_unit_test(test_complete), cmocka_unit_test(test_common),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
