/* UTF-8 as XML-RPC and JSON need it. Overlong forms, surrogates and values above U+10FFFF
 * are invalid (RFC 3629). */
#ifndef CORE_BASE_UTF8_H
#define CORE_BASE_UTF8_H

#include "core/base/buf.h"

/* Length in bytes (1..4) of the valid sequence at p, or 0 if none starts there; *rune
 * gets its value. n > 0 bytes may be read. */
size_t utf8_decode(const char *p, size_t n, uint32_t *rune);
bool utf8_valid(const char *p, size_t n);
/* Length of the character at p, or of the maximal invalid piece there; at least 1. */
size_t utf8_step(const char *p, size_t n);
/* Characters at p, each maximal invalid piece being one. */
size_t utf8_count(const char *p, size_t n);
/* Appends text to out with each maximal invalid piece replaced by U+FFFD. 0 or -1 as buf.
 */
int utf8_clean(struct buf *out, const char *p, size_t n);
/* Encodes one scalar value; returns 1..4. */
size_t utf8_encode(uint32_t rune, char out[4]);

#endif
