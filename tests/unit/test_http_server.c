/* The server as a peer sees it: every answer to odd requests, order, deferred and
 * streamed answers, peers that leave. */
#include "core/http/http_priv.h"

#include "tests/unit/http_probe.h"

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

/* The memory of a large answer serves the next ones, whatever became of the last, and is
 * given back soon. */
static void test_memory_is_lent(void **state)
{
    static const char big[] = "GET /big HTTP/1.1\r\n\r\n";
    int64_t due_ms = mono_ms() + 20000;
    struct err err;
    char *memory;
    int fd;

    UNUSED(state);
    open_server(NULL, NULL, NULL);
    assert_false(ask(big, 1000));
    assert_true(server->body.cap >= 1000000);
    memory = server->body.data;
    for (int i = 0; i < 3; i++) {
        assert_false(ask("GET /echo/again HTTP/1.1\r\n\r\n", 1000));
        assert_string_equal(seen, "GET|/echo/again|/echo/again|||localhost|");
        assert_has("\r\n\r\n/echo/again");
        fd = dial();
        send_text(fd, "GET /later HTTP/1.1\r\n\r\n");
        turns(3);
        assert_non_null(held);
        assert_ptr_equal(server->body.data, memory); /* not with one that waits */
        close(fd);
        turns(3);
        assert_false(ask(big, 1000));
        assert_string_equal(answer + answer_len - 20, "000099998\n000099999\n");
        assert_ptr_equal(server->body.data, memory);
    }
    fd = dial();
    send_text(fd, big);
    turns(3);
    assert_true(server->body.cap < 1000000); /* under way */
    close(fd);
    assert_false(ask(big, 1000));
    while (server->body.cap > 0 && mono_ms() < due_ms)
        assert_int_equal(loop_turn(loop, 100, &err), 0);
    assert_int_equal(server->body.cap, 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_answers),
        T(test_auth_comes_first),
        T(test_pipeline_keeps_order),
        T(test_deferred_keeps_its_request),
        T(test_peer_leaves),
        T(test_streaming),
        T(test_big_answer_to_a_slow_peer),
        T(test_memory_is_lent),
        T(test_continue),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
