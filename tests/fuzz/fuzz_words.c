/* Splitting of words and pairs. Words quoted one by one must split into the same words.
 */
#include "core/base/alloc.h"
#include "core/base/words.h"

#include <stdlib.h>
#include <string.h>

static char *quote_words(const struct strv *words, size_t n)
{
    char *text = xmalloc(6 * n + 4 * words->len + 1), *to = text;

    for (size_t i = 0; i < words->len; i++) {
        *to++ = '\'';
        for (const char *c = words->items[i]; *c; c++) {
            if (*c == '\'') {
                memcpy(to, "'\"'\"'", 5);
                to += 5;
            } else {
                *to++ = *c;
            }
        }
        *to++ = '\'';
        *to++ = '\n';
    }
    *to = '\0';
    return text;
}

static void check_words(const char *text)
{
    struct strv words = {0}, again = {0};
    struct err err = {0};

    if (words_split(text, &words, &err) < 0) {
        if (words.len != 0 || err.code != ERR_SYNTAX)
            abort();
        return;
    }
    char *quoted = quote_words(&words, strlen(text));
    if (words_split(quoted, &again, NULL) < 0 || again.len != words.len)
        abort();
    for (size_t i = 0; i < words.len; i++)
        if (strcmp(words.items[i], again.items[i]) != 0)
            abort();
    free(quoted);
    strv_free(&words);
    strv_free(&again);
}

static void check_pairs(const char *text)
{
    struct strv keys = {0}, values = {0};
    struct err err = {0};
    int rc = pairs_split(text, &keys, &values, &err);

    if (keys.len != values.len || (rc < 0 && (keys.len != 0 || err.code != ERR_SYNTAX)))
        abort();
    strv_free(&keys);
    strv_free(&values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = xstrndup((const char *)data, size);

    check_words(text);
    check_pairs(text);
    free(text);
    return 0;
}
