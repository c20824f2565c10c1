/* Server and client over TLS, one in a child process: what transports share with streams
 * must hold for both kinds. Certificates: make_certs.sh. */
#include "core/http/http_client.h"
#include "core/http/http_server.h"

#include "core/base/log.h"
#include "core/io/sock.h"
#include "core/io/tls.h"
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CERT(name) "build/gen/tls/" name ".pem"
#define KEY(name)  "build/gen/tls/" name ".key"

enum { BIG_BYTES = 1500000 };

static pid_t server_pid;
static int port;

static void handle_echo(struct http_exchange *x, void *arg)
{
    const struct http_request *rq = http_exchange_request(x);

    UNUSED(arg);
    buf_append(http_exchange_body(x), rq->body, rq->body_bytes);
    http_respond(x, 200, "text/plain");
}

static void handle_big(struct http_exchange *x, void *arg)
{
    UNUSED(arg);
    for (int i = 0; i < BIG_BYTES / 10; i++)
        buf_printf(http_exchange_body(x), "%09d\n", i);
    http_respond(x, 200, "text/plain");
}

static int left;

static void on_more(struct http_exchange *x, void *arg)
{
    char piece[1000];

    UNUSED(arg);
    memset(piece, 's', sizeof piece);
    while (left > 0 && http_stream_room(x) >= sizeof piece) {
        left--;
        http_stream_write(x, piece, sizeof piece);
    }
    if (left == 0)
        http_stream_end(x);
}

static void on_gone(void *arg)
{
    UNUSED(arg);
}

static void handle_stream(struct http_exchange *x, void *arg)
{
    left = 500;
    http_stream_begin(x, 200, "text/plain", on_more, on_gone, NULL);
    on_more(x, arg);
}

static const struct http_route routes[] = {
    {"/echo", false, NULL, handle_echo, NULL},
    {"/big", false, NULL, handle_big, NULL},
    {"/stream", false, NULL, handle_stream, NULL},
    {0},
};

static void serve(int fd)
{
    struct tls_settings settings = {.cert_file = CERT("server"),
                                    .key_file = KEY("server")};
    struct http_listener_opts opts = {.fd = fd, .name = "tls"};
    struct err err;
    struct loop *loop = loop_new(&err);
    struct http_server *s = http_server_new(loop, routes, NULL);

    alarm(60);
    opts.tls = tls_context_new(TLS_SERVER, &settings, &err);
    if (opts.tls == NULL || http_server_listen(s, &opts, &err) < 0)
        _exit(1);
    loop_run(loop, &err);
    _exit(2);
}

static int set_up(void **state)
{
    struct sockaddr_in in;
    socklen_t len = sizeof in;
    struct err err;
    int fd = sock_listen_tcp("127.0.0.1", 0, 0, &err);

    UNUSED(state);
    if (fd < 0 || getsockname(fd, (struct sockaddr *)&in, &len) < 0)
        return -1;
    port = ntohs(in.sin_port);
    server_pid = fork();
    if (server_pid == 0)
        serve(fd);
    close(fd);
    return 0;
}

static int tear_down(void **state)
{
    int status;

    UNUSED(state);
    kill(server_pid, SIGKILL);
    return waitpid(server_pid, &status, 0) == server_pid && WIFSIGNALED(status) ? 0 : -1;
}

static struct http_client *client(const char *scheme, const char *ca)
{
    char url[64];
    struct http_client_opts opts = {
        .serverurl = url, .ssl_ca_certs = ca, .timeout_ms = 20000};
    struct err err;
    struct http_client *c;

    snprintf(url, sizeof url, "%s://localhost:%d", scheme, port);
    c = http_client_new(&opts, &err);
    assert_non_null(c);
    return c;
}

static void test_whole_and_streamed(void **state)
{
    struct http_client *c = client("https", CERT("ours"));
    static char upload[300000];
    struct http_answer a;
    struct err err;

    UNUSED(state);
    for (size_t i = 0; i < sizeof upload; i++)
        upload[i] = (char)(i % 253);
    for (int round = 0; round < 3; round++) { /* all on one kept connection */
        if (http_client_request(c, "POST", "/echo", "text/plain", upload, sizeof upload,
                                NULL, NULL, &a, &err) < 0)
            fail_msg("%s", err.text);
        assert_int_equal(a.body.len, sizeof upload);
        assert_memory_equal(buf_data(&a.body), upload, sizeof upload);
        http_answer_free(&a);
        assert_int_equal(
            http_client_request(c, "GET", "/big", NULL, NULL, 0, NULL, NULL, &a, &err),
            0);
        assert_int_equal(a.body.len, BIG_BYTES);
        assert_memory_equal(buf_data(&a.body) + BIG_BYTES - 10, "000149999\n", 10);
        http_answer_free(&a);
        assert_int_equal(
            http_client_request(c, "GET", "/stream", NULL, NULL, 0, NULL, NULL, &a, &err),
            0);
        assert_int_equal(a.body.len, 500000);
        http_answer_free(&a);
    }
    http_client_free(c);
}

static void test_refusals(void **state)
{
    struct http_client *c = client("https", CERT("foreign"));
    struct http_answer a;
    struct err err;

    UNUSED(state);
    assert_int_equal(
        http_client_request(c, "GET", "/echo", NULL, NULL, 0, NULL, NULL, &a, &err), -1);
    assert_int_not_equal(err.code, ERR_TIMEOUT);
    assert_non_null(strstr(err.text, "certificate"));
    http_client_free(c);
    c = client("http", NULL); /* in the clear: told so */
    assert_int_equal(
        http_client_request(c, "GET", "/echo", NULL, NULL, 0, NULL, NULL, &a, &err), 0);
    assert_int_equal(a.status, 400);
    http_answer_free(&a);
    http_client_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whole_and_streamed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refusals, set_up, tear_down),
    };

    signal(SIGPIPE, SIG_IGN);
    if (!tls_is_built_in())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
