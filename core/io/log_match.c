/* Looking for the bytes of a write in a log. The one idea: what follows the old end must
 * be our bytes; only where it is not, somebody else was there, and then only a piece long
 * enough to be no accident counts. */
#include "core/io/log_match.h"

#include "core/base/alloc.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SURE_BYTES = 16,         /* a piece of that length is ours */
    WINDOW_BYTES = 4 * 65536 /* of the file's end that is searched */
};

static size_t common_prefix(const char *a, const char *b, size_t n)
{
    size_t i = 0;

    while (i < n && a[i] == b[i])
        i++;
    return i;
}

/* The file ends with the first bytes of data: how many of them. */
static size_t tail_match(const char *window, size_t len, const char *data, size_t n)
{
    for (size_t k = n < len ? n : len; k >= SURE_BYTES; k--) {
        if (memcmp(window + len - k, data, k) == 0)
            return k;
    }
    return 0;
}

size_t log_match(int fd, int64_t size_before, const void *data, size_t n)
{
    struct stat st;

    if (fstat(fd, &st) < 0 || st.st_size == size_before)
        return 0;
    int64_t from = size_before, grown = st.st_size - size_before;
    if (grown < 0 || grown > WINDOW_BYTES)
        from = st.st_size > WINDOW_BYTES ? st.st_size - WINDOW_BYTES : 0;
    size_t len = (size_t)(st.st_size - from), found;
    char *window = xmalloc(len > 0 ? len : 1);
    ssize_t got = pread(fd, window, len, from);

    len = got > 0 ? (size_t)got : 0;
    found = common_prefix(window, data, len < n ? len : n);
    if (from != size_before || (found < len && found < n)) { /* somebody else was there */
        if (n < SURE_BYTES)
            found = len >= n && memcmp(window + len - n, data, n) == 0 ? n : 0;
        else if (memmem(window, len, data, n))
            found = n;
        else
            found = tail_match(window, len, data, n);
    }
    free(window);
    return found;
}
