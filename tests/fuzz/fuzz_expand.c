/* Format strings: a result or a message, and a text without percent signs is its own. */
#include "config/expand.h"

#include "core/base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char *variables[] = {"A=a%(x)s", NULL};
    struct scope outer = {.environ = variables}, scope = {.outer = &outer};
    struct err err = {0};
    char *text = xstrndup((const char *)data, size);
    scope_set_text(&scope, "x", "\xc3\xbc'%s");
    scope_set_number(&scope, "n", -12);
    char *out = expand(text, &scope, "what", NULL, &err);
    if (!out && err.text[0] == '\0')
        abort();
    if (!strchr(text, '%') && (!out || strcmp(out, text) != 0))
        abort();
    free(out);
    free(text);
    scope_clear(&scope);
    return 0;
}
