/* What the server grants nobody more of: lengths, time, connections, descriptors. */
#include "tests/unit/http_probe.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_line_and_head_limits), T(test_deadlines),           T(test_caps),
        T(test_caps_per_peer),        T(test_no_descriptors_left), T(test_stop_accepting),
    };

    signal(SIGPIPE, SIG_IGN);
    log_add_sink(sink, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
