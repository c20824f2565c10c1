/* Shell-like splitting. The one idea: both forms are the state machine of Python's shlex
 * in POSIX mode. It reads words (quotes and backslashes undone); in the pairs form a
 * character that belongs to no word is a token of its own, and '#' starts a comment. */
#include "core/base/words.h"

#include "core/base/alloc.h"
#include "core/base/buf.h"
#include "core/base/utf8.h"

#include <stdlib.h>
#include <string.h>

struct lexer {
    const char *at;
    bool pairs; /* the form of environment=, not of command= */
    struct buf word;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Bytes of the character at p. A byte that is not UTF-8 counts as a character. */
static size_t char_len(const char *p, uint32_t *rune)
{
    size_t n = utf8_decode(p, strnlen(p, 4), rune);

    if (n > 0)
        return n;
    *rune = UINT32_MAX;
    return 1;
}

/* In the pairs form words are made of these; shlex adds the letters of Latin-1. */
static bool is_word_char(uint32_t rune)
{
    if (rune < 0x80)
        return rune != 0 && strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789_/.+-():",
                                   (int)rune);
    return rune >= 0xc0 && rune <= 0xff && rune != 0xd7 && rune != 0xf7;
}

static void put(struct lexer *lx, const char *text, size_t n)
{
    /* no maximum is set, so only lack of memory can refuse */
    while (buf_append(&lx->word, text, n) < 0)
        alloc_want(n);
}

/* Takes what follows an opening quote, up to and with the closing one. */
static int take_quoted(struct lexer *lx, char quote, struct err *err)
{
    for (;; lx->at++) {
        char c = *lx->at;
        if (c == '\0')
            return err_set(err, ERR_SYNTAX, "No closing quotation");
        if (c == quote) {
            lx->at++;
            return 0;
        }
        if (c == '\\' && quote == '"') {
            char next = lx->at[1];
            if (next == '\0')
                return err_set(err, ERR_SYNTAX, "No escaped character");
            if (next == '\\' || next == '"')
                lx->at++;
            else
                put(lx, lx->at++, 1); /* elsewhere the backslash stays */
        }
        put(lx, lx->at, 1);
    }
}

static void skip_comment(struct lexer *lx)
{
    lx->at += strcspn(lx->at, "\n");
    if (*lx->at == '\n')
        lx->at++;
}

static void skip_blank(struct lexer *lx)
{
    for (;;) {
        if (is_blank(*lx->at))
            lx->at++;
        else if (lx->pairs && *lx->at == '#')
            skip_comment(lx);
        else
            return;
    }
}

/* One token into lx->word. 1: there is one; 0: the text is over; -1: err. */
static int next_token(struct lexer *lx, struct err *err)
{
    bool started = false;

    buf_truncate(&lx->word, 0);
    skip_blank(lx);
    for (; *lx->at != '\0'; started = true) {
        char c = *lx->at;
        uint32_t rune;
        size_t n;

        if (is_blank(c))
            return 1;
        if (lx->pairs && c == '#') {
            skip_comment(lx);
            return 1;
        }
        if (c == '\'' || c == '"') {
            lx->at++;
            if (take_quoted(lx, c, err) < 0)
                return -1;
            continue;
        }
        if (c == '\\') {
            lx->at++;
            if (*lx->at == '\0')
                return err_set(err, ERR_SYNTAX, "No escaped character");
            n = char_len(lx->at, &rune);
            put(lx, lx->at, n);
            lx->at += n;
            continue;
        }
        n = char_len(lx->at, &rune);
        if (lx->pairs && !is_word_char(rune)) {
            if (!started) {
                put(lx, lx->at, n);
                lx->at += n;
            }
            return 1;
        }
        put(lx, lx->at, n);
        lx->at += n;
    }
    return started;
}

static int take_tokens(const char *text, bool pairs, struct strv *out, struct err *err)
{
    struct lexer lx = {.at = text, .pairs = pairs};
    int rc;

    buf_init(&lx.word, BUF_NO_LIMIT);
    while ((rc = next_token(&lx, err)) > 0)
        strv_take(out, xstrndup(buf_str(&lx.word), lx.word.len));
    buf_free(&lx.word);
    return rc;
}

int words_split(const char *text, struct strv *out, struct err *err)
{
    struct strv words = {0};

    if (take_tokens(text, false, &words, err) < 0) {
        strv_free(&words);
        return -1;
    }
    for (size_t i = 0; i < words.len; i++)
        strv_take(out, words.items[i]);
    free(words.items);
    return 0;
}

static void set_pair(struct strv *keys, struct strv *values, size_t first,
                     const char *key, const char *value)
{
    for (size_t i = first; i < keys->len; i++)
        if (strcmp(keys->items[i], key) == 0) {
            free(values->items[i]);
            values->items[i] = xstrdup(value);
            return;
        }
    strv_push(keys, key);
    strv_push(values, value);
}

int pairs_split(const char *text, struct strv *keys, struct strv *values, struct err *err)
{
    struct strv tokens = {0};
    size_t first = keys->len, i;
    int rc = take_tokens(text, true, &tokens, err);

    if (rc < 0)
        goto out;
    for (i = 0; i < tokens.len; i += 4)
        if (tokens.len - i < 3 || strcmp(tokens.items[i + 1], "=") != 0) {
            rc = err_set(err, ERR_SYNTAX,
                         "Unexpected end of key/value pairs in value '%s'", text);
            goto out;
        }
    /* what parts the pairs is not looked at: upstream takes any token for the comma */
    for (i = 0; i < tokens.len; i += 4)
        set_pair(keys, values, first, tokens.items[i], tokens.items[i + 2]);
out:
    strv_free(&tokens);
    return rc < 0 ? -1 : 0;
}
