/* The table engine: defaults, expansion, faults with their place, unknown names. */
#include "config/option.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct target {
    int number;
    char *text, *raw, *absent;
};

static const struct option rows[] = {
    {"number", value_int, offsetof(struct target, number), "7", 0},
    {"text", value_text, offsetof(struct target, text), "%(name)s", 0},
    {"raw", value_text, offsetof(struct target, raw), "%(name)s", OPT_RAW},
    {"absent", value_text, offsetof(struct target, absent), NULL, 0},
    {"elsewhere", NULL, 0, NULL, 0},
};

struct world {
    struct ini_doc doc;
    struct scope scope;
    struct strv warnings;
    struct option_source src;
};

static void world_begin(struct world *w, const char *text)
{
    *w = (struct world){0};
    ini_doc_init(&w->doc);
    assert_int_equal(ini_doc_add(&w->doc, "f", text, strlen(text), NULL), 0);
    scope_set_text(&w->scope, "name", "web");
    w->src = (struct option_source){&w->doc, w->doc.sections[0], &w->scope, pool_new(),
                                    &w->warnings};
}

static void world_end(struct world *w)
{
    pool_free(w->src.pool);
    strv_free(&w->warnings);
    scope_clear(&w->scope);
    ini_doc_free(&w->doc);
}

static void defaults_pass_the_same_way(void **state)
{
    struct world w;
    struct target t = {0};
    struct err err = {0};
    (void)state;
    world_begin(&w, "[s]\n");
    assert_int_equal(option_apply(&w.src, rows, array_len(rows), &t, &err), 0);
    assert_int_equal(t.number, 7);
    assert_string_equal(t.text, "web");
    assert_string_equal(t.raw, "%(name)s");
    assert_null(t.absent);
    world_end(&w);
}

static void values_and_inheritance(void **state)
{
    struct world w;
    struct target t = {0};
    struct err err = {0};
    (void)state;
    world_begin(&w, "[s]\nNUMBER = 9\nabsent=\n[DEFAULT]\ntext=a %(name)s\nnumber=1\n");
    assert_int_equal(option_apply(&w.src, rows, array_len(rows), &t, &err), 0);
    assert_int_equal(t.number, 9);
    assert_string_equal(t.text, "a web");
    assert_string_equal(t.absent, "");
    world_end(&w);
}

static void faults_name_their_place(void **state)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"[s]\n\nnumber=x\n",
         "invalid literal for int() with base 10: 'x' in section 's' "
         "(file: 'f', line 3, option 'number')"},
        {"[s]\n[DEFAULT]\nnumber=x\n",
         "invalid literal for int() with base 10: 'x' in "
         "section 's' (file: 'f', line 3, option 'number')"},
        {"[s]\ntext=%(no)s\n",
         "Format string '%(no)s' for 's.text' contains names ('no') "
         "which cannot be expanded. Available names: name in section "
         "'s' (file: 'f', line 2, option 'text')"},
    };
    (void)state;
    for (size_t i = 0; i < array_len(cases); i++) {
        struct world w;
        struct target t = {0};
        struct err err = {0};
        world_begin(&w, cases[i].text);
        assert_int_equal(option_apply(&w.src, rows, array_len(rows), &t, &err), -1);
        assert_string_equal(err.text, cases[i].error);
        world_end(&w);
    }
}

static void unknown_names_get_the_nearest(void **state)
{
    static const struct option_table tables[] = {{rows, array_len(rows)}};
    struct world w;
    (void)state;
    world_begin(&w, "[s]\nnumbr=1\nelsewhere=1\nxyzzyplugh=1\n");
    option_warn_unknown(&w.src, tables, 1);
    assert_int_equal(w.warnings.len, 2);
    assert_string_equal(w.warnings.items[0],
                        "f:2: unknown option 'numbr' in [s]; did you mean 'number'?");
    assert_string_equal(w.warnings.items[1], "f:4: unknown option 'xyzzyplugh' in [s]");
    world_end(&w);
}

static void a_nameless_percent_s_is_a_warning(void **state)
{
    struct world w;
    struct err err = {0};
    (void)state;
    world_begin(&w, "[s]\ntext=date +%s\n");
    char *text = option_text(&w.src, "text", NULL, false, &err);
    assert_string_equal(text, "date +%s");
    assert_int_equal(w.warnings.len, 1);
    assert_true(str_starts(w.warnings.items[0], "f:2: a percent sign without a name"));
    free(text);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_pass_the_same_way),
        cmocka_unit_test(values_and_inheritance),
        cmocka_unit_test(faults_name_their_place),
        cmocka_unit_test(unknown_names_get_the_nearest),
        cmocka_unit_test(a_nameless_percent_s_is_a_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
