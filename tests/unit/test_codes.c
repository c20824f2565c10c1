/* Base64 and digests: the vectors of RFC 4648 and FIPS 180-4. */
#include "core/base/base64.h"
#include "core/base/digest.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void base64_is_rfc_4648(void **state)
{
    static const struct {
        const char *plain, *coded;
    } cases[] = {{"", ""},
                 {"f", "Zg=="},
                 {"fo", "Zm8="},
                 {"foo", "Zm9v"},
                 {"foob", "Zm9vYg=="},
                 {"fooba", "Zm9vYmE="},
                 {"foobar", "Zm9vYmFy"},
                 {"\xfb\xff\xfe", "+//+"}};
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        struct buf out;
        buf_init(&out, 64);
        assert_int_equal(base64_encode(&out, cases[i].plain, strlen(cases[i].plain)), 0);
        assert_string_equal(buf_str(&out), cases[i].coded);
        buf_truncate(&out, 0);
        assert_int_equal(base64_decode(&out, cases[i].coded, strlen(cases[i].coded)), 0);
        assert_string_equal(buf_str(&out), cases[i].plain);
        buf_free(&out);
    }
}

static void base64_decoding_is_strict_but_for_blanks(void **state)
{
    static const struct {
        const char *coded, *plain; /* NULL: refused */
    } cases[] = {
        {"Zm9v\nYmFy\n", "foobar"},
        {" Z m 9 v ", "foo"},
        {"Zg==\n", "f"},
        {"Zg", NULL},
        {"Zg=", NULL},
        {"Z", NULL},
        {"Z===", NULL},
        {"====", NULL},
        {"Zg==Zg==", NULL},
        {"Zm9v!", NULL},
        {"Zm8==", NULL},
        {"=", NULL},
        {"Zm-v", NULL},
        {"Zg=a", NULL},
    };
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        struct buf out;
        int rc;
        buf_init(&out, 64);
        assert_int_equal(buf_puts(&out, "<"), 0);
        errno = 0;
        rc = base64_decode(&out, cases[i].coded, strlen(cases[i].coded));
        assert_int_equal(rc, cases[i].plain ? 0 : -1);
        assert_int_equal(errno, cases[i].plain ? 0 : EINVAL);
        assert_string_equal(buf_str(&out) + 1, cases[i].plain ? cases[i].plain : "");
        buf_free(&out);
    }
}

static void base64_keeps_to_the_maximum(void **state)
{
    struct buf out;

    UNUSED(state);
    buf_init(&out, 3);
    assert_int_equal(base64_decode(&out, "Zm9v\n\n\n\n\n\n\n\n", 12), 0);
    assert_string_equal(buf_str(&out), "foo");
    assert_int_equal(base64_decode(&out, "Zg==", 4), -1);
    assert_int_equal(errno, ENOBUFS);
    assert_int_equal(base64_encode(&out, "a", 1), -1);
    assert_string_equal(buf_str(&out), "foo");
    buf_free(&out);
}

static void digests_are_fips_180(void **state)
{
    static const struct {
        const char *text;
        int times;
        const char *sha1, *sha256;
    } cases[] = {
        {"", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709",
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d",
         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
         "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"a", 1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
         "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
        {"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde", 1,
         "ef717286343f6da3f4e6f68c6de02a5148a801c4",
         "057ee79ece0b9a849552ab8d3c335fe9a5f1c46ef5f1d9b190c295728628299c"},
    };
    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        size_t n = strlen(cases[i].text);
        struct buf all;
        char hex[65];
        buf_init(&all, BUF_NO_LIMIT);
        for (int k = 0; k < cases[i].times; k++)
            assert_int_equal(buf_append(&all, cases[i].text, n), 0);
        sha1_hex(buf_data(&all), all.len, hex);
        assert_string_equal(hex, cases[i].sha1);
        sha256_hex(buf_data(&all), all.len, hex);
        assert_string_equal(hex, cases[i].sha256);
        buf_free(&all);
    }
}

static void comparison_looks_at_all(void **state)
{
    UNUSED(state);
    assert_true(mem_equal_ct("", 0, "", 0));
    assert_true(mem_equal_ct("abc", 3, "abc", 3));
    assert_false(mem_equal_ct("abc", 3, "abd", 3));
    assert_false(mem_equal_ct("xbc", 3, "abc", 3));
    assert_false(mem_equal_ct("abc", 3, "abcd", 4));
    assert_false(mem_equal_ct("", 0, "a", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_is_rfc_4648),
        cmocka_unit_test(base64_decoding_is_strict_but_for_blanks),
        cmocka_unit_test(base64_keeps_to_the_maximum),
        cmocka_unit_test(digests_are_fips_180),
        cmocka_unit_test(comparison_looks_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
