/* Basic authentication. No header that was made up opens the door by accident, and the
 * header made from a name and a password always does. */
#include "core/base/alloc.h"
#include "core/wire/basic_auth.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char password[] = "a password nobody guesses: \x01\x02\x03 8c1f";
    char *copy = malloc(size ? size : 1), *text;
    struct buf header;

    memcpy(copy, data, size);
    if (basic_auth_check((struct span){copy, size}, "user", password) ||
        basic_auth_check((struct span){copy, size}, "user", "{SHA}") ||
        basic_auth_check((struct span){copy, size}, "user", "{SHA256}abc"))
        abort();
    free(copy);

    text = xstrndup((const char *)data, size < 1000 ? size : 1000);
    buf_init(&header, BUF_NO_LIMIT);
    if (basic_auth_write(&header, "user", text) < 0)
        abort();
    bool right =
        basic_auth_check((struct span){buf_data(&header), header.len}, "user", text);
    if (!right && text[0] != '{') /* a digest form is no plain password */
        abort();
    if (basic_auth_check((struct span){buf_data(&header), header.len}, "user2", text))
        abort();
    buf_free(&header);
    free(text);
    return 0;
}
