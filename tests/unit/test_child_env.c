/* What a child finds in its environment. */
#include "applets/supervisord/child_env.h"

#include "core/base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static char *inherited[] = {"HOME=/root", "PATH=/sbin:/bin", "A=old", "AB=other", NULL};

static const char *value_of(const struct child_env *env, const char *name)
{
    size_t n = strlen(name);
    const char *found = NULL;
    for (char **e = env->envp; *e; e++) {
        if (strncmp(*e, name, n) != 0 || (*e)[n] != '=')
            continue;
        assert_null(found); /* once only */
        found = *e + n + 1;
    }
    return found;
}

static struct program_conf program_with(const char *key, const char *value)
{
    struct program_conf p = {.name = "cat_00"};
    if (key) {
        strv_push(&p.environment.keys, key);
        strv_push(&p.environment.values, value);
    }
    return p;
}

static void free_program(struct program_conf *p)
{
    strv_free(&p->environment.keys);
    strv_free(&p->environment.values);
}

static void variables_are_told(void **state)
{
    UNUSED(state);
    struct program_conf p = program_with("A", "x y=z");
    struct child_env env;
    child_env_build(&env, &(struct child_env_in){inherited, &p, "cat", "unix:///s"});
    assert_string_equal(value_of(&env, "HOME"), "/root");
    assert_string_equal(value_of(&env, "A"), "x y=z");
    assert_string_equal(value_of(&env, "AB"), "other");
    assert_string_equal(value_of(&env, "SUPERVISOR_ENABLED"), "1");
    assert_string_equal(value_of(&env, "SUPERVISOR_PROCESS_NAME"), "cat_00");
    assert_string_equal(value_of(&env, "SUPERVISOR_GROUP_NAME"), "cat");
    assert_string_equal(value_of(&env, "SUPERVISOR_SERVER_URL"), "unix:///s");
    child_env_free(&env);
    free_program(&p);
}

static void the_programs_word_is_the_last(void **state)
{
    UNUSED(state);
    struct program_conf p = program_with("SUPERVISOR_GROUP_NAME", "mine");
    struct child_env env;
    child_env_build(&env, &(struct child_env_in){inherited, &p, "cat", NULL});
    assert_string_equal(value_of(&env, "SUPERVISOR_GROUP_NAME"), "mine");
    assert_null(value_of(&env, "SUPERVISOR_SERVER_URL"));
    child_env_free(&env);
    p.serverurl = "http://x";
    child_env_build(&env, &(struct child_env_in){inherited, &p, "cat", "unix:///s"});
    assert_string_equal(value_of(&env, "SUPERVISOR_SERVER_URL"), "http://x");
    child_env_free(&env);
    free_program(&p);
}

static void nothing_inherited_is_fine(void **state)
{
    UNUSED(state);
    struct program_conf p = program_with(NULL, NULL);
    struct child_env env;
    char *nothing[] = {NULL};
    child_env_build(&env, &(struct child_env_in){nothing, &p, "cat", NULL});
    assert_int_equal(env.len, 3);
    child_env_free(&env);
    child_env_build(&env, &(struct child_env_in){NULL, &p, "cat", NULL});
    assert_int_equal(env.len, 3);
    child_env_free(&env);
}

static void commands_are_looked_up_along_the_nearest_path(void **state)
{
    UNUSED(state);
    struct program_conf own = program_with("PATH", "/opt/bin"),
                        none = program_with(NULL, NULL);
    assert_string_equal(child_env_path(&own, "/sbin"), "/opt/bin");
    assert_string_equal(child_env_path(&none, "/sbin"), "/sbin");
    assert_string_equal(child_env_path(&none, ""), "/bin:/usr/bin:/usr/local/bin");
    assert_string_equal(child_env_path(&none, NULL), "/bin:/usr/bin:/usr/local/bin");
    free_program(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variables_are_told),
        cmocka_unit_test(the_programs_word_is_the_last),
        cmocka_unit_test(nothing_inherited_is_fine),
        cmocka_unit_test(commands_are_looked_up_along_the_nearest_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
