/* The client. The one idea: one request at a time, so one function that waits is enough,
 * and everything else is written as if the socket blocked. */
#include "core/http/http_client.h"

#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/base/str.h"
#include "core/io/loop.h"
#include "core/io/sock.h"
#include "core/io/tls.h"
#include "core/io/transport.h"
#include "core/wire/basic_auth.h"
#include "core/wire/http_body.h"
#include "core/wire/http_write.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    READ_BYTES = 64 * 1024,
    HEAD_MAX_BYTES = 64 * 1024,
    ANSWER_MAX_BYTES = 256 * 1024 * 1024,
    EXPECT_MAX_BYTES = 16 * 1024 * 1024, /* so much is believed before it comes */
    QUEUE_FULL_MS = 10,            /* between attempts when a unix server is that busy */
    QUEUE_FULL_MOST_MS = 10 * 1000 /* without a time limit of the user's */
};

struct http_client {
    struct url url;
    char *username, *password;
    char *ssl_ca_certs, *ssl_certfile, *ssl_keyfile;
    int timeout_ms;
    struct tls_context *tls; /* made when first needed */
    struct transport *t;     /* NULL: not connected */
    struct buf in;           /* read, not yet used */
    int also_fd;
    bool (*also_fn)(void *);
    void *also_arg;
};

/* A transfer in progress. */
struct transfer {
    const char *method, *target, *content_type, *body;
    size_t body_bytes;
    http_piece_fn *piece;
    void *arg;
    struct http_answer *answer;
    bool heard;   /* something of the answer has arrived */
    bool stopped; /* a callback wants no more of it */
    bool keep;    /* the connection can be used again */
};

struct http_client *http_client_new(const struct http_client_opts *opts, struct err *err)
{
    struct http_client *c = xcalloc(1, sizeof *c);

    buf_init(&c->in, HEAD_MAX_BYTES + READ_BYTES);
    c->also_fd = -1;
    if (url_parse(&c->url, opts->serverurl, err) < 0) {
        free(c);
        return NULL;
    }
    c->username = xstrdup(opts->username ? opts->username : c->url.user);
    c->password = xstrdup(opts->username ? opts->password : c->url.password);
    c->ssl_ca_certs = xstrdup(opts->ssl_ca_certs);
    c->ssl_certfile = xstrdup(opts->ssl_certfile);
    c->ssl_keyfile = xstrdup(opts->ssl_keyfile);
    c->timeout_ms = opts->timeout_ms;
    return c;
}

static void client_disconnect(struct http_client *c)
{
    if (c->t)
        c->t->ops->free(c->t);
    c->t = NULL;
    buf_consume(&c->in, c->in.len);
}

void http_client_free(struct http_client *c)
{
    if (c == NULL)
        return;
    client_disconnect(c);
    tls_context_unref(c->tls);
    buf_free(&c->in);
    url_clear(&c->url);
    free(c->username);
    alloc_wipe_text(c->password);
    free(c->password);
    free(c->ssl_ca_certs);
    free(c->ssl_certfile);
    free(c->ssl_keyfile);
    free(c);
}

void http_client_set_auth(struct http_client *c, const char *user, const char *password)
{
    free(c->username);
    alloc_wipe_text(c->password);
    free(c->password);
    c->username = xstrdup(user);
    c->password = xstrdup(password);
}

void http_client_also_poll(struct http_client *c, int fd, bool (*fn)(void *), void *arg)
{
    c->also_fd = fd;
    c->also_fn = fn;
    c->also_arg = arg;
}

void http_answer_free(struct http_answer *a)
{
    buf_free(&a->body);
}

/* --- waiting ----------------------------------------------------------------------- */

static int64_t deadline_of(const struct http_client *c)
{
    return c->timeout_ms > 0 ? mono_ms() + c->timeout_ms : -1;
}

static int poll_timeout_ms(int64_t due_ms)
{
    int64_t left_ms = due_ms - mono_ms();

    if (due_ms < 0)
        return -1;
    return left_ms < 0 ? 0 : left_ms > 3600000 ? 3600000 : (int)left_ms;
}

/* Waits until fd is ready for `want`; silence has a limit. The other descriptor is served
 * meanwhile. 0, or -1 with err; tr->stopped tells that a callback has had enough. */
static int client_wait(struct http_client *c, struct transfer *tr, int fd, unsigned want,
                       struct err *err)
{
    int64_t due_ms = deadline_of(c);

    for (;;) {
        int events =
            (want & WATCH_READ ? POLLIN : 0) | (want & WATCH_WRITE ? POLLOUT : 0);
        struct pollfd fds[2] = {{.fd = fd, .events = (short)events},
                                {.fd = c->also_fd, .events = POLLIN}};
        int n = poll(fds, 2, poll_timeout_ms(due_ms));

        if (n < 0 && errno != EINTR)
            return err_sys(err, "poll failed");
        if (n == 0 && due_ms >= 0 && mono_ms() >= due_ms)
            return err_set(err, ERR_TIMEOUT, "no answer within %d seconds",
                           c->timeout_ms / 1000);
        if (c->also_fn && (n < 0 || fds[1].revents) && !c->also_fn(c->also_arg)) {
            tr->stopped = true;
            return 0;
        }
        if (n > 0 && fds[0].revents)
            return 0;
    }
}

/* --- connecting -------------------------------------------------------------------- */

/* A unix socket whose queue is full refuses at once instead of waiting, so we do that. */
static int connect_unix(struct http_client *c, struct err *err)
{
    int64_t due_ms = mono_ms() + (c->timeout_ms > 0 ? c->timeout_ms : QUEUE_FULL_MOST_MS);
    int fd;

    while ((fd = sock_connect_unix(c->url.path, err)) < 0 && errno == EAGAIN &&
           mono_ms() < due_ms)
        poll(NULL, 0, QUEUE_FULL_MS);
    return fd;
}

static int connect_tcp(struct http_client *c, struct transfer *tr, struct err *err)
{
    int fd = sock_connect_tcp(c->url.host, c->url.port, err), result;

    if (fd < 0)
        return -1;
    if (client_wait(c, tr, fd, WATCH_WRITE, err) < 0) {
        close(fd);
        return -1;
    }
    result = tr->stopped ? 0 : sock_connect_result(fd);
    if (result != 0) {
        close(fd);
        errno = result;
        return err_sys(err, "cannot connect to %s:%d", c->url.host, c->url.port);
    }
    return fd;
}

/* The transport of a connected socket, fd being its own from now on. NULL with err. */
static struct transport *client_transport(struct http_client *c, int fd, struct err *err)
{
    struct tls_settings settings = {.cert_file = c->ssl_certfile,
                                    .key_file = c->ssl_keyfile,
                                    .ca_file = c->ssl_ca_certs};
    struct transport *t;

    if (c->url.scheme != URL_HTTPS)
        return transport_plain(fd);
    if (c->tls == NULL)
        c->tls = tls_context_new(TLS_CLIENT, &settings, err);
    if (c->tls == NULL) {
        close(fd);
        return NULL;
    }
    t = tls_connect(c->tls, fd, c->url.host);
    if (t == NULL)
        err_sys(err, "cannot begin TLS with %s", c->url.host);
    return t;
}

static int client_connect(struct http_client *c, struct transfer *tr, struct err *err)
{
    int fd = c->url.scheme == URL_UNIX ? connect_unix(c, err) : connect_tcp(c, tr, err);

    if (fd < 0)
        return -1;
    c->t = client_transport(c, fd, err);
    return c->t ? 0 : -1;
}

/* --- sending ----------------------------------------------------------------------- */

static void put_host(const struct http_client *c, struct buf *out)
{
    bool usual = c->url.port == (c->url.scheme == URL_HTTPS ? 443 : 80);

    if (c->url.scheme == URL_UNIX)
        buf_puts(out, "Host: localhost\r\n");
    else if (usual)
        buf_printf(out, strchr(c->url.host, ':') ? "Host: [%s]\r\n" : "Host: %s\r\n",
                   c->url.host);
    else
        buf_printf(out,
                   strchr(c->url.host, ':') ? "Host: [%s]:%d\r\n" : "Host: %s:%d\r\n",
                   c->url.host, c->url.port);
}

/* Head and body in one buffer: one system call sends them. 0 or -1 for lack of memory. */
static int put_request(const struct http_client *c, const struct transfer *tr,
                       struct buf *out)
{
    http_write_request(out, tr->method, tr->target);
    put_host(c, out);
    buf_puts(out, "User-Agent: supervisor\r\n");
    if (c->username) {
        buf_puts(out, "Authorization: ");
        basic_auth_write(out, c->username, c->password ? c->password : "");
        buf_puts(out, "\r\n");
    }
    if (tr->content_type)
        http_write_header(out, "Content-Type", tr->content_type);
    if (tr->body)
        http_write_header_uint(out, "Content-Length", tr->body_bytes);
    http_write_end(out);
    return tr->body ? buf_append(out, tr->body, tr->body_bytes) : 0;
}

/* The transport's words, or ours about errno. Returns -1. */
static int client_failed(const struct http_client *c, const char *what, struct err *err)
{
    if (c->t->err == NULL || c->t->err->code == ERR_NONE)
        return err_sys(err, "%s", what);
    *err = *c->t->err;
    return -1;
}

/* 0, or -1 with err. A peer that stops taking bytes may have answered already: that is
 * for the reader to find out. */
static int client_send(struct http_client *c, struct transfer *tr, struct buf *out,
                       struct err *err)
{
    while (out->len > 0 && !tr->stopped) {
        ssize_t n = c->t->ops->write(c->t, buf_data(out), out->len);

        if (n > 0) {
            buf_consume(out, (size_t)n);
        } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            if (client_wait(c, tr, c->t->fd, c->t->write_wants, err) < 0)
                return -1;
        } else if (n < 0 && (errno == EPIPE || errno == ECONNRESET)) {
            return 0;
        } else if (n < 0 && errno != EINTR) {
            return client_failed(c, "cannot send", err);
        }
    }
    return 0;
}

/* --- receiving --------------------------------------------------------------------- */

/* More bytes into c->in: their number, 0 at the end, -1 with err. */
static ssize_t client_read(struct http_client *c, struct transfer *tr, struct err *err)
{
    for (;;) {
        char *room;
        ssize_t n;

        if (buf_reserve(&c->in, READ_BYTES, &room) < 0)
            return err_set(err, ERR_LIMIT, "the answer's head is too long");
        n = c->t->ops->read(c->t, room, READ_BYTES);
        if (n > 0) {
            buf_commit(&c->in, (size_t)n);
            tr->heard = true;
            return n;
        }
        if (n == 0)
            return 0;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            return client_failed(c, "connection failed", err);
        if (client_wait(c, tr, c->t->fd, c->t->read_wants, err) < 0)
            return -1;
        if (tr->stopped)
            return 1; /* not the end; the caller looks at stopped */
    }
}

/* Reads the head of the answer, past those of 1xx. 0, or -1 with err. */
static int client_read_head(struct http_client *c, struct transfer *tr,
                            struct http_body *framing, struct err *err)
{
    static const struct http_head_limits limits = {8192, HEAD_MAX_BYTES};
    struct http_head head;
    int n = HTTP_MORE;
    ssize_t got;

    for (;;) {
        if (c->in.len > 0)
            n = http_parse_response(&head, buf_data(&c->in), c->in.len, &limits);
        if (n < 0)
            return err_set(err, ERR_PEER, "the server's answer is not HTTP");
        if (n > 0 && head.status >= 200)
            break;
        if (n > 0) {
            buf_consume(&c->in, (size_t)n);
            n = HTTP_MORE;
            continue;
        }
        got = client_read(c, tr, err);
        if (got < 0 || tr->stopped)
            return got < 0 ? -1 : 0;
        if (got == 0)
            return err_set(err, ERR_PEER,
                           "the server closed the connection without an "
                           "answer");
    }
    tr->answer->status = head.status;
    if (head.reason.len >= sizeof tr->answer->reason)
        head.reason.len = sizeof tr->answer->reason - 1;
    if (head.reason.len > 0)
        memcpy(tr->answer->reason, head.reason.ptr, head.reason.len);
    tr->answer->reason[head.reason.len] = '\0';
    tr->keep = head.minor > 0 ? !http_header_has_token(&head, "Connection", "close")
                              : http_header_has_token(&head, "Connection", "keep-alive");
    if (http_body_of_response(framing, &head, str_eq(tr->method, "HEAD")) < 0)
        return err_set(err, ERR_PEER, "the length of the server's answer is unclear");
    buf_consume(&c->in, (size_t)n);
    return 0;
}

static int client_deliver(struct transfer *tr, const char *data, size_t n,
                          struct err *err)
{
    if (n == 0)
        return 0;
    if (tr->piece)
        tr->stopped = !tr->piece(tr->arg, data, n);
    else if (buf_append(&tr->answer->body, data, n) < 0)
        return err_set(err, ERR_LIMIT, "the server's answer is too long");
    return 0;
}

static int client_read_body(struct http_client *c, struct transfer *tr,
                            struct http_body *framing, struct err *err)
{
    if (framing->kind == HTTP_BODY_CLOSE)
        tr->keep = false;
    if (framing->kind == HTTP_BODY_LENGTH && !tr->piece &&
        framing->left <= EXPECT_MAX_BYTES)
        buf_expect(&tr->answer->body, (size_t)framing->left);
    while (!framing->done && !tr->stopped) {
        size_t payload = 0;
        int64_t took = 0;
        ssize_t got;

        if (c->in.len > 0)
            took = http_body_feed(framing, buf_data(&c->in), c->in.len, &payload);
        if (took < 0)
            return err_set(err, ERR_PEER, "the framing of the server's answer is wrong");
        if (client_deliver(tr, buf_data(&c->in), payload, err) < 0)
            return -1;
        buf_consume(&c->in, (size_t)took);
        if (framing->done || tr->stopped)
            break;
        got = client_read(c, tr, err);
        if (got < 0)
            return -1;
        if (got == 0 && framing->kind == HTTP_BODY_CLOSE)
            return 0;
        if (got == 0)
            return err_set(err, ERR_PEER, "the server's answer ends too early");
    }
    return 0;
}

/* --- a request --------------------------------------------------------------------- */

static int client_exchange(struct http_client *c, struct transfer *tr, struct err *err)
{
    struct http_body framing = {0};
    struct buf out;
    int rc = -1;

    buf_init(&out, BUF_NO_LIMIT);
    if (put_request(c, tr, &out) < 0)
        err_set(err, ERR_LIMIT, "the request is too long");
    else if (c->t == NULL && client_connect(c, tr, err) < 0)
        rc = -1;
    else if (client_send(c, tr, &out, err) < 0)
        rc = -1;
    else if (tr->stopped)
        rc = 0;
    else if (client_read_head(c, tr, &framing, err) < 0)
        rc = -1;
    else if (tr->stopped)
        rc = 0;
    else
        rc = client_read_body(c, tr, &framing, err);
    buf_free(&out);
    if (rc < 0 || tr->stopped || !tr->keep)
        client_disconnect(c);
    return rc;
}

int http_client_request(struct http_client *c, const char *method, const char *target,
                        const char *content_type, const char *body, size_t body_bytes,
                        http_piece_fn *piece, void *arg, struct http_answer *answer,
                        struct err *err)
{
    struct transfer tr = {.method = method,
                          .target = target,
                          .content_type = content_type,
                          .body = body,
                          .body_bytes = body_bytes,
                          .piece = piece,
                          .arg = arg,
                          .answer = answer};
    bool kept = c->t != NULL;
    struct err mine;
    int rc;

    *answer = (struct http_answer){0};
    buf_init(&answer->body, ANSWER_MAX_BYTES);
    if (err == NULL)
        err = &mine;
    rc = client_exchange(c, &tr, err);
    /* The server may close a kept connection at any time: no sign that it saw this. */
    if (rc < 0 && kept && !tr.heard && err->code != ERR_TIMEOUT)
        rc = client_exchange(c, &tr, err);
    if (rc < 0)
        http_answer_free(answer);
    return rc;
}
