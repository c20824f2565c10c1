/* Written and read as text through /proc/self. The one idea: the child's text is made
 * beforehand, so that it only has to write it. */
#include "core/io/oom.h"

#include "core/base/num.h"
#include "core/io/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char path[] = "/proc/self/oom_score_adj";
static int original = OOM_UNCHANGED;
static char original_text[12];

static bool read_score(int fd, int *score)
{
    char text[16];
    int64_t value;
    ssize_t n = read(fd, text, sizeof text - 1);
    if (n <= 0)
        return false;
    text[n] = '\0';
    if (parse_int(text, -1000, 1000, &value) < 0)
        return false;
    *score = (int)value;
    return true;
}

static bool write_text(int fd, const char *text)
{
    return write(fd, text, strlen(text)) > 0;
}

void oom_set_original(int score)
{
    original = score;
    if (score != OOM_UNCHANGED)
        snprintf(original_text, sizeof original_text, "%d", score);
}

int oom_original(void)
{
    return original;
}

static bool lower(int fd, int score)
{
    char text[12];
    int before;
    if (!read_score(fd, &before) || before <= score)
        return false;
    snprintf(text, sizeof text, "%d", score);
    if (!write_text(fd, text))
        return false;
    oom_set_original(before); /* children must be able to, as we are now */
    if (write_text(fd, original_text) && write_text(fd, text))
        return true;
    write_text(fd, original_text);
    oom_set_original(OOM_UNCHANGED);
    return false;
}

bool oom_lower(int score)
{
    int fd = original == OOM_UNCHANGED ? fd_open(path, O_RDWR, 0) : -1;
    bool done = fd >= 0 && lower(fd, score);
    fd_close(&fd);
    return done;
}

/* Of system calls alone. */
void oom_reset_in_child(void)
{
    int fd = original == OOM_UNCHANGED ? -1 : open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    write_text(fd, original_text);
    close(fd);
}
