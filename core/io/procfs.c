#include "core/io/procfs.h"

#include "core/base/num.h"
#include "core/base/str.h"
#include "core/io/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FIELD_UTIME = 14, FIELD_STIME = 15, FIELD_RSS = 24 }; /* counted from 1 */

int procfs_parse_stat(const char *line, int64_t ticks_per_sec, int64_t page_bytes,
                      struct procfs_usage *usage)
{
    /* the name in brackets may hold blanks and brackets itself: the last one ends it */
    const char *end = strrchr(line, ')');
    struct span rest, word;
    uint64_t value, ticks = 0;
    if (!end || end[1] != ' ')
        return -1;
    rest = span_of(end + 2);
    for (int field = 3; field <= FIELD_RSS; field++) {
        if (!span_split(&rest, ' ', &word))
            return -1;
        if (field != FIELD_UTIME && field != FIELD_STIME && field != FIELD_RSS)
            continue;
        if (parse_digits(word.ptr, word.len, 10, (uint64_t)1 << 50, &value) < 0)
            return -1;
        if (field != FIELD_RSS)
            ticks += value;
    }
    if (ticks_per_sec <= 0 || page_bytes <= 0 || value > (uint64_t)1 << 40)
        return -1;
    usage->cpu_ms = (int64_t)(ticks * 1000 / (uint64_t)ticks_per_sec);
    usage->rss_bytes = (int64_t)value * page_bytes;
    return 0;
}

int procfs_read(pid_t pid, struct procfs_usage *usage)
{
    char path[32], line[1024];
    ssize_t n;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = fd_open(path, O_RDONLY, 0);
    if (fd < 0)
        return -1;
    n = read(fd, line, sizeof line - 1);
    fd_close(&fd);
    if (n <= 0)
        return -1;
    line[n] = '\0';
    return procfs_parse_stat(line, sysconf(_SC_CLK_TCK), sysconf(_SC_PAGESIZE), usage);
}
