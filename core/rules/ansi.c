#include "core/rules/ansi.h"

#include <string.h>

enum { TEXT, BEHIND_ESC, IN_SEQUENCE };

/* The letters that end a sequence, as upstream has them. */
static const char enders[] = "HfABCDRsuJKhlpm";

size_t ansi_strip(struct ansi *a, const char *data, size_t n, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        char c = data[i];
        if (a->phase == IN_SEQUENCE) {
            if (c != '\0' && strchr(enders, c))
                a->phase = TEXT;
            continue;
        }
        if (a->phase == BEHIND_ESC) {
            if (c == '[') {
                a->phase = IN_SEQUENCE;
                continue;
            }
            out[len++] = '\033';
            a->phase = TEXT;
        }
        if (c == '\033')
            a->phase = BEHIND_ESC;
        else
            out[len++] = c;
    }
    return len;
}
