/* The client against peers that answer from a script: framing, kept connections,
 * refusals, silence. The peer is a child process, so that the client may wait as it does
 * in use. */
#include "core/http/http_client.h"
#include "core/http/rpc_client.h"

#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/io/sock.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64], url[128];

static int set_up(void **state)
{
    UNUSED(state);
    strcpy(dir, "/tmp/test-client-XXXXXX");
    if (mkdtemp(dir) == NULL || chdir(dir) < 0)
        return -1;
    snprintf(url, sizeof url, "unix://%s/s", dir);
    return 0;
}

static int tear_down(void **state)
{
    UNUSED(state);
    unlink("s");
    unlink("log");
    return chdir("/") < 0 || rmdir(dir) < 0 ? -1 : 0;
}

/* Reads one request (head and body by length) into text. False at the end. */
static bool peer_read(int fd, char *text, size_t size)
{
    size_t n = 0, want = 0;

    while (n < size - 1) {
        ssize_t got = read(fd, text + n, want ? want - n : 1);
        const char *length;

        if (got <= 0)
            return false;
        n += (size_t)got;
        text[n] = '\0';
        if (want == 0 && n >= 4 && strcmp(text + n - 4, "\r\n\r\n") == 0) {
            length = strstr(text, "Content-Length: ");
            want = n + (length ? strtoul(length + 16, NULL, 10) : 0);
        }
        if (want && n == want)
            return true;
    }
    return false;
}

/* One connection after the other; each answer is the next of the script: "" closes
 * without an answer, one that begins with "!" closes after it, and "..." is silence. What
 * was asked goes to the file log. Returns the peer's pid. */
static pid_t peer(const char *const *script)
{
    struct sock_unix_opts opts = {.mode = 0700};
    struct err err;
    int listener = sock_listen_unix("s", &opts, NULL, &err);
    pid_t pid;

    assert_true(listener >= 0);
    pid = fork();
    if (pid != 0) {
        close(listener);
        return pid;
    }
    alarm(20);
    FILE *log = fopen("log", "w");
    char text[65536], from[64];

    while (*script) {
        struct pollfd p = {.fd = listener, .events = POLLIN};
        int fd = poll(&p, 1, -1) > 0 ? sock_accept(listener, from) : -1;

        if (fd < 0)
            _exit(1);
        fcntl(fd, F_SETFL, 0);
        while (*script && peer_read(fd, text, sizeof text)) {
            const char *answer = *script++;

            fprintf(log, "%s\n---\n", text);
            fflush(log);
            if (strcmp(answer, "...") == 0)
                pause();
            for (const char *at = answer + (*answer == '!'); *at; at++) {
                if (write(fd, at, 1) < 0) /* in the smallest pieces */
                    break;
            }
            if (*answer == '!' || *answer == '\0')
                break;
        }
        close(fd);
    }
    _exit(0);
}

static void peer_end(pid_t pid)
{
    int status;

    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    unlink("s");
}

static struct http_client *client(int timeout_ms)
{
    struct http_client_opts opts = {.serverurl = url,
                                    .username = "user",
                                    .password = "pass",
                                    .timeout_ms = timeout_ms};
    struct err err;
    struct http_client *c = http_client_new(&opts, &err);

    assert_non_null(c);
    return c;
}

static int get(struct http_client *c, struct http_answer *a, struct err *err)
{
    return http_client_request(c, "GET", "/x", NULL, NULL, 0, NULL, NULL, a, err);
}

static void test_framings(void **state)
{
    static const char *const script[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not There\r\nTransfer-Encoding: "
        "chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n",
        "!HTTP/1.0 200 OK\r\n\r\nuntil the end",
        "!HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        NULL};
    static const struct {
        int status;
        const char *reason, *body;
    } expected[] = {{200, "OK", "hello"},
                    {404, "Not There", "abcde"},
                    {200, "OK", "until the end"},
                    {204, "No Content", ""},
                    {200, "OK", ""}};
    struct http_client *c = client(10000);
    pid_t pid = peer(script);

    UNUSED(state);
    for (size_t i = 0; i < array_len(expected); i++) {
        struct http_answer a;
        struct err err;

        if (get(c, &a, &err) < 0)
            fail_msg("%zu: %s", i, err.text);
        assert_int_equal(a.status, expected[i].status);
        assert_string_equal(a.reason, expected[i].reason);
        assert_string_equal(buf_str(&a.body), expected[i].body);
        http_answer_free(&a);
    }
    http_client_free(c);
    peer_end(pid);
}

static void test_what_is_sent(void **state)
{
    static const char *const script[] = {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                                         "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                                         NULL};
    struct http_client *c = client(10000);
    pid_t pid = peer(script);
    struct http_answer a;
    struct err err;
    char text[2000] = "";
    FILE *log;

    UNUSED(state);
    assert_int_equal(http_client_request(c, "POST", "/RPC2", "text/xml", "<x/>", 4, NULL,
                                         NULL, &a, &err),
                     0);
    http_answer_free(&a);
    http_client_set_auth(c, NULL, NULL);
    assert_int_equal(get(c, &a, &err), 0);
    http_answer_free(&a);
    log = fopen("log", "r");
    assert_true(fread(text, 1, sizeof text - 1, log) > 0);
    fclose(log);
    assert_string_equal(text, "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\n"
                              "User-Agent: supervisor\r\n"
                              "Authorization: Basic dXNlcjpwYXNz\r\n"
                              "Content-Type: text/xml\r\nContent-Length: 4\r\n\r\n<x/>"
                              "\n---\n"
                              "GET /x HTTP/1.1\r\nHost: localhost\r\n"
                              "User-Agent: supervisor\r\n\r\n\n---\n");
    http_client_free(c);
    peer_end(pid);
}

/* A kept connection that the server has closed is opened again, once. */
static void test_kept_connection_closed(void **state)
{
    static const char *const script[] = {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1",
                                         "",
                                         "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2",
                                         "",
                                         "",
                                         NULL};
    struct http_client *c = client(10000);
    pid_t pid = peer(script);
    struct http_answer a;
    struct err err;

    UNUSED(state);
    assert_int_equal(get(c, &a, &err), 0);
    http_answer_free(&a);
    assert_int_equal(get(c, &a, &err), 0);
    assert_string_equal(buf_str(&a.body), "2");
    http_answer_free(&a);
    assert_int_equal(get(c, &a, &err), -1); /* twice: that is the server's will */
    assert_int_equal(err.code, ERR_PEER);
    http_client_free(c);
    peer_end(pid);
}

static void test_bad_answers(void **state)
{
    static const char *const script[] = {
        "!SMTP ready\r\n\r\n",
        "!HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        "!HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "!HTTP/1.1 200",
        "",
        NULL};
    struct http_client *c = client(10000);
    pid_t pid = peer(script);

    UNUSED(state);
    for (size_t i = 0; i < array_len(script) - 1; i++) {
        struct http_answer a;
        struct err err;

        assert_int_equal(get(c, &a, &err), -1);
        assert_int_equal(err.code, ERR_PEER);
    }
    http_client_free(c);
    peer_end(pid);
}

static void test_no_connection(void **state)
{
    struct http_client *c = client(1000);
    struct http_client_opts bad = {.serverurl = "gopher://x"};
    struct sock_unix_opts opts = {.mode = 0700};
    struct http_answer a;
    struct err err;
    int fd;

    UNUSED(state);
    assert_int_equal(get(c, &a, &err), -1);
    assert_int_equal(err.code, ERR_SYS);
    assert_int_equal(err.sys, ENOENT);
    fd = sock_listen_unix("s", &opts, NULL, &err);
    close(fd);
    assert_int_equal(get(c, &a, &err), -1);
    assert_int_equal(err.sys, ECONNREFUSED);
    http_client_free(c);
    assert_null(http_client_new(&bad, &err));
    strcpy(url, "http://127.0.0.1:1");
    c = client(1000);
    assert_int_equal(get(c, &a, &err), -1);
    assert_int_equal(err.code, ERR_SYS);
    assert_int_equal(err.sys, ECONNREFUSED);
    http_client_free(c);
}

static void test_silence(void **state)
{
    static const char *const script[] = {"...", NULL};
    struct http_client *c = client(150);
    pid_t pid = peer(script);
    int64_t before_ms = mono_ms();
    struct http_answer a;
    struct err err;

    UNUSED(state);
    assert_int_equal(get(c, &a, &err), -1);
    assert_int_equal(err.code, ERR_TIMEOUT);
    assert_true(mono_ms() - before_ms >= 150);
    http_client_free(c);
    peer_end(pid);
}

struct pieces {
    char text[64];
    int calls, most;
};

static bool take_piece(void *arg, const char *data, size_t n)
{
    struct pieces *p = arg;

    strncat(p->text, data, n);
    return ++p->calls < p->most;
}

static bool hear(void *arg)
{
    int *calls = arg;

    return ++*calls < 3;
}

static void test_pieces(void **state)
{
    static const char *const script[] = {
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
        "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n"
        "\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\n", "...",
        NULL};
    struct http_client *c = client(10000);
    pid_t pid = peer(script);
    struct pieces p = {.most = 100};
    struct http_answer a;
    struct err err;
    int ends[2], heard = 0;

    UNUSED(state);
    assert_int_equal(
        http_client_request(c, "GET", "/tail", NULL, NULL, 0, take_piece, &p, &a, &err),
        0);
    assert_string_equal(p.text, "abcde");
    assert_int_equal(a.body.len, 0);
    http_answer_free(&a);
    p = (struct pieces){.most = 1}; /* enough after the first; the stream never ends */
    assert_int_equal(
        http_client_request(c, "GET", "/tail", NULL, NULL, 0, take_piece, &p, &a, &err),
        0);
    assert_int_equal(a.status, 200);
    assert_int_equal(p.calls, 1);
    http_answer_free(&a);
    /* another descriptor is heard meanwhile, and may end it */
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    http_client_also_poll(c, ends[0], hear, &heard);
    assert_int_equal(get(c, &a, &err), 0);
    assert_int_equal(heard, 3);
    http_answer_free(&a);
    close(ends[0]);
    close(ends[1]);
    http_client_free(c);
    peer_end(pid);
}

#define XML(text)    "<?xml version='1.0'?><methodResponse>" text "</methodResponse>"
#define ANSWER(text) "!HTTP/1.0 200 OK\r\n\r\n" text

static void test_rpc(void **state)
{
    static const char *const script[] = {
        ANSWER(XML("<params><param><value><int>7</int></value></param></params>")),
        ANSWER(
            XML("<fault><value><struct><member><name>faultCode</name><value><int>10"
                "</int></value></member><member><name>faultString</name><value><string>"
                "BAD_NAME: x</string></value></member></struct></value></fault>")),
        "!HTTP/1.1 401 Unauthorized\r\n\r\n", ANSWER("<html>"), NULL};
    struct http_client *c = client(10000);
    pid_t pid = peer(script);
    struct rpc_value *params = rpc_array();
    struct rpc_reply reply;

    UNUSED(state);
    rpc_push(params, rpc_str("a<b"));
    assert_int_equal(rpc_call(c, "supervisor.x", params, &reply), RPC_OK);
    assert_int_equal(reply.value->number, 7);
    rpc_reply_free(&reply);
    assert_int_equal(rpc_call(c, "supervisor.x", NULL, &reply), RPC_FAULT);
    assert_int_equal(reply.fault_code, 10);
    assert_string_equal(reply.fault_text, "BAD_NAME: x");
    rpc_reply_free(&reply);
    assert_int_equal(rpc_call(c, "supervisor.x", NULL, &reply), RPC_HTTP);
    assert_int_equal(reply.http_status, 401);
    assert_string_equal(reply.http_reason, "Unauthorized");
    rpc_reply_free(&reply);
    assert_int_equal(rpc_call(c, "supervisor.x", NULL, &reply), RPC_NO_ANSWER);
    assert_int_not_equal(reply.err.code, ERR_NONE);
    rpc_reply_free(&reply);
    http_client_free(c);
    peer_end(pid);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_framings),    T(test_what_is_sent),  T(test_kept_connection_closed),
        T(test_bad_answers), T(test_no_connection), T(test_silence),
        T(test_pieces),      T(test_rpc),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
