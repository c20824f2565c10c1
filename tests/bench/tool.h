/* What the benchmark's helpers share: the clock, marks and numbers.
 * A mark is one line "NAME PID NANOSECONDS" written at once into a FIFO that the
 * benchmark holds open; the clock is CLOCK_MONOTONIC, as Python's monotonic_ns(). */
#ifndef BENCH_TOOL_H
#define BENCH_TOOL_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static inline int64_t tool_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline void tool_die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(99);
}

static inline long tool_number(const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value < 0) {
        errno = EINVAL;
        tool_die(text);
    }
    return value;
}

static inline void tool_write(int fd, const void *data, size_t n)
{
    const char *p = data;
    while (n > 0) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            tool_die("write");
        p += done;
        n -= (size_t)done;
    }
}

/* Reads a small file whole; the caller frees it. */
static inline char *tool_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL || fseek(f, 0, SEEK_END) != 0)
        tool_die(path);
    *size = (size_t)ftell(f);
    rewind(f);
    char *data = malloc(*size + 1);
    if (data == NULL || fread(data, 1, *size, f) != *size)
        tool_die(path);
    data[*size] = '\0';
    fclose(f);
    return data;
}

static inline void tool_mark(const char *fifo, const char *name)
{
    char line[160];
    int64_t now_ns = tool_now_ns(); /* before anything else: this is the measure */
    int fd = open(fifo, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0)
        tool_die(fifo);
    int n = snprintf(line, sizeof line, "%.100s %d %lld\n", name, (int)getpid(),
                     (long long)now_ns);
    tool_write(fd, line, (size_t)n);
    close(fd);
}

#endif
