/* HTML: text that wants to be markup, templates, what people read. */
/* links: applets/supervisord/api/web_html.c core/base/utf8.c core/base/buf.c
 * core/base/str.c core/base/alloc.c */
#include "applets/supervisord/api/web_html.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void expect(struct buf *out, const char *text)
{
    assert_string_equal(buf_str(out), text);
    buf_truncate(out, 0);
}

static void text(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        size_t n;
        const char *out;
    } cases[] = {
        {"", 0, ""},
        {"plain", 5, "plain"},
        {"<b>&\"'", 6, "&lt;b&gt;&amp;&quot;&#39;"},
        {"a\0b", 3,
         "a\xef\xbf\xbd"
         "b"},
        {"\xc3\xa4<", 3, "\xc3\xa4&lt;"},
        {"\xff<\xc3", 3, "\xef\xbf\xbd&lt;\xef\xbf\xbd"},
        {"\xe2\x82", 2, "\xef\xbf\xbd"},
    };
    struct buf out;
    buf_init(&out, 1000);
    for (size_t i = 0; i < array_len(cases); i++) {
        assert_int_equal(html_text(&out, cases[i].in, cases[i].n), 0);
        expect(&out, cases[i].out);
    }
    assert_int_equal(html_str(&out, NULL), 0);
    expect(&out, "");
    buf_free(&out);
    buf_init(&out, 3);
    assert_int_equal(html_str(&out, "<"), -1);
    buf_free(&out);
}

static int put_word(struct buf *out, void *arg)
{
    return buf_puts(out, arg);
}

static int put_nothing(struct buf *out, void *arg)
{
    UNUSED(out);
    UNUSED(arg);
    return -1;
}

static void templates(void **state)
{
    (void)state;
    static const struct html_mark marks[] = {
        {"word", put_word}, {"fails", put_nothing}, {NULL, NULL}};
    static const struct {
        const char *in, *out; /* out NULL: fails */
    } cases[] = {
        {"", ""},
        {"none", "none"},
        {"{{word}}", "{{w}}"},
        {"a {{word}} b {{word}}{{word}}", "a {{w}} b {{w}}{{w}}"},
        {"{{other}} {{word", "{{other}} {{word"},
        {"}} { {{}}", "}} { {{}}"},
        {"a{{fails}}", NULL},
    };
    char word[] = "{{w}}"; /* what is filled in is not looked at again */
    struct buf out;
    buf_init(&out, 1000);
    for (size_t i = 0; i < array_len(cases); i++) {
        int rc = html_template(&out, span_of(cases[i].in), marks, word);
        assert_int_equal(rc, cases[i].out ? 0 : -1);
        if (cases[i].out)
            expect(&out, cases[i].out);
    }
    buf_free(&out);
}

static void numbers(void **state)
{
    (void)state;
    static const struct {
        int (*put)(struct buf *out, int64_t v);
        int64_t v;
        const char *out;
    } cases[] = {
        {html_bytes, 0, "0 KB"},
        {html_bytes, 1023 * 1024, "1023 KB"},
        {html_bytes, 1024 * 1024, "1.0 MB"},
        {html_bytes, 1600 * 1024, "1.5 MB"},
        {html_bytes, (int64_t)200 << 20, "200 MB"},
        {html_bytes, (int64_t)3 << 30, "3.0 GB"},
        {html_bytes, INT64_MAX / 16, "524287 TB"},
        {html_percent, 0, "0.0 %"},
        {html_percent, 1500, "1.5 %"},
        {html_percent, 99950, "100.0 %"},
        {html_duration, -5, "0 s"},
        {html_duration, 59, "59 s"},
        {html_duration, 61, "1 min 1 s"},
        {html_duration, 3600, "1 h 0 min"},
        {html_duration, 90061, "1 d 1 h"},
    };
    struct buf out;
    buf_init(&out, 100);
    for (size_t i = 0; i < array_len(cases); i++) {
        assert_int_equal(cases[i].put(&out, cases[i].v), 0);
        expect(&out, cases[i].out);
    }
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text),
        cmocka_unit_test(templates),
        cmocka_unit_test(numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
