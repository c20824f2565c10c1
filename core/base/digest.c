/* SHA-1 and SHA-256 (FIPS 180-4). The one idea: both pad and cut a message into 64-byte
 * blocks the same way (digest_blocks) and differ in the function for one block. */
#include "core/base/digest.h"

#include <string.h>

typedef void block_fn(uint32_t *state, const unsigned char *block);

static uint32_t rol(uint32_t v, unsigned by)
{
    return v << by | v >> (32 - by);
}

static uint32_t ror(uint32_t v, unsigned by)
{
    return v >> by | v << (32 - by);
}

static uint32_t load_be(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void sha1_block(uint32_t *state, const unsigned char *block)
{
    static const uint32_t round_keys[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc,
                                           0xca62c1d6};
    uint32_t w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];

    for (int i = 0; i < 16; i++)
        w[i] = load_be(block + 4 * i);
    for (int i = 16; i < 80; i++)
        w[i] = rol(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        uint32_t f = i < 20   ? (b & c) | (~b & d)
                     : i < 40 ? b ^ c ^ d
                     : i < 60 ? (b & c) | (b & d) | (c & d)
                              : b ^ c ^ d;
        uint32_t t = rol(a, 5) + f + e + round_keys[i / 20] + w[i];
        e = d;
        d = c;
        c = rol(b, 30);
        b = a;
        a = t;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

static const uint32_t sha256_keys[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
    0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
    0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
    0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
    0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
    0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
    0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2};

static void sha256_block(uint32_t *state, const unsigned char *block)
{
    uint32_t w[64], s[8];

    memcpy(s, state, sizeof s);
    for (int i = 0; i < 16; i++)
        w[i] = load_be(block + 4 * i);
    for (int i = 16; i < 64; i++) {
        uint32_t x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + (ror(x, 7) ^ ror(x, 18) ^ x >> 3) + w[i - 7] +
               (ror(y, 17) ^ ror(y, 19) ^ y >> 10);
    }
    for (int i = 0; i < 64; i++) {
        uint32_t t1 = s[7] + (ror(s[4], 6) ^ ror(s[4], 11) ^ ror(s[4], 25)) +
                      ((s[4] & s[5]) ^ (~s[4] & s[6])) + sha256_keys[i] + w[i];
        uint32_t t2 = (ror(s[0], 2) ^ ror(s[0], 13) ^ ror(s[0], 22)) +
                      ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof s[0]);
        s[4] += t1;
        s[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        state[i] += s[i];
}

static void digest_blocks(uint32_t *state, block_fn *block, const void *data, size_t n)
{
    const unsigned char *in = data;
    unsigned char last[128] = {0};
    size_t left = n % 64, whole = n - left, size = left < 56 ? 64 : 128;
    uint64_t bits = (uint64_t)n * 8;

    for (size_t i = 0; i < whole; i += 64)
        block(state, in + i);
    if (left > 0)
        memcpy(last, in + whole, left);
    last[left] = 0x80;
    for (size_t i = 0; i < 8; i++)
        last[size - 1 - i] = (unsigned char)(bits >> (8 * i));
    for (size_t i = 0; i < size; i += 64)
        block(state, last + i);
}

static void put_hex(const uint32_t *state, size_t words, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < words * 8; i++)
        out[i] = digits[state[i / 8] >> (28 - 4 * (i % 8)) & 15];
    out[words * 8] = '\0';
}

void sha1_hex(const void *data, size_t n, char out[41])
{
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};

    digest_blocks(state, sha1_block, data, n);
    put_hex(state, 5, out);
}

void sha256_hex(const void *data, size_t n, char out[65])
{
    uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

    digest_blocks(state, sha256_block, data, n);
    put_hex(state, 8, out);
}

bool mem_equal_ct(const void *a, size_t an, const void *b, size_t bn)
{
    const volatile unsigned char *x = a, *y = b;
    unsigned diff = an != bn;

    for (size_t i = 0; i < an && i < bn; i++)
        diff |= (unsigned)(x[i] ^ y[i]);
    return diff == 0;
}
