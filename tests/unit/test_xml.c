/* The XML tokenizer. A document is shown as its tokens: <name >name "text"; E: an error.
 */
#include "core/wire/xml.h"

#include "tests/unit/guarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void show(const char *text, size_t max_text, struct buf *out, struct err *err)
{
    size_t n = strlen(text);
    struct guarded g = guarded_new(text, n);
    enum xml_token token;
    struct xml x;

    xml_init(&x, g.data, n, max_text);
    while ((token = xml_next(&x)) < XML_END) {
        if (token == XML_TEXT)
            assert_int_equal(buf_printf(out, "\"%s\"", buf_str(&x.text)), 0);
        else
            assert_int_equal(buf_printf(out, "%c%.*s", token == XML_OPEN ? '<' : '>',
                                        (int)x.name.len, x.name.ptr),
                             0);
    }
    assert_int_equal(x.err.code != ERR_NONE, token == XML_ERROR);
    assert_int_equal(xml_next(&x), token); /* the end stays the end */
    if (token == XML_ERROR)
        assert_int_equal(buf_puts(out, "E"), 0);
    *err = x.err;
    xml_free(&x);
    guarded_free(&g);
}

static void documents_become_tokens(void **state)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"<a/>", "<a>a"},
        {" <a></a> ", "<a>a"},
        {"<a>x</a>", "<a\"x\">a"},
        {"<a> </a>", "<a\" \">a"},
        {"<a><b/>x<c>y</c></a>", "<a<b>b\"x\"<c\"y\">c>a"},
        {"<a x='1' y = \"&lt;'\"\n><b z=\"\"/></a\n>", "<a<b>b>a"},
        {"<a:b.c-d_1>x</a:b.c-d_1>", "<a:b.c-d_1\"x\">a:b.c-d_1"},
        {"<\xc3\xa9/>", "<\xc3\xa9>\xc3\xa9"},
        {"<?xml version='1.0'?>\n<!-- c --><?pi?><a/><!-- d --><?pi?>", "<a>a"},
        {"<a>x<!-- c -->y<?pi?>z<![CDATA[<&]]]>w</a>", "<a\"xyz<&]w\">a"},
        {"<a><![CDATA[]]></a>", "<a>a"},
        {"<a>&lt;&gt;&amp;&quot;&apos;</a>", "<a\"<>&\"'\">a"},
        {"<a>&#65;&#x41;&#x1F600;&#0000065;</a>", "<a\"AA\xf0\x9f\x98\x80"
                                                  "A\">a"},
        {"<a>1\r\n2\r3\n&#13;</a>", "<a\"1\n2\n3\n\r\">a"},
        {"<a>]] ></a>", "<a\"]] >\">a"},
        {"\xef\xbb\xbf<a/>", "<a>a"},
        {"", "E"},
        {"  ", "E"},
        {"x", "E"},
        {"<a>", "<aE"},
        {"<a>x", "<aE"},
        {"<a", "E"},
        {"<a /", "E"},
        {"<a/ >", "E"},
        {"<a></b>", "<aE"},
        {"<a></ab>", "<aE"},
        {"<ab></a>", "<abE"},
        {"<a><b></a></b>", "<a<bE"},
        {"</a>", "E"},
        {"<a/><b/>", "<a>aE"},
        {"<a/>x", "<a>aE"},
        {"<a/>&#32;", "<a>aE"},
        {"<1/>", "E"},
        {"< a/>", "E"},
        {"<a b/>", "E"},
        {"<a b=c/>", "E"},
        {"<a b='1'c='2'/>", "E"},
        {"<a b='<'/>", "E"},
        {"<a b='&x;'/>", "E"},
        {"<a b='1/>", "E"},
        {"<a>&</a>", "<aE"},
        {"<a>&;</a>", "<aE"},
        {"<a>&nbsp;</a>", "<aE"},
        {"<a>&lt</a>", "<aE"},
        {"<a>&#;</a>", "<aE"},
        {"<a>&#x;</a>", "<aE"},
        {"<a>&#X41;</a>", "<aE"},
        {"<a>&#-65;</a>", "<aE"},
        {"<a>&#0;</a>", "<aE"},
        {"<a>&#27;</a>", "<aE"},
        {"<a>&#xD800;</a>", "<aE"},
        {"<a>&#xFFFE;</a>", "<aE"},
        {"<a>&#x110000;</a>", "<aE"},
        {"<a>&#99999999999999999999;</a>", "<aE"},
        {"<a>\x01</a>", "<aE"},
        {"<a>\xff</a>", "<aE"},
        {"<a>\xef\xbf\xbf</a>", "<aE"},
        {"<a>]]></a>", "<aE"},
        {"<a><![CDATA[x]]</a>", "<aE"},
        {"<a><![CDATA[\x01]]></a>", "<aE"},
        {"<a><!-- -- --></a>", "<aE"},
        {"<a><!-- ></a>", "<aE"},
        {"<a><?pi></a>", "<aE"},
        {"<a><?xml version='1.0'?></a>", "<aE"},
        {" <?xml version='1.0'?><a/>", "E"},
        {"<!DOCTYPE a><a/>", "E"},
        {"<!DOCTYPE a [<!ENTITY l 'lol'><!ENTITY m '&l;&l;'>]><a>&m;</a>", "E"},
        {"<!doctype a><a/>", "E"},
        {"<![CDATA[x]]><a/>", "E"},
    };
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        struct err err;
        struct buf out;
        buf_init(&out, 1000);
        show(cases[i].text, 1000, &out, &err);
        assert_string_equal(buf_str(&out), cases[i].shown);
        buf_free(&out);
    }
}

static void every_prefix_is_an_error(void **state)
{
    static const char whole[] =
        "<?xml version='1.0'?><a x='&lt;'>t&amp;<!-- c --><b/>\xc3\xa9"
        "<![CDATA[d]]></a>";
    UNUSED(state);
    for (size_t n = 0; n < sizeof whole; n++) {
        char cut[sizeof whole] = "";
        struct err err;
        struct buf out;
        memcpy(cut, whole, n);
        buf_init(&out, 1000);
        show(cut, 1000, &out, &err);
        assert_int_equal(buf_data(&out)[out.len - 1] == 'E', n < sizeof whole - 1);
        buf_free(&out);
    }
}

static void limits_are_kept(void **state)
{
    char deep[4 * XML_MAX_DEPTH + 8] = "";
    struct err err;
    struct buf out;

    UNUSED(state);
    buf_init(&out, 10000);
    show("<a>12345</a>", 5, &out, &err);
    assert_int_equal(err.code, ERR_NONE);
    show("<a>123456</a>", 5, &out, &err);
    assert_int_equal(err.code, ERR_LIMIT);
    show("<a>12345&#54;</a>", 5, &out, &err);
    assert_int_equal(err.code, ERR_LIMIT);
    for (int i = 0; i < XML_MAX_DEPTH; i++)
        strcat(deep, "<a>");
    show(deep, 5, &out, &err);
    assert_int_equal(err.code, ERR_SYNTAX); /* deep enough, only not closed */
    show(strcat(deep, "<a>"), 5, &out, &err);
    assert_int_equal(err.code, ERR_LIMIT);
    buf_free(&out);
}

static void text_outlives_its_close(void **state)
{
    static const char doc[] = "<a><b>x</b><c></c><d>y</d><e/></a>";
    static const char *const texts[] = {"x", "", "y", ""};
    struct xml x;

    UNUSED(state);
    xml_init(&x, doc, sizeof doc - 1, 100);
    assert_int_equal(xml_next(&x), XML_OPEN);
    for (size_t i = 0; i < array_len(texts); i++) {
        assert_int_equal(xml_next(&x), XML_OPEN);
        if (texts[i][0])
            assert_int_equal(xml_next(&x), XML_TEXT);
        assert_int_equal(xml_next(&x), XML_CLOSE);
        assert_string_equal(buf_str(&x.text), texts[i]);
    }
    xml_free(&x);
}

static void plain_runs_end_where_they_must(void **state)
{
    char text[40];

    UNUSED(state);
    for (size_t n = 0; n <= 32; n++)
        for (size_t at = 0; at <= n; at++)
            for (int c = 0; c < 256; c++) {
                bool special = c >= 0x80 || c == '&' || c == '<' || c == '>' ||
                               (c < 0x20 && c != '\n' && c != '\t');
                memset(text, '=', sizeof text); /* next to > in the alphabet */
                text[at] = (char)c;
                assert_int_equal(xml_plain_run(text, n), special && at < n ? at : n);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_become_tokens),
        cmocka_unit_test(every_prefix_is_an_error),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(text_outlives_its_close),
        cmocka_unit_test(plain_runs_end_where_they_must),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
