/* The one idea: a Huffman code is kept as the number of codes of each length and the
 * symbols in order of their codes, so that decoding needs no tree: it counts its way
 * through the lengths, a bit at a time. Slow, and 100 us for what a browser fetches once.
 */
#include "core/base/inflate.h"

#include <string.h>

enum { MAX_BITS = 15, LITERALS = 288, DISTANCES = 30, CODE_LENGTHS = 19, END = 256 };

struct reader {
    const unsigned char *at, *end;
    unsigned bits, count; /* taken from the data and not used yet */
    bool failed;          /* it was cut; from then on there are only zeros */
};

struct code {
    unsigned short of_length[MAX_BITS + 1]; /* how many codes have that length */
    unsigned short symbols[LITERALS];       /* in order of their codes */
};

/* n is at most 16. */
static unsigned take_bits(struct reader *r, unsigned n)
{
    while (r->count < n) {
        if (r->at == r->end) {
            r->failed = true;
            return 0;
        }
        r->bits |= (unsigned)*r->at++ << r->count;
        r->count += 8;
    }
    unsigned value = r->bits & ((1U << n) - 1);
    r->bits >>= n;
    r->count -= n;
    return value;
}

/* lengths[s] is that of the code of symbol s; 0: it has none. False when there are more
 * codes than bits allow. */
static bool code_make(struct code *code, const unsigned char *lengths, size_t n)
{
    unsigned short offset[MAX_BITS + 1] = {0};
    int left = 1;
    memset(code->of_length, 0, sizeof code->of_length);
    for (size_t i = 0; i < n; i++)
        code->of_length[lengths[i]]++;
    code->of_length[0] = 0;
    for (int bits = 1; bits <= MAX_BITS; bits++) {
        left = left * 2 - code->of_length[bits];
        if (left < 0)
            return false;
        if (bits < MAX_BITS)
            offset[bits + 1] = (unsigned short)(offset[bits] + code->of_length[bits]);
    }
    for (size_t i = 0; i < n; i++)
        if (lengths[i])
            code->symbols[offset[lengths[i]]++] = (unsigned short)i;
    return true;
}

/* The next symbol; -1: the bits are no code. */
static int take_symbol(struct reader *r, const struct code *code)
{
    unsigned at = 0, first = 0, index = 0;
    for (int bits = 1; bits <= MAX_BITS && !r->failed; bits++) {
        unsigned here = code->of_length[bits];
        at = at << 1 | take_bits(r, 1);
        first <<= 1;
        if (at - first < here)
            return code->symbols[index + at - first];
        index += here;
        first += here;
    }
    return -1;
}

/* Lengths and distances lie in classes: a base, and so many more bits in the data. */
static unsigned take_in_class(struct reader *r, unsigned class, unsigned classes_a_bit)
{
    if (class < 2 * classes_a_bit)
        return class;
    unsigned bits = class / classes_a_bit - 1;
    return ((classes_a_bit + class % classes_a_bit) << bits) + take_bits(r, bits);
}

static int copy_back(struct reader *r, struct buf *out, unsigned symbol,
                     const struct code *distances, size_t start)
{
    if (symbol > 285)
        return -1;
    unsigned length = symbol == 285 ? 258 : 3 + take_in_class(r, symbol - 257, 4);
    int class = take_symbol(r, distances);
    if (class < 0 || class >= DISTANCES)
        return -1;
    size_t distance = 1 + take_in_class(r, (unsigned)class, 2);
    if (r->failed || distance > out->len - start)
        return -1;
    while (length-- > 0) /* a byte at a time: the source may reach into what it makes */
        if (buf_putc(out, buf_data(out)[out->len - distance]) < 0)
            return -1;
    return 0;
}

static int take_coded(struct reader *r, struct buf *out, const struct code *literals,
                      const struct code *distances, size_t start)
{
    for (;;) {
        int symbol = take_symbol(r, literals);
        if (symbol < 0)
            return -1;
        if (symbol == END)
            return 0;
        if ((symbol < END ? buf_putc(out, (char)symbol)
                          : copy_back(r, out, (unsigned)symbol, distances, start)) < 0)
            return -1;
    }
}

static int take_stored(struct reader *r, struct buf *out)
{
    r->bits = r->count = 0; /* the rest of the byte is unused */
    unsigned length = take_bits(r, 16), check = take_bits(r, 16);
    if (r->failed || length != (~check & 0xffff) || length > (size_t)(r->end - r->at) ||
        buf_append(out, r->at, length) < 0)
        return -1;
    r->at += length;
    return 0;
}

/* Of the two codes of a block with codes of its own; `lengths` has room for both. */
static int take_lengths(struct reader *r, unsigned char *lengths, size_t n)
{
    static const unsigned char order[CODE_LENGTHS] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                      11, 4,  12, 3, 13, 2, 14, 1, 15};
    unsigned char own[CODE_LENGTHS] = {0};
    struct code code;
    unsigned given = take_bits(r, 4) + 4;
    for (unsigned i = 0; i < given; i++)
        own[order[i]] = (unsigned char)take_bits(r, 3);
    if (!code_make(&code, own, CODE_LENGTHS))
        return -1;
    for (size_t i = 0; i < n;) {
        int symbol = take_symbol(r, &code);
        unsigned char value = 0;
        unsigned times = 1;
        if (symbol < 0 || (symbol == 16 && i == 0))
            return -1;
        if (symbol < 16) {
            value = (unsigned char)symbol;
        } else if (symbol == 16) {
            value = lengths[i - 1];
            times = 3 + take_bits(r, 2);
        } else {
            times = symbol == 17 ? 3 + take_bits(r, 3) : 11 + take_bits(r, 7);
        }
        if (times > n - i)
            return -1;
        memset(lengths + i, value, times);
        i += times;
    }
    return 0;
}

static int take_block(struct reader *r, struct buf *out, unsigned type, size_t start)
{
    unsigned char lengths[LITERALS + 32];
    struct code literals, distances;
    size_t literal_count = LITERALS, distance_count = DISTANCES;
    if (type == 1) { /* the codes that the format itself knows */
        memset(lengths, 8, LITERALS);
        memset(lengths + 144, 9, 112);
        memset(lengths + 256, 7, 24);
        memset(lengths + LITERALS, 5, DISTANCES);
    } else {
        literal_count = take_bits(r, 5) + 257;
        distance_count = take_bits(r, 5) + 1;
        if (literal_count > 286 || distance_count > DISTANCES ||
            take_lengths(r, lengths, literal_count + distance_count) < 0)
            return -1;
    }
    if (!code_make(&literals, lengths, literal_count) ||
        !code_make(&distances, lengths + literal_count, distance_count))
        return -1;
    return take_coded(r, out, &literals, &distances, start);
}

int inflate(struct buf *out, const void *data, size_t n)
{
    struct reader r = {.at = data, .end = (const unsigned char *)data + n};
    size_t start = out->len;
    bool last;
    do {
        last = take_bits(&r, 1);
        unsigned type = take_bits(&r, 2);
        if (r.failed || type == 3)
            return -1;
        if ((type == 0 ? take_stored(&r, out) : take_block(&r, out, type, start)) < 0)
            return -1;
    } while (!last);
    return 0;
}
