/* Capture mode and escape stripping: every case whole, and cut at every place. */
#include "core/base/buf.h"
#include "core/rules/ansi.h"
#include "core/rules/capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define BEGIN "<!--XSUPERVISOR:BEGIN-->"
#define END   "<!--XSUPERVISOR:END-->"

struct seen {
    struct buf plain, captured;
    int ends, segments;
};

static void note(void *arg, enum capture_kind kind, const char *data, size_t n)
{
    struct seen *seen = arg;
    seen->segments++;
    if (kind == CAPTURE_END)
        seen->ends++;
    else
        buf_append(kind == CAPTURE_PLAIN ? &seen->plain : &seen->captured, data, n);
}

static const struct {
    const char *in, *plain, *captured;
    int ends;
} cases[] = {
    {"", "", "", 0},
    {"hi\n", "hi\n", "", 0},
    {"a" BEGIN "b" END "c", "ac", "b", 1},
    {BEGIN END, "", "", 1},
    {BEGIN "x", "", "x", 0},
    {END "x", END "x", "", 0},
    {BEGIN BEGIN "x" END, "", BEGIN "x", 1},
    {"<!--XSUPERVISOR:BEG", "<!--XSUPERVISOR:BEG", "", 0},
    {"<<" BEGIN "<" END "<", "<<<", "<", 1},
    {"<!--X<!--XSUPERVISOR:BEGIN-->y", "<!--X", "y", 0},
    {"<!--XSUPERVISOR:END->" BEGIN "1" END BEGIN "2" END, "<!--XSUPERVISOR:END->", "12",
     2},
    {"x < y and z < w, " BEGIN "a < b and c < d, e < f" END
     "g < h <!--XSUPERVISOR:BEGIN--",
     "x < y and z < w, g < h <!--XSUPERVISOR:BEGIN--", "a < b and c < d, e < f", 1},
};

static void feed_in_pieces(const char *in, size_t cut, struct seen *seen)
{
    struct capture c = {0};
    size_t n = strlen(in);
    *seen = (struct seen){0};
    buf_init(&seen->plain, 1000);
    buf_init(&seen->captured, 1000);
    if (cut == 0) { /* byte by byte */
        for (size_t i = 0; i < n; i++)
            capture_feed(&c, in + i, 1, note, seen);
    } else {
        capture_feed(&c, in, cut, note, seen);
        capture_feed(&c, in + cut, n - cut, note, seen);
    }
    capture_flush(&c, note, seen);
}

static void tokens_are_found_however_cut(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        for (size_t cut = 0; cut <= strlen(cases[i].in); cut++) {
            struct seen seen;
            feed_in_pieces(cases[i].in, cut, &seen);
            assert_string_equal(buf_str(&seen.plain), cases[i].plain);
            assert_string_equal(buf_str(&seen.captured), cases[i].captured);
            assert_int_equal(seen.ends, cases[i].ends);
            buf_free(&seen.plain);
            buf_free(&seen.captured);
        }
    }
}

static void what_only_looks_like_a_token_cuts_nothing(void **state)
{
    UNUSED(state);
    static const struct {
        const char *in;
        int segments; /* an END is one of its own */
    } lines[] = {
        {"<a><b><!--c--></b>\n", 1},
        {"<a>" BEGIN "<b>" END "<c>", 4},
        {"<!--XSUPERVISOR:END-->", 1},
    };
    for (size_t i = 0; i < array_len(lines); i++) {
        struct seen seen;
        feed_in_pieces(lines[i].in, strlen(lines[i].in), &seen);
        assert_int_equal(seen.segments, lines[i].segments);
        buf_free(&seen.plain);
        buf_free(&seen.captured);
    }
}

static void escapes_are_stripped_however_cut(void **state)
{
    UNUSED(state);
    static const struct {
        const char *in, *out;
    } lines[] = {
        {"plain\n", "plain\n"},
        {"\033[31mred\033[0m.", "red."},
        {"a\033b", "a\033b"},
        {"\033\033[1mx", "\033x"},
        {"\033[12;34Hend", "end"},
        {"\033[1;2;3", ""},
        {"\033[@`\177\200\377Zz[m.\033[A:\033[u;", ".:;"},
    };
    for (size_t i = 0; i < array_len(lines); i++) {
        size_t n = strlen(lines[i].in);
        for (size_t cut = 0; cut <= n; cut++) {
            struct ansi a = {0};
            char out[64];
            assert_int_equal(ansi_is_text(&a, lines[i].in, n),
                             strchr(lines[i].in, '\033') == NULL);
            size_t len = ansi_strip(&a, lines[i].in, cut, out);
            assert_true(a.phase == 0 || !ansi_is_text(&a, "", 0));
            len += ansi_strip(&a, lines[i].in + cut, n - cut, out + len);
            out[len] = '\0';
            assert_string_equal(out, lines[i].out);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_found_however_cut),
        cmocka_unit_test(what_only_looks_like_a_token_cuts_nothing),
        cmocka_unit_test(escapes_are_stripped_however_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
