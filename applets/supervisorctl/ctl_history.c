/* Lines typed before: see ctl_history.h. */
#include "applets/supervisorctl/ctl_history.h"

#include "core/base/alloc.h"
#include "core/base/buf.h"
#include "core/io/fd.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A history file larger than this is not ours. */
#define FILE_MAX_BYTES (4u << 20)

void history_add(struct history *h, const char *line)
{
    if (span_trim(span_of(line)).len == 0)
        return;
    if (h->lines.len > 0 && str_eq(h->lines.items[h->lines.len - 1], line))
        return;
    if (h->lines.len == HISTORY_MAX) {
        free(h->lines.items[0]);
        /* the closing NULL moves along */
        memmove(h->lines.items, h->lines.items + 1,
                h->lines.len * sizeof *h->lines.items);
        h->lines.len--;
    }
    strv_push(&h->lines, line);
}

int history_search(const struct history *h, size_t before, const char *part)
{
    for (size_t i = before < h->lines.len ? before : h->lines.len; i-- > 0;)
        if (strstr(h->lines.items[i], part))
            return (int)i;
    return -1;
}

void history_free(struct history *h)
{
    strv_free(&h->lines);
}

void history_load(struct history *h, const char *path)
{
    struct buf text;
    struct stat st;
    char *room;
    int fd = fd_open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    buf_init(&text, FILE_MAX_BYTES);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        ssize_t n = 1;
        while (n > 0 && buf_reserve(&text, 4096, &room) == 0) {
            n = read(fd, room, 4096);
            buf_commit(&text, n > 0 ? (size_t)n : 0);
        }
    }
    fd_close(&fd);
    struct span rest = {buf_data(&text), text.len}, piece;
    while (span_split(&rest, '\n', &piece)) {
        char *line = span_dup(piece);
        history_add(h, line);
        free(line);
    }
    buf_free(&text);
}

int history_save(const struct history *h, const char *path)
{
    struct buf text;
    buf_init(&text, BUF_NO_LIMIT);
    int rc = 0;
    for (size_t i = 0; i < h->lines.len && rc == 0; i++)
        if (buf_puts(&text, h->lines.items[i]) < 0 || buf_putc(&text, '\n') < 0)
            rc = -1;
    int fd = rc == 0 ? fd_open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY, 0600) : -1;
    rc = fd >= 0 ? fd_write_all(fd, buf_data(&text), text.len) : -1;
    fd_close(&fd);
    buf_free(&text);
    return rc;
}
