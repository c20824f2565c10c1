/* A server with test routes on a unix socket, and a peer that talks to it raw. */
#ifndef TESTS_UNIT_HTTP_PROBE_H
#define TESTS_UNIT_HTTP_PROBE_H

#include "core/http/http_server.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/io/fd.h"
#include "core/io/sock.h"
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static struct loop *loop;
static struct http_server *server;
static char dir[64];
static char answer[2000000];
static size_t answer_len;

/* what the handlers saw and hold */
static char seen[512];
static struct http_exchange *held;
static int gone_count, more_count;
static bool refill;

static inline void on_gone(void *arg)
{
    assert_ptr_equal(arg, seen);
    gone_count++;
    held = NULL;
}

static inline void on_more(struct http_exchange *x, void *arg)
{
    static const char piece[1000] = "piece";

    UNUSED(arg);
    more_count++;
    while (refill && http_stream_room(x) >= sizeof piece)
        assert_int_equal(http_stream_write(x, piece, sizeof piece), 0);
}

static inline void handle_echo(struct http_exchange *x, void *arg)
{
    const struct http_request *rq = http_exchange_request(x);
    const struct span *extra = http_header(rq->head, "X-Extra");

    UNUSED(arg);
    snprintf(seen, sizeof seen, "%s|%s|%.*s|%.*s|%.*s|%s|%.*s", rq->method, rq->path,
             (int)rq->raw_path.len, rq->raw_path.ptr, (int)rq->query.len, rq->query.ptr,
             (int)(rq->body_bytes < 50 ? rq->body_bytes : 50), rq->body, rq->server_name,
             extra ? (int)extra->len : 0, extra ? extra->ptr : "");
    buf_puts(http_exchange_body(x), rq->path);
    http_exchange_header(x, "X-Echo", "yes\r\nX-Forged: no");
    http_respond(x, 200, "text/plain");
}

static inline void handle_big(struct http_exchange *x, void *arg)
{
    UNUSED(arg);
    for (int i = 0; i < 100000; i++)
        buf_printf(http_exchange_body(x), "%09d\n", i);
    http_respond(x, 200, "text/plain");
}

static inline void handle_later(struct http_exchange *x, void *arg)
{
    UNUSED(arg);
    held = x;
    http_defer(x, on_gone, seen);
}

static inline void handle_stream(struct http_exchange *x, void *arg)
{
    UNUSED(arg);
    held = x;
    http_stream_begin(x, 200, "text/plain", on_more, on_gone, seen);
    http_stream_write(x, "first", 5);
    http_stream_write(x, "", 0);
}

static inline void handle_nothing(struct http_exchange *x, void *arg)
{
    UNUSED(x);
    UNUSED(arg);
}

static inline void handle_any(struct http_exchange *x, void *arg)
{
    UNUSED(arg);
    http_respond_error(x, 400, "not like this");
}

static const struct http_route routes[] = {
    {"/echo", true, "GET HEAD POST", handle_echo, NULL},
    {"/big", false, "GET", handle_big, NULL},
    {"/later", false, "GET POST", handle_later, NULL},
    {"/stream", false, "GET", handle_stream, NULL},
    {"/nothing", false, "GET", handle_nothing, NULL},
    {"/RPC2", true, NULL, handle_any, NULL},
    {0},
};

static inline void open_server(const struct http_limits *limits, const char *user,
                               const char *password)
{
    struct sock_unix_opts opts = {.mode = 0700};
    struct http_listener_opts lo = {
        .is_unix = true, .username = user, .password = password, .name = "test"};
    struct err err;

    loop = loop_new(&err);
    lo.fd = sock_listen_unix("s", &opts, NULL, &err);
    assert_true(lo.fd >= 0);
    server = http_server_new(loop, routes, limits);
    assert_int_equal(http_server_listen(server, &lo, &err), 0);
    held = NULL;
    gone_count = more_count = 0;
    refill = false;
    seen[0] = '\0';
}

static inline void close_server(void)
{
    http_server_free(server);
    loop_free(loop);
    unlink("s");
}

static inline int set_up(void **state)
{
    UNUSED(state);
    strcpy(dir, "/tmp/test-http-XXXXXX");
    return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static inline int tear_down(void **state)
{
    UNUSED(state);
    clock_thaw();
    return chdir("/") < 0 || rmdir(dir) < 0 ? -1 : 0;
}

static inline void turns(int n)
{
    struct err err;

    while (n-- > 0)
        assert_int_equal(loop_turn(loop, 0, &err), 0);
}

static inline int dial(void)
{
    struct err err;
    int fd = sock_connect_unix("s", &err);

    assert_true(fd >= 0);
    return fd;
}

/* Reads until the end (true) or until nothing comes for some turns (false). */
static inline bool receive(int fd)
{
    answer_len = 0;
    for (int quiet = 0; quiet < 5; turns(1)) {
        ssize_t n = read(fd, answer + answer_len, sizeof answer - 1 - answer_len);

        if (n > 0)
            answer_len += (size_t)n;
        answer[answer_len] = '\0';
        if (n == 0)
            return true;
        if (n < 0 && errno != EAGAIN)
            return true;
        if (n < 0)
            quiet++;
    }
    return false;
}

static inline void send_text(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* Sends it, in pieces of `cut` bytes; returns whether the server closed afterwards. */
static inline bool ask(const char *text, size_t cut)
{
    int fd = dial();
    bool ended;

    for (size_t at = 0; at < strlen(text); at += cut) {
        size_t n = strlen(text) - at;

        if (write(fd, text + at, n < cut ? n : cut) < 0)
            break; /* it has closed already; the answer says why */
        turns(1);
    }
    ended = receive(fd);
    close(fd);
    turns(2);
    return ended;
}

static inline void assert_has(const char *part)
{
    if (strstr(answer, part) == NULL)
        fail_msg("no \"%s\" in \"%.600s\"", part, answer);
}

static inline void assert_lacks(const char *part)
{
    if (strstr(answer, part) != NULL)
        fail_msg("\"%s\" in \"%.600s\"", part, answer);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
