/* Shell-like splitting: command= into words, environment= into pairs. */
#ifndef CORE_BASE_WORDS_H
#define CORE_BASE_WORDS_H

#include "core/base/err.h"
#include "core/base/str.h"

/* Splits as Python's shlex.split does in POSIX mode without comments: quotes,
 * backslashes; no expansion, no operators. Appends to out. 0, or -1 with err ERR_SYNTAX
 * and upstream's words ("No closing quotation", "No escaped character"). */
int words_split(const char *text, struct strv *out, struct err *err);

/* KEY=value,KEY2="v 2" as upstream 4.4's dict_of_key_value_pairs takes it (POSIX quoting,
 * adjacent parts, newlines, a trailing comma). keys and values get one item each per
 * pair, in order; a repeated key keeps its first place and takes the last value. 0, or
 * -1. */
int pairs_split(const char *text, struct strv *keys, struct strv *values,
                struct err *err);

#endif
