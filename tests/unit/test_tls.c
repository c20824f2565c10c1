/* tls_mbedtls.c over a socketpair: both ends of a connection in one thread, moved on in
 * turns. The certificates are made by make_certs.sh. */
#include "core/io/tls.h"

#include "core/io/fd.h"
#include "core/io/loop.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define CERT(name) "build/gen/tls/" name ".pem"
#define KEY(name)  "build/gen/tls/" name ".key"

static const struct tls_settings plain_server = {.cert_file = CERT("server"),
                                                 .key_file = KEY("server")};
static const struct tls_settings plain_client = {.ca_file = CERT("ours")};

struct pair {
    struct tls_context *server_context, *client_context;
    struct transport *server, *client;
};

static void socket_pair(int fds[2], int buffer_bytes)
{
    assert_int_equal(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    for (int i = 0; buffer_bytes > 0 && i < 2; i++)
        assert_int_equal(
            setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes),
            0);
}

static void pair_open(struct pair *p, const struct tls_settings *server,
                      const struct tls_settings *client, const char *host,
                      int buffer_bytes)
{
    struct err err;
    int fds[2];
    socket_pair(fds, buffer_bytes);
    p->server_context = tls_context_new(TLS_SERVER, server, &err);
    p->client_context = tls_context_new(TLS_CLIENT, client, &err);
    assert_non_null(p->server_context);
    assert_non_null(p->client_context);
    p->server = tls_accept(p->server_context, fds[0]);
    p->client = tls_connect(p->client_context, fds[1], host);
    assert_non_null(p->server);
    assert_non_null(p->client);
}

static void pair_close(struct pair *p)
{
    if (p->server)
        p->server->ops->free(p->server);
    if (p->client)
        p->client->ops->free(p->client);
    tls_context_unref(p->server_context);
    tls_context_unref(p->client_context);
}

/* Sends n bytes from one end to the other; 0 when all have arrived, else the side that
 * failed: 1 the sender, 2 the receiver, 3 neither gets on. */
static int transfer(struct transport *from, struct transport *to, const char *data,
                    size_t n, char *out)
{
    size_t sent = 0, got = 0;
    for (int idle = 0; got < n && idle < 100; idle++) {
        if (sent < n) {
            ssize_t w = from->ops->write(from, data + sent, n - sent);
            if (w < 0 && errno != EAGAIN)
                return 1;
            if (w > 0) {
                sent += (size_t)w;
                idle = 0;
            } else {
                assert_int_not_equal(from->write_wants & (WATCH_READ | WATCH_WRITE), 0);
            }
        }
        ssize_t r = to->ops->read(to, out + got, n - got);
        if (r == 0 || (r < 0 && errno != EAGAIN))
            return 2;
        if (r > 0) {
            got += (size_t)r;
            idle = 0;
        } else {
            assert_int_not_equal(to->read_wants & (WATCH_READ | WATCH_WRITE), 0);
        }
    }
    return got == n ? 0 : 3;
}

static void expect_hello(struct pair *p)
{
    char out[16];
    assert_int_equal(transfer(p->client, p->server, "hello", 5, out), 0);
    assert_memory_equal(out, "hello", 5);
    assert_int_equal(transfer(p->server, p->client, "welcome", 7, out), 0);
    assert_memory_equal(out, "welcome", 7);
}

static void talks(void **state)
{
    UNUSED(state);
    static const struct {
        struct tls_settings server, client;
        const char *host;
    } cases[] = {
        {{.cert_file = CERT("server"), .key_file = KEY("server")},
         {.ca_file = CERT("ours")},
         "localhost"},
        {{.cert_file = CERT("server"), .key_file = KEY("server")},
         {.ca_file = CERT("ours")},
         "127.0.0.1"},
        {{.cert_file = CERT("server-rsa"), .key_file = KEY("server-rsa")},
         {.ca_file = CERT("ours")},
         "localhost"},
        {{.cert_file = CERT("server"), .key_file = KEY("server"), .only_tls13 = true},
         {.ca_file = CERT("ours")},
         "localhost"},
        {{.cert_file = CERT("server"), .key_file = KEY("server")},
         {.unverified = true},
         "another.name"},
        {{.cert_file = CERT("server"),
          .key_file = KEY("server"),
          .ca_file = CERT("ours")},
         {.ca_file = CERT("ours"),
          .cert_file = CERT("client"),
          .key_file = KEY("client")},
         "localhost"},
    };
    for (size_t i = 0; i < array_len(cases); i++) {
        struct pair p;
        pair_open(&p, &cases[i].server, &cases[i].client, cases[i].host, 0);
        expect_hello(&p);
        pair_close(&p);
    }
}

/* The client gets an error, or (where the server refuses it only after the client's own
 * handshake) the server does. words is looked for in what either says. */
static void refuses(void **state)
{
    UNUSED(state);
    static const struct {
        struct tls_settings server, client;
        const char *host;
        int failing; /* as transfer() has it, from client to server */
        const char *words;
    } cases[] = {
        {{.cert_file = CERT("server"), .key_file = KEY("server")},
         {.ca_file = CERT("foreign")},
         "localhost",
         1,
         "no known authority has signed it"},
        {{.cert_file = CERT("server"), .key_file = KEY("server")},
         {.ca_file = CERT("ours")},
         "another.name",
         1,
         "it is for another host name"},
        {{.cert_file = CERT("server"), .key_file = KEY("server")},
         {.ca_file = CERT("ours")},
         "127.0.0.2",
         1,
         "it is for another host name"},
        {{.cert_file = CERT("server"),
          .key_file = KEY("server"),
          .ca_file = CERT("ours")},
         {.ca_file = CERT("ours")},
         "localhost",
         2,
         "the client showed no certificate"},
        {{.cert_file = CERT("server"),
          .key_file = KEY("server"),
          .ca_file = CERT("ours")},
         {.ca_file = CERT("ours"),
          .cert_file = CERT("stranger"),
          .key_file = KEY("stranger")},
         "localhost",
         2,
         "no known authority has signed it"},
        {{.cert_file = CERT("server"),
          .key_file = KEY("server"),
          .ca_file = CERT("ours")},
         {.ca_file = CERT("ours"),
          .cert_file = CERT("server"),
          .key_file = KEY("server-rsa")},
         NULL,
         0,
         "is not the key of the certificate"},
    };
    for (size_t i = 0; i < array_len(cases); i++) {
        if (!cases[i].host) {
            struct err err;
            assert_null(tls_context_new(TLS_CLIENT, &cases[i].client, &err));
            assert_non_null(strstr(err.text, cases[i].words));
            continue;
        }
        struct pair p;
        char out[16];
        pair_open(&p, &cases[i].server, &cases[i].client, cases[i].host, 0);
        assert_int_equal(transfer(p.client, p.server, "hello", 5, out), cases[i].failing);
        assert_int_equal(errno, EPROTO);
        struct transport *t = cases[i].failing == 1 ? p.client : p.server;
        if (!strstr(t->err->text, cases[i].words))
            fail_msg("case %zu: %s", i, t->err->text);
        /* It lasts. */
        assert_int_equal(t->ops->read(t, out, sizeof out), -1);
        assert_int_equal(errno, EPROTO);
        assert_int_equal(t->ops->write(t, "x", 1), -1);
        assert_int_equal(errno, EPROTO);
        pair_close(&p);
    }
}

static void settings_are_checked(void **state)
{
    UNUSED(state);
    static const struct {
        enum tls_role role;
        struct tls_settings settings;
        const char *words;
    } cases[] = {
        {TLS_SERVER, {.cert_file = CERT("server")}, "needs a certificate file and a key"},
        {TLS_SERVER, {.key_file = KEY("server")}, "needs a certificate file and a key"},
        {TLS_SERVER,
         {.cert_file = CERT("missing"), .key_file = KEY("server")},
         "missing.pem: No such file or directory"},
        {TLS_SERVER,
         {.cert_file = CERT("server"), .key_file = KEY("missing")},
         "missing.key: No such file or directory"},
        {TLS_SERVER,
         {.cert_file = KEY("server"), .key_file = KEY("server")},
         "server.key: not a"},
        {TLS_SERVER,
         {.cert_file = CERT("server"), .key_file = CERT("server")},
         "server.pem: not an unencrypted private key"},
        {TLS_SERVER,
         {.cert_file = CERT("server"), .key_file = KEY("server-encrypted")},
         "server-encrypted.key: the key is encrypted"},
        {TLS_SERVER,
         {.cert_file = CERT("server"), .key_file = KEY("client")},
         "is not the key of the certificate"},
        {TLS_SERVER,
         {.cert_file = CERT("ed25519"), .key_file = KEY("ed25519")},
         "not supported"},
        {TLS_CLIENT, {.ca_file = CERT("missing")}, "missing.pem: No such file"},
    };
    for (size_t i = 0; i < array_len(cases); i++) {
        struct err err;
        assert_null(tls_context_new(cases[i].role, &cases[i].settings, &err));
        assert_int_equal(err.code, ERR_CONFIG);
        if (!strstr(err.text, cases[i].words))
            fail_msg("case %zu: %s", i, err.text);
    }
}

/* Through socket buffers smaller than a record, so that writes are refused in the middle;
 * the repeated write offers more bytes than the refused one did. */
static void carries_much(void **state)
{
    UNUSED(state);
    static char data[300000], out[sizeof data];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 7 + i / 256);
    struct pair p;
    pair_open(&p, &plain_server, &plain_client, "localhost", 4096);
    expect_hello(&p);
    assert_int_equal(transfer(p.server, p.client, data, sizeof data, out), 0);
    assert_memory_equal(out, data, sizeof data);

    /* Fill the socket with writes of 100 bytes, then offer all the rest at once. */
    size_t sent = 0, got = 0;
    ssize_t n;
    while ((n = p.server->ops->write(p.server, data + sent, 100)) > 0)
        sent += (size_t)n;
    assert_int_equal(errno, EAGAIN);
    memset(out, 0, sizeof out);
    while (got < sizeof data) {
        n = p.client->ops->read(p.client, out + got, sizeof out - got);
        if (n > 0)
            got += (size_t)n;
        if (sent < sizeof data) {
            n = p.server->ops->write(p.server, data + sent, sizeof data - sent);
            if (n > 0)
                sent += (size_t)n;
        }
    }
    assert_memory_equal(out, data, sizeof data);
    pair_close(&p);
}

static void ends_in_order(void **state)
{
    UNUSED(state);
    struct pair p;
    char out[16];
    pair_open(&p, &plain_server, &plain_client, "localhost", 0);
    expect_hello(&p);
    /* A record larger than what is asked for: the rest is pending, poll() is silent. */
    assert_int_equal(p.client->ops->write(p.client, "0123456789", 10), 10);
    assert_int_equal(p.server->ops->read(p.server, out, 4), 4);
    assert_true(p.server->ops->pending(p.server));
    assert_int_equal(p.server->ops->read(p.server, out, sizeof out), 6);
    assert_false(p.server->ops->pending(p.server));
    assert_int_equal(p.client->ops->shutdown(p.client), 0);
    assert_int_equal(p.server->ops->read(p.server, out, sizeof out), 0);
    pair_close(&p);

    /* Without a goodbye, also in the middle of the handshake: an end, not an error. */
    pair_open(&p, &plain_server, &plain_client, "localhost", 0);
    expect_hello(&p);
    p.client->ops->free(p.client);
    p.client = NULL;
    assert_int_equal(p.server->ops->read(p.server, out, sizeof out), 0);
    pair_close(&p);

    pair_open(&p, &plain_server, &plain_client, "localhost", 0);
    assert_int_equal(p.client->ops->read(p.client, out, sizeof out), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(p.client->read_wants, WATCH_READ);
    p.client->ops->free(p.client);
    p.client = NULL;
    ssize_t n;
    while ((n = p.server->ops->read(p.server, out, sizeof out)) < 0 && errno == EAGAIN)
        continue;
    assert_true(n == 0 || errno == EPIPE || errno == ECONNRESET);
    pair_close(&p);
}

/* What else may come to the port. */
static void answers_plain_text(void **state)
{
    UNUSED(state);
    struct err err;
    struct tls_context *c = tls_context_new(TLS_SERVER, &plain_server, &err);
    assert_non_null(c);
    int fds[2];
    char out[256] = "";
    socket_pair(fds, 0);
    struct transport *t = tls_accept(c, fds[0]);
    assert_int_equal(t->ops->read(t, out, sizeof out), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(write(fds[1], "GET / HTTP/1.1\r\n\r\n", 18), 18);
    assert_int_equal(t->ops->read(t, out, sizeof out), -1);
    assert_int_equal(errno, EPROTO);
    assert_string_equal(t->err->text, "plain text was sent to a TLS port");
    assert_true(read(fds[1], out, sizeof out - 1) > 0);
    assert_non_null(strstr(out, "HTTP/1.1 400 "));
    assert_non_null(strstr(out, "Content-Length: 32\r\n"));
    assert_int_equal(strlen(strstr(out, "\r\n\r\n") + 4), 32);
    t->ops->free(t);
    close(fds[1]);

    /* An empty ClientHello. */
    socket_pair(fds, 0);
    t = tls_accept(c, fds[0]);
    assert_int_equal(write(fds[1], "\x16\x03\x01\x00\x04\x01\x00\x00\x00", 9), 9);
    assert_int_equal(t->ops->read(t, out, sizeof out), -1);
    assert_int_equal(errno, EPROTO);
    assert_non_null(strstr(t->err->text, "TLS handshake: "));
    assert_true(read(fds[1], out, sizeof out) > 0); /* the alert arrives */
    assert_int_equal(out[0], 0x15);
    t->ops->free(t);
    close(fds[1]);
    tls_context_unref(c);
}

/* A hundred peers that send their first message and no more must not keep others from
 * connecting: nothing in the library that is limited in number may be held meanwhile. */
static void stalled_handshakes_block_nobody(void **state)
{
    UNUSED(state);
    enum { STALLED = 100 };
    struct pair p;
    struct err err;
    struct transport *servers[STALLED];
    int peers[STALLED], fds[2];
    char hello[2048], out[16];
    struct tls_context *c = tls_context_new(TLS_CLIENT, &plain_client, &err);
    socket_pair(fds, 0);
    struct transport *client = tls_connect(c, fds[0], "localhost");
    assert_int_equal(client->ops->read(client, out, sizeof out), -1);
    ssize_t length = read(fds[1], hello, sizeof hello);
    assert_true(length > 100);
    client->ops->free(client);
    close(fds[1]);
    tls_context_unref(c);

    pair_open(&p, &plain_server, &plain_client, "localhost", 0);
    for (size_t i = 0; i < STALLED; i++) {
        socket_pair(fds, 0);
        servers[i] = tls_accept(p.server_context, fds[0]);
        peers[i] = fds[1];
        assert_int_equal(write(peers[i], hello, (size_t)length), length);
        assert_int_equal(servers[i]->ops->read(servers[i], out, sizeof out), -1);
        assert_int_equal(errno, EAGAIN);
        assert_true(read(peers[i], out, sizeof out) > 0); /* the server's answer */
    }
    expect_hello(&p);
    pair_close(&p);
    for (size_t i = 0; i < STALLED; i++) {
        servers[i]->ops->free(servers[i]);
        close(peers[i]);
    }
}

/* A context lives as long as its last transport. */
static void transports_keep_their_context(void **state)
{
    UNUSED(state);
    struct pair p;
    pair_open(&p, &plain_server, &plain_client, "localhost", 0);
    tls_context_unref(p.server_context);
    tls_context_unref(p.client_context);
    p.server_context = p.client_context = NULL;
    expect_hello(&p);
    pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(talks),
        cmocka_unit_test(refuses),
        cmocka_unit_test(settings_are_checked),
        cmocka_unit_test(carries_much),
        cmocka_unit_test(ends_in_order),
        cmocka_unit_test(answers_plain_text),
        cmocka_unit_test(stalled_handshakes_block_nobody),
        cmocka_unit_test(transports_keep_their_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
