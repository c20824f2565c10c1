/* The file format, case by case as the original's parser reads it. */
#include "config/ini_doc.h"

#include "core/base/pytext.h"
#include "core/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/ini_cases.h"

static void put_entry(struct buf *out, const char *before, const struct ini_entry *e)
{
    char *key = py_repr(span_of(e->key)), *value = py_repr(span_of(e->value));
    assert_int_equal(buf_printf(out, "%s%s=%s\n", before, key, value), 0);
    free(key);
    free(value);
}

static char *dump(const struct ini_doc *doc)
{
    struct buf out;
    buf_init(&out, BUF_NO_LIMIT);
    for (size_t i = 0; i < doc->count; i++) {
        const struct ini_section *s = doc->sections[i];
        char *name = py_repr(span_of(s->name));
        buf_printf(&out, "%s\n", name);
        free(name);
        for (size_t j = 0; j < doc->defaults.count; j++)
            if (ini_find(doc, s, doc->defaults.entries[j]->key) ==
                doc->defaults.entries[j])
                put_entry(&out, " D", doc->defaults.entries[j]);
        for (size_t j = 0; j < s->count; j++)
            put_entry(&out, " ", s->entries[j]);
    }
    return buf_detach(&out);
}

static void check(const char *text, size_t n, const char *expected)
{
    struct ini_doc doc;
    struct err err = {0};
    ini_doc_init(&doc);
    if (ini_doc_add(&doc, "f", text, n, &err) < 0) {
        assert_true(str_starts(expected, "ERR "));
        assert_string_equal(err.text, expected + 4);
    } else {
        char *got = dump(&doc);
        assert_string_equal(got, expected);
        free(got);
    }
    ini_doc_free(&doc);
}

static void every_case_as_recorded(void **state)
{
    (void)state;
    for (size_t i = 0; i < array_len(ini_cases); i++)
        check(ini_cases[i].text, strlen(ini_cases[i].text), ini_cases[i].expected);
}

static void byte_order_mark_is_skipped(void **state)
{
    (void)state;
    check("\xef\xbb\xbf[s]\nk=1", 10, "'s'\n 'k'='1'\n");
    check("[s]\nk=\xff\xfe", 8, "'s'\n 'k'='\\xff\\xfe'\n");
}

static void nul_is_refused_with_its_line(void **state)
{
    struct ini_doc doc;
    struct err err = {0};
    (void)state;
    ini_doc_init(&doc);
    assert_int_equal(ini_doc_add(&doc, "f", "[s]\nk=1\0x\n", 10, &err), -1);
    assert_string_equal(err.text, "NUL byte in configuration (file: 'f', line 2)");
    ini_doc_free(&doc);
}

static void large_values_and_many_lines(void **state)
{
    enum { LINES = 12000, LONG = 10 << 20 };
    struct ini_doc doc;
    struct buf text;
    (void)state;

    buf_init(&text, BUF_NO_LIMIT);
    buf_puts(&text, "[s]\nk=");
    for (int i = 0; i < LINES; i++)
        buf_puts(&text, "x\n ");
    buf_puts(&text, "\nl=");
    char *room;
    assert_int_equal(buf_reserve(&text, LONG, &room), 0);
    memset(room, 'y', LONG);
    buf_commit(&text, LONG);

    ini_doc_init(&doc);
    assert_int_equal(ini_doc_add(&doc, "f", buf_data(&text), text.len, NULL), 0);
    const struct ini_section *s = ini_section_find(&doc, "s");
    assert_int_equal(strlen(ini_find(&doc, s, "k")->value), 2 * LINES - 1);
    assert_int_equal(strlen(ini_find(&doc, s, "l")->value), LONG);
    assert_int_equal(ini_find(&doc, s, "l")->line, 2 + LINES + 1);
    ini_doc_free(&doc);
    buf_free(&text);
}

static void files_merge_and_lines_are_known(void **state)
{
    struct ini_doc doc;
    (void)state;
    ini_doc_init(&doc);
    const char *one = "[a]\nk=1\nl=2\n", *two = "\n\n[a]\nk=3\n[b]\nm = 4\n";
    assert_int_equal(ini_doc_add(&doc, "one", one, strlen(one), NULL), 0);
    assert_int_equal(ini_doc_add(&doc, "two", two, strlen(two), NULL), 0);
    assert_int_equal(doc.count, 2);
    const struct ini_entry *e = ini_find(&doc, ini_section_find(&doc, "a"), "k");
    assert_string_equal(e->value, "3");
    assert_string_equal(ini_file_name(&doc, e->file), "two");
    assert_int_equal(e->line, 4);
    e = ini_find(&doc, ini_section_find(&doc, "a"), "l");
    assert_string_equal(ini_file_name(&doc, e->file), "one");
    assert_int_equal(ini_section_find(&doc, "b")->line, 5);
    ini_doc_free(&doc);
}

/* As upstream's expand_here: each file's own directory, [DEFAULT] copied where it is
 * inherited; a percent sign in the directory survives the expansion that follows. */
static void here_is_each_files_directory(void **state)
{
    struct ini_doc doc;
    (void)state;
    ini_doc_init(&doc);
    const char *one = "[DEFAULT]\nd=%(here)s/d\n[a]\nk=%(here)s/k%(here)s\n";
    const char *two = "[b]\nk=%(here)s\n[a]\nl=%%(here)s\n";
    assert_int_equal(ini_doc_add(&doc, "one", one, strlen(one), NULL), 0);
    ini_doc_expand_here(&doc, "/1");
    assert_int_equal(ini_doc_add(&doc, "two", two, strlen(two), NULL), 0);
    ini_doc_expand_here(&doc, "/2%");
    const struct ini_section *a = ini_section_find(&doc, "a"),
                             *b = ini_section_find(&doc, "b");
    assert_string_equal(ini_find(&doc, a, "k")->value, "/1/k/1");
    assert_string_equal(ini_find(&doc, a, "d")->value, "/1/d");
    assert_string_equal(ini_find(&doc, a, "l")->value, "%/2%%");
    assert_string_equal(ini_find(&doc, b, "k")->value, "/2%%");
    assert_string_equal(ini_find(&doc, b, "d")->value, "/2%%/d");
    ini_doc_free(&doc);
}

static void missing_file_in_upstreams_words(void **state)
{
    struct ini_doc doc;
    struct err err = {0};
    (void)state;
    ini_doc_init(&doc);
    assert_int_equal(ini_doc_load(&doc, "/nonexistent/x.conf", &err), -1);
    assert_string_equal(err.text, "could not find config file /nonexistent/x.conf");
    assert_int_equal(ini_doc_load(&doc, "/", &err), -1);
    assert_true(str_starts(err.text, "could not read config file /"));
    ini_doc_free(&doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_as_recorded),
        cmocka_unit_test(byte_order_mark_is_skipped),
        cmocka_unit_test(nul_is_refused_with_its_line),
        cmocka_unit_test(large_values_and_many_lines),
        cmocka_unit_test(files_merge_and_lines_are_known),
        cmocka_unit_test(here_is_each_files_directory),
        cmocka_unit_test(missing_file_in_upstreams_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
