/* A whole connection: the input is what a peer sends, cut as its first byte says; routes
 * answer at once, later and in streams. Afterwards no connection, no exchange and no
 * abort notice may be left over, however it went. */
#include "core/http/http_server.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/io/fd.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct loop *loop;
static struct http_server *server;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static struct http_exchange *held; /* deferred or streamed, not yet ended */
static int pieces;
static bool streams;

/* Everything a handler may look at must be there to be looked at. */
static size_t touch(const struct http_exchange *x)
{
    const struct http_request *rq = http_exchange_request(x);
    size_t sum = strlen(rq->method) + strlen(rq->path) + strlen(rq->server_name);

    for (size_t i = 0; i < rq->body_bytes; i++)
        sum += (unsigned char)rq->body[i];
    for (size_t i = 0; i < rq->query.len; i++)
        sum += (unsigned char)rq->query.ptr[i];
    for (size_t i = 0; i < rq->head->header_count; i++) {
        const struct http_header *h = &rq->head->headers[i];

        for (size_t k = 0; k < h->name.len; k++)
            sum += (unsigned char)h->name.ptr[k];
        for (size_t k = 0; k < h->value.len; k++)
            sum += (unsigned char)h->value.ptr[k];
    }
    return sum;
}

static void on_gone(void *arg)
{
    if (arg != &held || held == NULL)
        abort();
    held = NULL;
}

static void on_more(struct http_exchange *x, void *arg)
{
    if (arg != &held || x != held)
        abort();
}

static void handle_now(struct http_exchange *x, void *arg)
{
    (void)arg;
    buf_printf(http_exchange_body(x), "%zu", touch(x));
    http_respond(x, 200, "text/plain");
}

static void handle_later(struct http_exchange *x, void *arg)
{
    (void)arg;
    if (held)
        abort();
    held = x;
    pieces = 0;
    streams = false;
    http_defer(x, on_gone, &held);
}

static void handle_stream(struct http_exchange *x, void *arg)
{
    (void)arg;
    if (held)
        abort();
    held = x;
    pieces = 3;
    streams = true;
    http_stream_begin(x, 200, "text/plain", on_more, on_gone, &held);
}

static const struct http_route routes[] = {
    {"/n", true, "GET HEAD POST", handle_now, NULL},
    {"/l", true, "GET HEAD POST", handle_later, NULL},
    {"/s", true, NULL, handle_stream, NULL},
    {0},
};

static void start(void)
{
    struct http_limits limits = {.line_bytes = 200, .head_bytes = 600, .body_bytes = 500};
    struct http_listener_opts opts = {.is_unix = true, .name = "fuzz"};
    int n = snprintf(address.sun_path + 1, 64, "fuzz-http-%d", (int)getpid());
    struct err err;

    signal(SIGPIPE, SIG_IGN);
    clock_freeze(1000, 1000000000);
    log_set_level(LOG_LEVEL_CRIT);
    loop = loop_new(&err);
    server = http_server_new(loop, routes, &limits);
    opts.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (n < 0 || bind(opts.fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(opts.fd, 8) < 0 || http_server_listen(server, &opts, &err) < 0)
        abort();
}

/* A turn, in which what waits is carried on by a step. */
static void step(int fd)
{
    char got[65536];
    struct err err;

    if (loop_turn(loop, 0, &err) < 0)
        abort();
    while (read(fd, got, sizeof got) > 0)
        ;
    if (held == NULL)
        return;
    touch(held);
    if (pieces-- > 0) {
        if (http_stream_write(held, "piece", 5) < 0 && errno != ENOBUFS)
            abort();
    } else {
        struct http_exchange *x = held;

        held = NULL;
        if (streams)
            http_stream_end(x);
        else
            http_respond(x, 200, "text/plain");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t cut, at = 1;
    int fd;

    if (loop == NULL)
        start();
    if (size < 1)
        return 0;
    cut = data[0] % 64 == 0 ? size : data[0] % 64;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        abort();
    while (at < size) {
        size_t n = size - at < cut ? size - at : cut;
        ssize_t done = write(fd, data + at, n);

        if (done <= 0)
            break;
        at += (size_t)done;
        step(fd);
    }
    for (int i = 0; i < 6; i++)
        step(fd);
    if (data[0] >= 128)
        close(fd);                /* the peer leaves first */
    for (int i = 0; i < 4; i++) { /* or every deadline passes */
        clock_advance(130 * 1000);
        if (data[0] < 128)
            step(fd);
        else
            loop_turn(loop, 0, NULL);
    }
    if (data[0] < 128)
        close(fd);
    loop_turn(loop, 0, NULL);
    loop_turn(loop, 0, NULL);
    if (http_server_connections(server) != 0 || held != NULL)
        abort();
    return 0;
}
