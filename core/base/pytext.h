/* Text as Python sees it: what counts as white space, and how repr() writes a string.
 * The file format and the messages of Supervisor are made of both. */
#ifndef CORE_BASE_PYTEXT_H
#define CORE_BASE_PYTEXT_H

#include "core/base/str.h"

/* Bytes of the white space character at p (n > 0 may be read), or 0 if it is none.
 * Source: str.isspace(), which the pattern \s follows. */
size_t py_space_at(const char *p, size_t n);
/* True if s ends in a white space character. */
bool py_space_ends(struct span s);
struct span py_strip(struct span s);
struct span py_rstrip(struct span s);
/* Cuts the next word off *rest, as str.split() does; false when there is none left. */
bool py_word(struct span *rest, struct span *word);

/* The text as repr() shows it, quotes included; yours. Bytes that are not UTF-8 are
 * written \xNN. */
char *py_repr(struct span s);
/* The bytes as repr() shows a bytes object, b'...'; yours. */
char *py_repr_bytes(struct span s);

#endif
