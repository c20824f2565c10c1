/* asker ADDRESS REQUEST-FILE TEXT new|keep CLIENTS COUNT SECS PAUSE_US: an HTTP client
 * that does nothing but wait. Prints the wall time in ns, then the latency of each
 * answer, then "now" and the clock at the end. An answer is whole when Content-Length
 * bytes came; each must contain TEXT. It ends after COUNT answers, or SECS if at least
 * one came. A server that is not there yet is asked again each 50 us, for SECS at most.
 */
#include "tests/bench/tool.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { CLIENTS_MAX = 256 };

static struct client {
    char *data;
    size_t len, size, need; /* need: of the whole answer, 0 while unknown */
    int64_t from_ns;
} clients[CLIENTS_MAX];
static struct pollfd polled[CLIENTS_MAX];
static const char *address, *request, *text;
static size_t request_len;

static int asker_try(void)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    struct sockaddr_in inet = {.sin_family = AF_INET};
    int is_path = address[0] == '/', on = 1;
    int fd = socket(is_path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        tool_die("socket");
    if (is_path) {
        snprintf(path.sun_path, sizeof path.sun_path, "%s", address);
    } else {
        inet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        inet.sin_port = htons((uint16_t)tool_number(address));
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    if (connect(fd, is_path ? (struct sockaddr *)&path : (struct sockaddr *)&inet,
                is_path ? sizeof path : sizeof inet) == 0)
        return fd;
    close(fd);
    return -1;
}

static int asker_connect(int64_t until_ns)
{
    struct timespec gap = {0, 50000};
    for (;;) {
        int fd = asker_try();
        if (fd >= 0)
            return fd;
        if (tool_now_ns() > until_ns)
            tool_die(address);
        nanosleep(&gap, NULL);
    }
}

static void asker_send(int i, int64_t until_ns)
{
    struct client *c = &clients[i];
    c->len = c->need = 0;
    c->from_ns = tool_now_ns();
    if (polled[i].fd < 0)
        polled[i].fd = asker_connect(until_ns);
    polled[i].events = POLLIN;
    tool_write(polled[i].fd, request, request_len);
}

/* 1 when the answer is whole. */
static int asker_read(int i)
{
    struct client *c = &clients[i];
    if (c->size - c->len < 65536) {
        c->size = c->size * 2 + 131072;
        c->data = realloc(c->data, c->size);
        if (c->data == NULL)
            tool_die("memory");
    }
    ssize_t n = read(polled[i].fd, c->data + c->len, c->size - 1 - c->len);
    if (n <= 0) {
        fprintf(stderr, "the server closed after %zu bytes\n", c->len);
        exit(1);
    }
    c->len += (size_t)n;
    c->data[c->len] = '\0';
    if (c->need == 0) {
        const char *body = strstr(c->data, "\r\n\r\n");
        const char *length = strcasestr(c->data, "content-length:");
        if (body == NULL)
            return 0;
        if (length == NULL || length > body) {
            fprintf(stderr, "no length in: %s\n", c->data);
            exit(1);
        }
        c->need = (size_t)(body + 4 - c->data) + strtoul(length + 15, NULL, 10);
    }
    if (c->len < c->need)
        return 0;
    if (c->len > c->need || strstr(c->data, text) == NULL) {
        fprintf(stderr, "not the answer: %s\n", c->data);
        exit(1);
    }
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 9)
        return 2;
    address = argv[1];
    request = tool_file(argv[2], &request_len);
    text = argv[3];
    int keep = strcmp(argv[4], "keep") == 0;
    int n = (int)tool_number(argv[5]);
    long count = tool_number(argv[6]), sent = 0, done = 0;
    int64_t *took_ns = calloc((size_t)count, sizeof *took_ns);
    if (n < 1 || n > CLIENTS_MAX || count < n || took_ns == NULL)
        return 2;
    struct timespec gap = {0, tool_number(argv[8]) * 1000};
    int64_t start_ns = tool_now_ns();
    int64_t until_ns = start_ns + tool_number(argv[7]) * 1000000000;
    for (int i = 0; i < n; i++) {
        polled[i].fd = -1;
        asker_send(i, until_ns);
        sent++;
    }
    while (done < sent) {
        if (poll(polled, (nfds_t)n, 300000) <= 0)
            tool_die("poll");
        for (int i = 0; i < n; i++) {
            if (polled[i].fd < 0 || polled[i].revents == 0 || !asker_read(i))
                continue;
            took_ns[done++] = tool_now_ns() - clients[i].from_ns;
            if (!keep) {
                close(polled[i].fd);
                polled[i].fd = -1;
            }
            polled[i].events = 0;
            if (sent == count || tool_now_ns() > until_ns)
                continue;
            if (gap.tv_nsec > 0)
                nanosleep(&gap, NULL);
            asker_send(i, until_ns);
            sent++;
        }
    }
    int64_t end_ns = tool_now_ns();
    printf("%lld\n", (long long)(end_ns - start_ns));
    for (long i = 0; i < done; i++)
        printf("%lld\n", (long long)took_ns[i]);
    printf("now %lld\n", (long long)end_ns);
    return 0;
}
