/* Unpacking of anything: within the limit, without a read or write outside. */
#include "core/base/inflate.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    (void)inflate(&out, data, size);
    buf_free(&out);
    return 0;
}
