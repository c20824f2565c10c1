/* The server as a peer sees it, over a unix socket: every answer to odd requests, order,
 * limits, deadlines, deferred and streamed answers, peers that leave. */
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

static void on_gone(void *arg)
{
    assert_ptr_equal(arg, seen);
    gone_count++;
    held = NULL;
}

static void on_more(struct http_exchange *x, void *arg)
{
    static const char piece[1000] = "piece";

    UNUSED(arg);
    more_count++;
    while (refill && http_stream_room(x) >= sizeof piece)
        assert_int_equal(http_stream_write(x, piece, sizeof piece), 0);
}

static void handle_echo(struct http_exchange *x, void *arg)
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

static void handle_big(struct http_exchange *x, void *arg)
{
    UNUSED(arg);
    for (int i = 0; i < 100000; i++)
        buf_printf(http_exchange_body(x), "%09d\n", i);
    http_respond(x, 200, "text/plain");
}

static void handle_later(struct http_exchange *x, void *arg)
{
    UNUSED(arg);
    held = x;
    http_defer(x, on_gone, seen);
}

static void handle_stream(struct http_exchange *x, void *arg)
{
    UNUSED(arg);
    held = x;
    http_stream_begin(x, 200, "text/plain", on_more, on_gone, seen);
    http_stream_write(x, "first", 5);
    http_stream_write(x, "", 0);
}

static void handle_nothing(struct http_exchange *x, void *arg)
{
    UNUSED(x);
    UNUSED(arg);
}

static void handle_any(struct http_exchange *x, void *arg)
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

static void open_server(const struct http_limits *limits, const char *user,
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

static void close_server(void)
{
    http_server_free(server);
    loop_free(loop);
    unlink("s");
}

static int set_up(void **state)
{
    UNUSED(state);
    strcpy(dir, "/tmp/test-http-XXXXXX");
    return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    UNUSED(state);
    clock_thaw();
    return chdir("/") < 0 || rmdir(dir) < 0 ? -1 : 0;
}

static void turns(int n)
{
    struct err err;

    while (n-- > 0)
        assert_int_equal(loop_turn(loop, 0, &err), 0);
}

static int dial(void)
{
    struct err err;
    int fd = sock_connect_unix("s", &err);

    assert_true(fd >= 0);
    return fd;
}

/* Reads until the end (true) or until nothing comes for some turns (false). */
static bool receive(int fd)
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

static void send_text(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* Sends it, in pieces of `cut` bytes; returns whether the server closed afterwards. */
static bool ask(const char *text, size_t cut)
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

static void assert_has(const char *part)
{
    if (strstr(answer, part) == NULL)
        fail_msg("no \"%s\" in \"%.600s\"", part, answer);
}

static void assert_lacks(const char *part)
{
    if (strstr(answer, part) != NULL)
        fail_msg("\"%s\" in \"%.600s\"", part, answer);
}

static const struct {
    const char *request, *status;
    enum { STAYS, CLOSES, CUT_CLOSES } closes; /* CUT: when the body is not there yet */
    const char *has, *lacks, *seen;
} cases[] = {
    {"GET /echo/a%20b?q=1%20 HTTP/1.1\r\nHost: me:1\r\nX-Extra: e\r\n\r\n", "200 OK",
     STAYS, "Content-Length: 9\r\n",
     "Connection:", "GET|/echo/a b|/echo/a%20b|q=1%20||me:1|e"},
    {"GET /echo HTTP/1.1\r\nConnection: close\r\n\r\n", "200 OK", CLOSES,
     "Connection: close\r\n", NULL, "GET|/echo|/echo|||localhost|"},
    {"GET /echo HTTP/1.0\r\n\r\n", "200 OK", CLOSES, "Connection: close\r\n", NULL, NULL},
    {"GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "200 OK", STAYS,
     "Connection: Keep-Alive\r\n", NULL, NULL},
    {"GET http://h:9/echo#frag?x HTTP/1.1\r\n\r\n", "200 OK", STAYS, "/echo", NULL,
     "GET|/echo|/echo|||localhost|"},
    {"HEAD /echo HTTP/1.1\r\n\r\n", "200 OK", STAYS, "Content-Length: 5\r\n", "\r\n\r\n/",
     NULL},
    {"POST /echo HTTP/1.1\r\nContent-Length: 5\r\nX-Extra: e\r\n\r\n12345", "200 OK",
     STAYS, "X-Echo: yes", "\nX-Forged", "POST|/echo|/echo||12345|localhost|e"},
    {"POST /echo HTTP/1.1\r\nTransfer-Encoding: "
     "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n"
     "\r\n",
     "200 OK", STAYS, "/echo", NULL, "POST|/echo|/echo||abcde|localhost|"},
    {"POST /echo HTTP/1.1\r\n\r\n", "411 Length Required", CLOSES, NULL, NULL, ""},
    {"POST /echo HTTP/1.1\r\nContent-Length: x\r\n\r\n", "400 Bad Request", CLOSES, NULL,
     NULL, ""},
    {"POST /echo HTTP/1.1\r\nContent-Length: 5000\r\n\r\n", "413", CLOSES, NULL, NULL,
     ""},
    {"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n9999\r\n", NULL, STAYS,
     NULL, NULL, ""},
    {"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400", CLOSES,
     NULL, NULL, ""},
    {"POST /echo HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", "501", CLOSES, NULL, NULL,
     ""},
    {"POST /echo HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
     "100 Continue", STAYS, NULL, "200", ""},
    {"POST /echo HTTP/1.1\r\nExpect: magic\r\nContent-Length: 3\r\n\r\nabc", "417",
     CUT_CLOSES, NULL, NULL, ""},
    {"GET /no HTTP/1.1\r\n\r\n", "404 Not Found", STAYS, NULL, NULL, ""},
    {"GET /echoes HTTP/1.1\r\n\r\n", "404 Not Found", STAYS, NULL, NULL, ""},
    {"GET /echo%00 HTTP/1.1\r\n\r\n", "400", STAYS, NULL, NULL, ""},
    {"POST /big HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "405", CUT_CLOSES,
     "Allow: GET\r\n", NULL, ""},
    {"BREW /echo HTTP/1.1\r\n\r\n", "501 Not Implemented", STAYS, NULL, NULL, ""},
    {"AVERYLONGMETHODNAME /echo HTTP/1.1\r\n\r\n", "501", STAYS, NULL, NULL, ""},
    {"BREW /RPC2 HTTP/1.1\r\n\r\n", "400", STAYS, "not like this", NULL, ""},
    {"GET /RPC2/x HTTP/1.1\r\n\r\n", "400", STAYS, "not like this", NULL, ""},
    {"OPTIONS * HTTP/1.1\r\n\r\n", "400", STAYS, NULL, NULL, ""},
    {"GET /nothing HTTP/1.1\r\n\r\n", "500", STAYS, NULL, NULL, ""},
    {"nonsense\r\n\r\n", "400 Bad Request", CLOSES, NULL, NULL, ""},
    {"GET /echo HTTP/2.0\r\n\r\n", "505", CLOSES, NULL, NULL, ""},
    {"\r\n\r\nGET /echo HTTP/1.1\r\n\r\n", "200", STAYS, NULL, NULL, NULL},
};

static void test_answers(void **state)
{
    static const size_t cuts[] = {10000, 1};
    struct http_limits limits = {.body_bytes = 1000};

    UNUSED(state);
    open_server(&limits, NULL, NULL);
    for (size_t i = 0; i < array_len(cases); i++) {
        for (size_t k = 0; k < array_len(cuts); k++) {
            bool ended;

            seen[0] = '\0';
            ended = ask(cases[i].request, cuts[k]);
            if (cases[i].status) {
                char line[64];

                snprintf(line, sizeof line, "HTTP/1.1 %s", cases[i].status);
                if (strncmp(answer, line, strlen(line)) != 0 ||
                    ended != (cases[i].closes == CLOSES ||
                              (cases[i].closes == CUT_CLOSES && k > 0)))
                    fail_msg("case %zu, cut %zu, closed %d: %s", i, cuts[k], ended,
                             answer);
            } else {
                assert_string_equal(answer, "");
            }
            if (cases[i].has)
                assert_has(cases[i].has);
            if (cases[i].lacks)
                assert_lacks(cases[i].lacks);
            if (cases[i].seen)
                assert_string_equal(seen, cases[i].seen);
        }
    }
    assert_int_equal(http_server_connections(server), 0);
    close_server();
}

static void test_line_and_head_limits(void **state)
{
    struct http_limits limits = {.line_bytes = 100, .head_bytes = 300};
    char request[1000];

    UNUSED(state);
    open_server(&limits, NULL, NULL);
    snprintf(request, sizeof request, "GET /%0200d HTTP/1.1\r\n\r\n", 0);
    assert_true(ask(request, 1000));
    assert_has("HTTP/1.1 414 ");
    snprintf(request, sizeof request, "GET / HTTP/1.1\r\nA: %0500d\r\n\r\n", 0);
    assert_true(ask(request, 1000));
    assert_has("HTTP/1.1 431 ");
    close_server();
}

static void test_auth_comes_first(void **state)
{
    static const char *const paths[] = {"/echo", "/no", "/RPC2", "*"};
    char request[300];

    UNUSED(state);
    open_server(NULL, "user", "pass");
    for (size_t i = 0; i < array_len(paths); i++) {
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n\r\n", paths[i]);
        assert_false(ask(request, 1000));
        assert_has("HTTP/1.1 401 Unauthorized\r\n");
        assert_has("WWW-Authenticate: Basic realm=\"default\"\r\n");
        snprintf(request, sizeof request,
                 "POST %s HTTP/1.1\r\nAuthorization: Basic dXNlcjp3cm9uZw==\r\n\r\n",
                 paths[i]);
        ask(request, 1000);
        assert_has("HTTP/1.1 401 ");
    }
    assert_string_equal(seen, "");
    ask("GET /echo HTTP/1.1\r\nAuthorization: Basic dXNlcjpwYXNz\r\n\r\n", 1000);
    assert_has("HTTP/1.1 200 ");
    /* an upload without the password is not waited for */
    assert_true(ask("POST /echo HTTP/1.1\r\nContent-Length: 99999\r\n\r\nabc", 1000));
    assert_has("HTTP/1.1 401 ");
    close_server();
}

static void test_pipeline_keeps_order(void **state)
{
    struct buf requests;
    const char *at;
    int fd;

    UNUSED(state);
    open_server(NULL, NULL, NULL);
    fd = dial();
    buf_init(&requests, BUF_NO_LIMIT);
    for (int i = 0; i < 300; i++) {
        if (i % 2)
            buf_printf(&requests, "GET /echo/%d HTTP/1.1\r\n\r\n", i);
        else
            buf_printf(&requests, "POST /echo/%d HTTP/1.1\r\nContent-Length: 2\r\n\r\nab",
                       i);
    }
    send_text(fd, buf_str(&requests));
    buf_free(&requests);
    assert_false(receive(fd));
    at = answer;
    for (int i = 0; i < 300; i++) {
        char part[40];

        snprintf(part, sizeof part, "\r\n\r\n/echo/%d", i);
        at = strstr(at, part);
        assert_non_null(at);
        at += strlen(part);
    }
    assert_string_equal(at, "");

    /* the second waits for the first, whose answer comes later */
    send_text(fd, "GET /later HTTP/1.1\r\n\r\nGET /echo/x HTTP/1.1\r\n\r\n");
    assert_false(receive(fd));
    assert_string_equal(answer, "");
    assert_non_null(held);
    assert_false(http_server_is_quiet(server));
    buf_puts(http_exchange_body(held), "at last");
    http_respond(held, 200, "text/plain");
    assert_false(receive(fd));
    assert_true(strstr(answer, "at lastHTTP/1.1 200 OK") < strstr(answer, "/echo/x"));
    assert_has("at lastHTTP/1.1 200 OK");
    assert_true(http_server_is_quiet(server));
    assert_int_equal(gone_count, 0);
    close(fd);
    close_server();
}

/* A deferred request keeps its head and body while the input moves on. */
static void test_deferred_keeps_its_request(void **state)
{
    const struct http_request *rq;
    int fd;

    UNUSED(state);
    open_server(NULL, NULL, NULL);
    fd = dial();
    send_text(fd,
              "POST /later?q HTTP/1.1\r\nX-Extra: mine\r\nContent-Length: 4\r\n\r\nbody"
              "GET /echo HTTP/1.1\r\n\r\n");
    turns(2);
    for (int i = 0; i < 100; i++) {
        send_text(fd, "GET /echo HTTP/1.1\r\n\r\n");
        turns(1);
    }
    assert_non_null(held);
    rq = http_exchange_request(held);
    assert_string_equal(rq->method, "POST");
    assert_memory_equal(rq->body, "body", 4);
    assert_int_equal(rq->body_bytes, 4);
    assert_true(span_eq(rq->query, "q"));
    assert_true(span_eq(*http_header(rq->head, "x-extra"), "mine"));
    http_respond_error(held, 503, "no");
    assert_false(receive(fd));
    assert_memory_equal(answer, "HTTP/1.1 503", 12);
    close(fd);
    close_server();
}

static void test_peer_leaves(void **state)
{
    static const char *const targets[] = {"/later", "/stream"};

    UNUSED(state);
    for (size_t i = 0; i < array_len(targets); i++) {
        char request[100];
        int fd;

        open_server(NULL, NULL, NULL);
        fd = dial();
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n\r\n", targets[i]);
        send_text(fd, request);
        turns(2);
        assert_non_null(held);
        close(fd);
        turns(3);
        assert_int_equal(gone_count, 1);
        assert_int_equal(http_server_connections(server), 0);
        /* and when the server goes first */
        fd = dial();
        send_text(fd, request);
        turns(2);
        assert_non_null(held);
        close_server();
        assert_int_equal(gone_count, 2);
        close(fd);
    }
}

static void test_streaming(void **state)
{
    size_t total = 0;
    int fd;

    UNUSED(state);
    open_server(NULL, NULL, NULL);
    fd = dial();
    send_text(fd, "GET /stream HTTP/1.1\r\n\r\nGET /echo HTTP/1.1\r\n\r\n");
    assert_false(receive(fd));
    assert_has("Transfer-Encoding: chunked\r\n");
    assert_has("\r\n\r\n5\r\nfirst\r\n");
    assert_lacks("/echo");
    refill = true;
    on_more(held, NULL);
    assert_true(http_stream_room(held) < 1000);
    assert_int_equal(http_stream_write(held, answer, 70000), -1);
    assert_int_equal(errno, ENOBUFS);
    while (more_count < 20) { /* it is called again as the reader goes on */
        ssize_t n = read(fd, answer, 100000);

        if (n > 0)
            total += (size_t)n;
        turns(1);
    }
    assert_true(total > 500000);
    refill = false;
    while (receive(fd) || answer_len > 0)
        ;
    http_stream_end(held);
    assert_false(receive(fd));
    assert_memory_equal(answer, "0\r\n\r\nHTTP/1.1 200 OK", 20);
    close(fd);
    turns(2);

    fd = dial(); /* without chunks the end of the connection is the end */
    send_text(fd, "GET /stream HTTP/1.0\r\n\r\n");
    turns(2);
    http_stream_end(held);
    assert_true(receive(fd));
    assert_has("\r\n\r\nfirst");
    assert_lacks("chunked");
    close(fd);
    close_server();
}

static void test_big_answer_to_a_slow_peer(void **state)
{
    int fd, other;

    UNUSED(state);
    open_server(NULL, NULL, NULL);
    fd = dial();
    send_text(fd, "GET /big HTTP/1.1\r\nConnection: close\r\n\r\n");
    turns(3);
    other = dial();
    send_text(other, "GET /echo HTTP/1.1\r\n\r\n"); /* not hurt by it */
    assert_false(receive(other));
    assert_has("200 OK");
    assert_true(receive(fd));
    assert_has("Content-Length: 1000000\r\n");
    assert_string_equal(answer + answer_len - 20, "000099998\n000099999\n");
    assert_int_equal(answer_len - 1000000, strstr(answer, "\r\n\r\n") + 4 - answer);
    close(fd);
    close(other);
    close_server();
}

static void test_deadlines(void **state)
{
    static const struct {
        const char *sent;
        int after_ms;
        const char *status; /* NULL: closed in silence */
    } waits[] = {
        {"", 1000, NULL},
        {"GET /ec", 1000, "408"},
        {"POST /echo HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc", 2000, "408"},
        {"GET /echo HTTP/1.1\r\n\r\n", 3000, "200"},
        {"GET /echo HTTP/1.1\r\n\r\nGET", 1000, "200"},
    };
    struct http_limits limits = {.head_ms = 1000, .body_ms = 2000, .idle_ms = 3000};

    UNUSED(state);
    clock_freeze(5000, 1000000000);
    open_server(&limits, NULL, NULL);
    for (size_t i = 0; i < array_len(waits); i++) {
        int fd = dial();

        turns(1);
        send_text(fd, waits[i].sent);
        turns(2);
        clock_advance(waits[i].after_ms - 10);
        turns(3);
        assert_int_equal(http_server_connections(server), 1);
        clock_advance(20);
        turns(3);
        assert_true(receive(fd));
        if (waits[i].status)
            assert_memory_equal(answer + 9, waits[i].status, 3);
        else
            assert_int_equal(answer_len, 0);
        close(fd);
        turns(2);
        assert_int_equal(http_server_connections(server), 0);
    }
    /* bytes that trickle in do not move the deadline of a head */
    int fd = dial();

    for (int i = 0; i < 12; i++) {
        if (write(fd, "G", 1) < 0)
            break;
        turns(1);
        clock_advance(100);
        turns(2);
    }
    assert_true(receive(fd));
    close(fd);
    /* a peer that reads nothing */
    fd = dial();
    send_text(fd, "GET /big HTTP/1.1\r\n\r\n");
    turns(3);
    clock_advance(2010);
    turns(3);
    assert_int_equal(http_server_connections(server), 0);
    assert_true(receive(fd));
    assert_true(answer_len < 1000000);
    close(fd);
    close_server();
}

static void test_caps(void **state)
{
    struct http_limits limits = {.connections = 3};
    int fds[5];

    UNUSED(state);
    open_server(&limits, NULL, NULL);
    for (int i = 0; i < 3; i++) {
        fds[i] = dial();
        send_text(fds[i], "GET /later HTTP/1.1\r\n\r\n");
        turns(2);
    }
    http_respond(held, 200, NULL); /* the third is idle now */
    turns(1);
    fds[3] = dial();
    send_text(fds[3], "GET /later HTTP/1.1\r\n\r\n");
    turns(3);
    assert_true(receive(fds[2])); /* and gave way */
    assert_int_equal(http_server_connections(server), 3);
    fds[4] = dial();
    assert_true(receive(fds[4]));
    assert_memory_equal(answer, "HTTP/1.1 503", 12);
    for (int i = 0; i < 5; i++)
        close(fds[i]);
    turns(4);
    assert_int_equal(http_server_connections(server), 0);
    close_server();
}

static void test_caps_per_peer(void **state)
{
    struct http_limits limits = {.connections_per_peer = 2};
    struct http_listener_opts lo = {.name = "tcp"};
    struct err err;
    int fds[3], port = 0;

    UNUSED(state);
    open_server(&limits, NULL, NULL);
    for (port = 20000 + (int)getpid() % 20000; lo.fd <= 0; port++)
        lo.fd = sock_listen_tcp("127.0.0.1", port, 0, &err);
    port--;
    assert_int_equal(http_server_listen(server, &lo, &err), 0);
    for (int i = 0; i < 3; i++) {
        fds[i] = sock_connect_tcp("127.0.0.1", port, &err);
        turns(3);
    }
    assert_true(receive(fds[2]));
    assert_memory_equal(answer, "HTTP/1.1 503", 12);
    close(fds[2]);
    close(fds[1]);
    turns(3);
    fds[1] = sock_connect_tcp("127.0.0.1", port, &err);
    turns(2);
    send_text(fds[1], "GET /echo HTTP/1.1\r\n\r\n");
    assert_false(receive(fds[1]));
    assert_has("200 OK");
    close(fds[0]);
    close(fds[1]);
    close_server();
}

static int said;

static void sink(void *arg, enum log_level level, const char *line, size_t n,
                 const char *text)
{
    UNUSED(arg);
    UNUSED(line);
    UNUSED(n);
    if (level == LOG_LEVEL_WARN && strstr(text, "cannot accept"))
        said++;
}

static void test_no_descriptors_left(void **state)
{
    struct rlimit before, few;
    int fds[3], spare;
    struct err err;

    UNUSED(state);
    clock_freeze(5000, 1000000000);
    open_server(NULL, NULL, NULL);
    for (int i = 0; i < 3; i++) {
        fds[i] = dial();
        send_text(fds[i], "GET /echo HTTP/1.1\r\n\r\n");
    }
    spare = dup(0);
    close(spare);
    getrlimit(RLIMIT_NOFILE, &before);
    few = before;
    few.rlim_cur = (rlim_t)spare;
    setrlimit(RLIMIT_NOFILE, &few);
    said = 0;
    for (int i = 0; i < 20; i++) {
        turns(3);
        clock_advance(500);
    }
    assert_int_equal(said, 1);
    assert_int_equal(loop_turn(loop, 0, &err), 0);
    setrlimit(RLIMIT_NOFILE, &before);
    clock_advance(500);
    for (int i = 0; i < 3; i++) {
        assert_false(receive(fds[i]));
        assert_has("200 OK");
        close(fds[i]);
    }
    close_server();
}

static void test_stop_accepting(void **state)
{
    int idle, busy;
    struct err err;

    UNUSED(state);
    open_server(NULL, NULL, NULL);
    idle = dial();
    turns(2);
    busy = dial();
    send_text(busy, "GET /later HTTP/1.1\r\n\r\n");
    turns(2);
    http_server_stop_accepting(server);
    assert_true(receive(idle));
    assert_int_equal(sock_connect_unix("s", &err), -1);
    assert_false(http_server_is_quiet(server));
    http_respond(held, 200, NULL);
    assert_true(receive(busy));
    assert_has("Connection: close");
    assert_true(http_server_is_quiet(server));
    close(idle);
    close(busy);
    close_server();
}

static void test_continue(void **state)
{
    int fd;

    UNUSED(state);
    open_server(NULL, NULL, NULL);
    fd = dial();
    send_text(fd,
              "POST /echo HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    assert_false(receive(fd));
    assert_string_equal(answer, "HTTP/1.1 100 Continue\r\n\r\n");
    send_text(fd, "abc");
    assert_false(receive(fd));
    assert_memory_equal(answer, "HTTP/1.1 200 OK", 15);
    close(fd);
    close_server();
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_answers),
        T(test_line_and_head_limits),
        T(test_auth_comes_first),
        T(test_pipeline_keeps_order),
        T(test_deferred_keeps_its_request),
        T(test_peer_leaves),
        T(test_streaming),
        T(test_big_answer_to_a_slow_peer),
        T(test_deadlines),
        T(test_caps),
        T(test_caps_per_peer),
        T(test_no_descriptors_left),
        T(test_stop_accepting),
        T(test_continue),
    };

    signal(SIGPIPE, SIG_IGN);
    log_add_sink(sink, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
