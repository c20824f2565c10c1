/* Takes terminal escape sequences out of text, across read boundaries: ESC [ up to a
 * letter that ends it. Source: upstream dispatchers.py, stripEscapes. */
#ifndef CORE_RULES_ANSI_H
#define CORE_RULES_ANSI_H

#include "core/base/util.h"

struct ansi {
    int phase; /* 0: text, 1: behind ESC, 2: in a sequence */
};

/* Writes what remains of data to out, which has room for n + 1 bytes and does not overlap
 * data; returns its length. A lone ESC at the end is held back. {0} is a fresh state. */
size_t ansi_strip(struct ansi *a, const char *data, size_t n, char *out);
/* Whether that would leave them as they are. */
bool ansi_is_text(const struct ansi *a, const char *data, size_t n);

#endif
