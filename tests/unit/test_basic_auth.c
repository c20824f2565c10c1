/* Basic authentication: right, nearly right, and malformed. */
#include "core/wire/basic_auth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void only_the_right_ones_pass(void **state)
{
    static const struct {
        const char *header, *user, *password;
        bool right;
    } cases[] = {
        {"Basic dXNlcjp0aGVwYXNzd29yZA==", "user", "thepassword", true},
        {"basic dXNlcjp0aGVwYXNzd29yZA==", "user", "thepassword", true},
        {"  BASIC   dXNlcjp0aGVwYXNzd29yZA== ", "user", "thepassword", true},
        {"Basic dXNlcjphOmI=", "user", "a:b", true},
        {"Basic dXNlcjo=", "user", "", true},
        {"Basic Ong=", "", "x", true},
        {"Basic dXNlcjp0aGVwYXNzd29yZA==", "user",
         "{SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1d", true},
        {"Basic dXNlcjp0aGVwYXNzd29yZA==", "user",
         "{SHA}82AB876D1387BFAFE46CC1C8A2EF074EAE50CB1D", true},
        {"Basic dXNlcjp0aGVwYXNzd29yZA==", "user",
         "{SHA256}85d8fa8fa6bdd3db050005b44ec3c5302b389ced054ec7d59eac2edba2251946",
         true},
        {"Basic dXNlcjp3cm9uZw==", "user",
         "{SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1d", false},
        {"Basic dXNlcjp7U0hBfTgyYWI4NzZkMTM4N2JmYWZlNDZjYzFjOGEyZWYwNzRlYWU1MGNiMWQ=",
         "user", "{SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1d", false},
        {"Basic dXNlcjp0aGVwYXNzd29yZA==", "user",
         "{SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1", false},
        {"Basic dXNlcjo=", "user", "{SHA}", false},
        {"Basic dXNlcjp4", "user",
         "{SHA256}"
         "0000000000000000000000000000000000000000000000000000000000000000000000000000000"
         "000000000000000000000",
         false},
        {"Basic dXNlcjp0aGVwYXNzd29y", "user", "thepassword", false},
        {"Basic dXNlcjp0aGVwYXNzd29yZDE=", "user", "thepassword", false},
        {"Basic VXNlcjp0aGVwYXNzd29yZA==", "user", "thepassword", false},
        {"Basic dXNlcjI6dGhlcGFzc3dvcmQ=", "user", "thepassword", false},
        {"Basic dXNlcnRoZXBhc3N3b3Jk", "user", "thepassword", false},
        {"Basic dXNlcjp0aGVwYXNzd29yZAA=", "user", "thepassword", false},
        {"Basic dXNlcgA6dGhlcGFzc3dvcmQ=", "user", "thepassword", false},
        {"Basic", "user", "", false},
        {"Basic ", "user", "", false},
        {"", "user", "", false},
        {"Bearer dXNlcjp0aGVwYXNzd29yZA==", "user", "thepassword", false},
        {"Basic dXNlcjp0aGVwYXNzd29yZA=", "user", "thepassword", false},
        {"Basic !!!!", "user", "thepassword", false},
        {"dXNlcjp0aGVwYXNzd29yZA==", "user", "thepassword", false},
    };
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++)
        assert_int_equal(
            basic_auth_check(span_of(cases[i].header), cases[i].user, cases[i].password),
            cases[i].right);
}

static void what_is_written_passes(void **state)
{
    static const char *const passwords[] = {"", "x", "a:b", "\xc3\xa9 {SHA}", "%41"};
    struct buf out;

    UNUSED(state);
    for (size_t i = 0; i < array_len(passwords); i++) {
        buf_init(&out, 1000);
        assert_int_equal(basic_auth_write(&out, "user", passwords[i]), 0);
        assert_true(basic_auth_check((struct span){buf_data(&out), out.len}, "user",
                                     passwords[i]));
        buf_free(&out);
    }
    buf_init(&out, 10);
    assert_int_equal(basic_auth_write(&out, "user", "password"), -1);
    assert_int_equal(out.len, 0);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_right_ones_pass),
        cmocka_unit_test(what_is_written_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
