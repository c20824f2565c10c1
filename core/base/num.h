/* Text to numbers: the only place where that happens. Nothing wraps silently, white space
 * around the number is accepted (as Python's int() does), anything else left over is not.
 * All return 0, or -1 and leave *out alone. */
#ifndef CORE_BASE_NUM_H
#define CORE_BASE_NUM_H

#include "core/base/util.h"

/* Decimal with an optional sign, within min..max. Underscores between digits are taken as
 * Python's int() takes them ("1_000"). */
int parse_int(const char *text, int64_t min, int64_t max, int64_t *out);
/* Octal, 0..max, with or without a leading 0 or 0o. Source: upstream's octal_type. */
int parse_octal(const char *text, unsigned max, unsigned *out);
/* true yes on 1 / false no off 0, any case, no blanks. Source: upstream's boolean(). */
int parse_bool(const char *text, bool *out);
/* Bytes: a number, negative ones included, with an optional suffix KB, MB or GB (powers
 * of 1024), any case. Source: upstream's byte_size. */
int parse_bytes(const char *text, int64_t *out);

/* For protocols: digits of that base (10 or 16) and nothing else, 0..max. */
int parse_digits(const char *text, size_t n, unsigned base, uint64_t max, uint64_t *out);
/* A finite decimal fraction with an optional exponent, fewer than 64 characters. Exact
 * where 15 digits and powers up to 10^22 are, elsewhere off by a few units in the last
 * place. */
int parse_double(const char *text, double *out);

#endif
