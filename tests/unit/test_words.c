/* Splitting of words and pairs against recorded answers of Python. */
#include "core/base/words.h"

#include "tests/unit/words_cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static char *join(const struct strv *a, const struct strv *b)
{
    static char text[4096];
    char *to = text;

    for (size_t i = 0; i < a->len; i++) {
        to = stpcpy(stpcpy(to, a->items[i]), "|");
        if (b)
            to = stpcpy(stpcpy(to, b->items[i]), "|");
    }
    *to = '\0';
    return text;
}

static void check(const struct split_case *c, bool pairs)
{
    struct strv a = {0}, b = {0};
    struct err err = {0};
    int rc = pairs ? pairs_split(c->text, &a, &b, &err) : words_split(c->text, &a, &err);

    if (c->error) {
        assert_int_equal(rc, -1);
        assert_int_equal(err.code, ERR_SYNTAX);
        assert_memory_equal(err.text, c->error, strlen(c->error));
        assert_int_equal(a.len + b.len, 0);
    } else {
        assert_int_equal(rc, 0);
        assert_string_equal(join(&a, pairs ? &b : NULL), c->joined);
    }
    strv_free(&a);
    strv_free(&b);
}

static void words_are_those_of_shlex(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < array_len(word_cases); i++)
        check(&word_cases[i], false);
}

static void pairs_are_those_of_upstream(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < array_len(pair_cases); i++)
        check(&pair_cases[i], true);
}

static void results_are_appended(void **state)
{
    struct strv words = {0}, keys = {0}, values = {0};

    UNUSED(state);
    assert_int_equal(words_split("a b", &words, NULL), 0);
    assert_int_equal(words_split("c 'd", &words, NULL), -1);
    assert_int_equal(words_split("e", &words, NULL), 0);
    assert_string_equal(join(&words, NULL), "a|b|e|");
    assert_null(words.items[words.len]);
    /* a key known from before the call is not this call's */
    assert_int_equal(pairs_split("A=1", &keys, &values, NULL), 0);
    assert_int_equal(pairs_split("A=2,B", &keys, &values, NULL), -1);
    assert_int_equal(pairs_split("A=2,B=3", &keys, &values, NULL), 0);
    assert_string_equal(join(&keys, &values), "A|1|A|2|B|3|");
    strv_free(&words);
    strv_free(&keys);
    strv_free(&values);
}

static void the_error_names_the_value(void **state)
{
    struct strv keys = {0}, values = {0};
    struct err err;

    UNUSED(state);
    assert_int_equal(pairs_split("A=1,B", &keys, &values, &err), -1);
    assert_string_equal(err.text, "Unexpected end of key/value pairs in value 'A=1,B'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_those_of_shlex),
        cmocka_unit_test(pairs_are_those_of_upstream),
        cmocka_unit_test(results_are_appended),
        cmocka_unit_test(the_error_names_the_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
