/* writer FIFO NAME CHUNK TOTAL [ansi]: writes TOTAL bytes to standard output, CHUNK at a
 * time, between two marks "NAME" and "NAME.end". The stream is lines of 100 bytes and
 * repeats after 64 of them, so that a reader can check each byte of it. With ansi an
 * escape sequence comes before each line and is not counted; CHUNK is then one line.
 *
 * writer FIFO NAME comm|line COUNT PAUSE_US: COUNT messages that carry the time of their
 * writing, in the tokens of capture mode or as lines, PAUSE_US apart. */
#include "tests/bench/tool.h"

enum { LINE = 100, PERIOD = 64 * LINE };

/* total_bytes is a multiple of a line. */
static void writer_ansi(const char *data, size_t total_bytes)
{
    static const char escape[] = "\033[1;31m";
    char line[sizeof escape - 1 + LINE];
    memcpy(line, escape, sizeof escape - 1);
    for (size_t at = 0; at < total_bytes; at += LINE) {
        memcpy(line + sizeof escape - 1, data + at % PERIOD, LINE);
        tool_write(1, line, sizeof line);
    }
}

static void writer_stream(size_t chunk_bytes, size_t total_bytes, int with_ansi)
{
    char *data = malloc(PERIOD + chunk_bytes);
    if (data == NULL)
        tool_die("memory");
    for (size_t i = 0; i < PERIOD + chunk_bytes; i++)
        data[i] = i % LINE == LINE - 1 ? '\n' : (char)('!' + (i / LINE + i) % 64);
    /* The pattern of a line must not run on over the period. */
    for (size_t i = PERIOD; i < PERIOD + chunk_bytes; i++)
        data[i] = data[i - PERIOD];
    if (with_ansi)
        writer_ansi(data, total_bytes);
    for (size_t at = 0; at < total_bytes && !with_ansi;) {
        size_t n = total_bytes - at < chunk_bytes ? total_bytes - at : chunk_bytes;
        tool_write(1, data + at % PERIOD, n);
        at += n;
    }
    free(data);
}

static void writer_messages(int as_comm, long count, long pause_us)
{
    struct timespec gap = {pause_us / 1000000, pause_us % 1000000 * 1000};
    for (long i = 0; i < count; i++) {
        char text[160];
        int n = snprintf(text, sizeof text,
                         as_comm ? "<!--XSUPERVISOR:BEGIN-->%019lld %018ld\n"
                                   "<!--XSUPERVISOR:END-->"
                                 : "%019lld %018ld\n",
                         (long long)tool_now_ns(), i);
        tool_write(1, text, (size_t)n);
        if (pause_us > 0)
            nanosleep(&gap, NULL);
    }
}

int main(int argc, char **argv)
{
    if (argc != 5 && argc != 6)
        return 2;
    int with_ansi = argc == 6 && strcmp(argv[5], "ansi") == 0;
    char end[160];
    snprintf(end, sizeof end, "%.100s.end", argv[2]);
    tool_mark(argv[1], argv[2]);
    if (argc == 6 && !with_ansi)
        writer_messages(strcmp(argv[3], "comm") == 0, tool_number(argv[4]),
                        tool_number(argv[5]));
    else
        writer_stream((size_t)tool_number(argv[3]), (size_t)tool_number(argv[4]),
                      with_ansi);
    tool_mark(argv[1], end);
    return 0;
}
