/* listener FILE: an event listener that notes each event in FILE as a line
 * "MESSAGES LATENCY_NS NUMBER": how many lines of writer.c the payload has, its age by
 * the time that is in the first of them, and that one's number. FILE is complete whenever
 * no event came for 50 ms. */
#include "tests/bench/tool.h"
#include <poll.h>

static char input[65536];
static size_t input_len;

/* Reads until there are n bytes of input. */
static void listener_need(size_t n, FILE *out)
{
    while (input_len < n) {
        struct pollfd in = {0, POLLIN, 0};
        if (poll(&in, 1, 50) == 0) {
            fflush(out);
            continue;
        }
        ssize_t got = read(0, input + input_len, sizeof input - 1 - input_len);
        if (got <= 0)
            exit(0);
        input_len += (size_t)got;
        input[input_len] = '\0';
    }
}

static size_t listener_field(const char *name)
{
    const char *at = strstr(input, name);
    return at == NULL ? 0 : strtoul(at + strlen(name), NULL, 10);
}

int main(int argc, char **argv)
{
    FILE *out = argc == 2 ? fopen(argv[1], "w") : NULL;
    if (out == NULL)
        return 2;
    for (;;) {
        tool_write(1, "READY\n", 6);
        char *end;
        while ((end = memchr(input, '\n', input_len)) == NULL)
            listener_need(input_len + 1, out);
        size_t head = (size_t)(end - input) + 1;
        size_t body = listener_field(" len:");
        if (head + body >= sizeof input)
            return 3;
        listener_need(head + body, out);
        int64_t now_ns = tool_now_ns();
        /* The payload's own head is one line; what the writer said comes after it. */
        const char *text = memchr(input + head, '\n', body);
        char *after = NULL;
        int64_t sent_ns = text == NULL ? 0 : strtoll(text + 1, &after, 10);
        long long number = after == NULL ? -1 : strtoll(after, NULL, 10);
        int messages = 0;
        for (const char *at = text; at != NULL && at < input + head + body; at++)
            messages += *at == '\n' && at != text;
        fprintf(out, "%d %lld %lld\n", messages, (long long)(now_ns - sent_ns), number);
        input_len -= head + body;
        memmove(input, input + head + body, input_len + 1);
        tool_write(1, "RESULT 2\nOK", 11);
    }
}
