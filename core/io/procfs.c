#include "core/io/procfs.h"

#include "core/base/num.h"
#include "core/base/str.h"
#include "core/io/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FIELD_STATE = 3, FIELD_PARENT, FIELD_STARTED = 22 };
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

/* The beginning of a file of text as a string. 0 or -1. */
static int read_text(const char *path, char *text, size_t size)
{
    int fd = fd_open(path, O_RDONLY, 0);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, text, size - 1);
    fd_close(&fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0 ? 0 : -1;
}

static int read_of(pid_t pid, const char *name, char *text, size_t size)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return read_text(path, text, size);
}

int procfs_read(pid_t pid, struct procfs_usage *usage)
{
    char line[1024];
    if (read_of(pid, "stat", line, sizeof line) < 0)
        return -1;
    return procfs_parse_stat(line, sysconf(_SC_CLK_TCK), sysconf(_SC_PAGESIZE), usage);
}

/* The fields of a stat line that say who it is. 0 or -1. */
static int parse_identity(const char *line, struct procfs_identity *id)
{
    const char *end = strrchr(line, ')');
    struct span rest, word;
    uint64_t value;
    if (!end || end[1] != ' ')
        return -1;
    rest = span_of(end + 2);
    for (int field = FIELD_STATE; field <= FIELD_STARTED; field++) {
        if (!span_split(&rest, ' ', &word) || word.len == 0)
            return -1;
        if (field == FIELD_STATE)
            id->state = word.ptr[0];
        if (field != FIELD_PARENT && field != FIELD_STARTED)
            continue;
        if (parse_digits(word.ptr, word.len, 10, (uint64_t)1 << 62, &value) < 0)
            return -1;
        if (field == FIELD_PARENT)
            id->parent = (pid_t)value;
        else
            id->started = value;
    }
    return 0;
}

int procfs_identify(pid_t pid, struct procfs_identity *id)
{
    char text[2048];
    uint64_t uid;
    if (read_of(pid, "stat", text, sizeof text) < 0 || parse_identity(text, id) < 0 ||
        read_of(pid, "status", text, sizeof text) < 0)
        return -1;
    const char *at = strstr(text, "\nUid:\t"); /* the name before it has its \n escaped */
    if (!at)
        return -1;
    at += strlen("\nUid:\t");
    if (parse_digits(at, strspn(at, "0123456789"), 10, UINT32_MAX, &uid) < 0)
        return -1;
    id->uid = (uid_t)uid;
    return 0;
}

void procfs_boot_id(char id[PROCFS_BOOT_ID_SIZE])
{
    if (read_text("/proc/sys/kernel/random/boot_id", id, PROCFS_BOOT_ID_SIZE) < 0)
        id[0] = '\0';
    id[strcspn(id, "\n")] = '\0';
}
