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

static bool read_score(int *score)
{
    char text[16];
    int64_t value;
    int fd = fd_open(path, O_RDONLY, 0);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    fd_close(&fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    if (parse_int(text, -1000, 1000, &value) < 0)
        return false;
    *score = (int)value;
    return true;
}

/* Of system calls alone. */
static bool write_text(const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool done = write(fd, text, strlen(text)) > 0;
    close(fd);
    return done;
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

bool oom_lower(int score)
{
    char text[12];
    int before;
    if (original != OOM_UNCHANGED || !read_score(&before) || before <= score)
        return false;
    snprintf(text, sizeof text, "%d", score);
    if (!write_text(text))
        return false;
    oom_set_original(before);
    if (write_text(original_text) && write_text(text)) /* children will be able to */
        return true;
    write_text(original_text);
    oom_set_original(OOM_UNCHANGED);
    return false;
}

void oom_reset_in_child(void)
{
    if (original != OOM_UNCHANGED)
        write_text(original_text);
}
