/* SHA-1 and SHA-256 for password forms, and a comparison that takes as long for a wrong
 * value as for the right one. */
#ifndef CORE_BASE_DIGEST_H
#define CORE_BASE_DIGEST_H

#include "core/base/util.h"

void sha1_hex(const void *data, size_t n, char out[41]); /* lower case, FIPS 180-4 */
void sha256_hex(const void *data, size_t n, char out[65]);
/* True if both are equal. The time depends on the lengths alone. */
bool mem_equal_ct(const void *a, size_t an, const void *b, size_t bn);

#endif
