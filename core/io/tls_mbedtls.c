/* TLS with mbedTLS 3.6. Everything the library asks of the outside is given here: random
 * numbers (getrandom, which needs no file), bytes (send and recv on a non-blocking
 * socket) and words for the errors that users meet. Another version of the library
 * changes this file alone. */
#include "core/io/tls.h"

#include "core/base/alloc.h"
#include "core/base/str.h"
#include "core/io/loop.h"

#include <errno.h>
#include <limits.h>
#include <mbedtls/net_sockets.h> /* its error numbers only */
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

struct tls_context {
    mbedtls_ssl_config config;
    mbedtls_x509_crt cert, ca;
    mbedtls_pk_context key;
    enum tls_role role;
    unsigned references;
};

struct tls_transport {
    struct transport base;
    struct tls_context *context;
    mbedtls_ssl_context ssl;
    struct err err;   /* base.err points here */
    bool peeked;      /* the first byte was looked at (server) */
    bool open;        /* the handshake is done */
    bool failed;      /* for good; err says why */
    int socket_errno; /* of the last failure of send or recv */
    int deaf_errno; /* why the peer takes nothing more; what it said last is still read */
    size_t refused; /* length of the write that has to be repeated, or 0 */
};

/* --- random numbers ------------------------------------------------------------------
 */

/* Never blocks: before the kernel's pool is ready this fails, and so does the context. */
static int random_fill(unsigned char *out, size_t n)
{
    while (n > 0) {
        ssize_t got = getrandom(out, n, GRND_NONBLOCK);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return -1;
        out += got;
        n -= (size_t)got;
    }
    return 0;
}

static int random_for_tls(void *unused, unsigned char *out, size_t n)
{
    UNUSED(unused);
    return random_fill(out, n) < 0 ? (int)PSA_ERROR_INSUFFICIENT_ENTROPY : 0;
}

/* The library's name and type: MBEDTLS_PSA_CRYPTO_EXTERNAL_RNG. */
psa_status_t
mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t *context,
                                uint8_t *output, size_t output_size,
                                size_t *output_length)
{
    UNUSED(context);
    *output_length = 0;
    if (random_fill(output, output_size) < 0)
        return PSA_ERROR_INSUFFICIENT_ENTROPY;
    *output_length = output_size;
    return PSA_SUCCESS;
}

/* --- words for errors ----------------------------------------------------------------
 */

static const struct {
    int code;
    const char *words;
} meanings[] = {
    {MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE,
     "the peer refused (an alert: perhaps it wants another certificate or version)"},
    {MBEDTLS_ERR_SSL_INVALID_MAC,
     "a damaged record (a TLS 1.3 server that refused the client's certificate looks "
     "like this)"},
    {MBEDTLS_ERR_SSL_INVALID_RECORD, "what came is not TLS"},
    {MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE, "the client showed no certificate"},
    {MBEDTLS_ERR_SSL_BAD_CERTIFICATE, "the peer's certificate cannot be used"},
    {MBEDTLS_ERR_SSL_CA_CHAIN_REQUIRED, "no authorities to check the peer's certificate"},
    {MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION, "no version of TLS in common"},
    {MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE, "no cipher or key exchange in common"},
    {MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE, "a message out of order"},
    {MBEDTLS_ERR_SSL_DECODE_ERROR, "a message that cannot be decoded"},
    {MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER, "a message with a value that is not allowed"},
    {MBEDTLS_ERR_SSL_UNRECOGNIZED_NAME, "the server does not know this name"},
    {MBEDTLS_ERR_SSL_ALLOC_FAILED, "out of memory"},
    {MBEDTLS_ERR_X509_CERT_VERIFY_FAILED, "the peer's certificate is not trusted"},
    {MBEDTLS_ERR_X509_FILE_IO_ERROR, "cannot read the file"},
    {MBEDTLS_ERR_X509_CERT_UNKNOWN_FORMAT, "not a certificate in PEM or DER"},
    {MBEDTLS_ERR_X509_UNKNOWN_SIG_ALG,
     "signed in a way that is not supported (RSA and ECDSA are; Ed25519 is not)"},
    {MBEDTLS_ERR_X509_INVALID_FORMAT, "not a sound certificate"},
    {MBEDTLS_ERR_PK_FILE_IO_ERROR, "cannot read the file"},
    {MBEDTLS_ERR_PK_UNKNOWN_PK_ALG, "a kind of key that is not supported (RSA and ECDSA "
                                    "are; Ed25519 is not)"},
    {MBEDTLS_ERR_PK_UNKNOWN_NAMED_CURVE,
     "a curve that is not supported (P-256 and P-384 are)"},
    {MBEDTLS_ERR_PK_PASSWORD_REQUIRED,
     "the key is encrypted; store it without a password"},
    {MBEDTLS_ERR_PK_KEY_INVALID_FORMAT,
     "not an unencrypted private key in PEM or DER (encrypted ones are not supported)"},
};

/* Codes are the sum of a module's number (the high bits) and of what it met below (the
 * low seven): the sum first, then the module alone. buf is used where no words are known.
 */
static const char *words_for(int code, char *buf, size_t size)
{
    const int tries[] = {code, -(-code & ~0x7f)};
    for (size_t k = 0; k < array_len(tries); k++)
        for (size_t i = 0; i < array_len(meanings); i++)
            if (meanings[i].code == tries[k])
                return meanings[i].words;
    snprintf(buf, size, "TLS error -0x%04x", (unsigned)-code);
    return buf;
}

/* What can be wrong with a certificate, by what helps the user most. The library's own
 * words come only together with code that prints whole certificates. */
static const struct {
    uint32_t flag;
    const char *words;
} distrusts[] = {
    {MBEDTLS_X509_BADCERT_EXPIRED, "it has expired"},
    {MBEDTLS_X509_BADCERT_FUTURE, "it is not valid yet"},
    {MBEDTLS_X509_BADCERT_CN_MISMATCH, "it is for another host name"},
    {MBEDTLS_X509_BADCERT_NOT_TRUSTED, "no known authority has signed it"},
    {MBEDTLS_X509_BADCERT_MISSING, "there is none"},
    {MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE |
         MBEDTLS_X509_BADCERT_NS_CERT_TYPE,
     "it is not meant for this use"},
    {MBEDTLS_X509_BADCERT_BAD_MD, "its signature uses a weak hash"},
    {MBEDTLS_X509_BADCERT_BAD_PK | MBEDTLS_X509_BADCERT_BAD_KEY,
     "its key is too weak, or of a kind that is not supported"},
};

static const char *words_for_distrust(uint32_t flags)
{
    for (size_t i = 0; i < array_len(distrusts); i++)
        if (flags & distrusts[i].flag)
            return distrusts[i].words;
    return "it cannot be checked";
}

/* --- contexts ------------------------------------------------------------------------
 */

static int fail_file(struct err *err, const char *path, int code)
{
    char buf[32];
    if ((code == MBEDTLS_ERR_X509_FILE_IO_ERROR ||
         code == MBEDTLS_ERR_PK_FILE_IO_ERROR) &&
        errno != 0)
        return err_set(err, ERR_CONFIG, "%s: %s", path, strerror(errno));
    return err_set(err, ERR_CONFIG, "%s: %s", path, words_for(code, buf, sizeof buf));
}

static int read_certs(mbedtls_x509_crt *certs, const char *path, struct err *err)
{
    errno = 0;
    int rc = mbedtls_x509_crt_parse_file(certs, path);
    if (rc > 0)
        return err_set(err, ERR_CONFIG, "%s: %d of its certificates cannot be read", path,
                       rc);
    return rc < 0 ? fail_file(err, path, rc) : 0;
}

/* Where distributions keep the authorities they trust. */
static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt", /* Debian, Alpine, Arch */
    "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, RHEL */
    "/etc/ssl/ca-bundle.pem",             /* SUSE */
    "/etc/ssl/cert.pem",
};

static int read_system_bundle(mbedtls_x509_crt *certs, struct err *err)
{
    /* One certificate of an unknown kind among a hundred is no reason to refuse. */
    for (size_t i = 0; i < array_len(bundles); i++)
        if (mbedtls_x509_crt_parse_file(certs, bundles[i]) >= 0)
            return 0;
    return err_set(err, ERR_CONFIG,
                   "no file of trusted authorities on this system; name one");
}

/* The library has no words of its own for the newer of the two forms. */
static bool is_encrypted(const char *path)
{
    char text[8192];
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f)
        fclose(f);
    text[n] = '\0';
    bool found =
        strstr(text, "BEGIN ENCRYPTED PRIVATE KEY") || strstr(text, ",ENCRYPTED");
    memset(text, 0, sizeof text); /* it may be a key */
    return found;
}

static int read_pair(struct tls_context *c, const struct tls_settings *s, struct err *err)
{
    if (!s->cert_file && !s->key_file && c->role == TLS_CLIENT)
        return 0;
    if (!s->cert_file || !s->key_file)
        return err_set(err, ERR_CONFIG, "TLS needs a certificate file and a key file");
    if (read_certs(&c->cert, s->cert_file, err) < 0)
        return -1;
    errno = 0;
    int rc = mbedtls_pk_parse_keyfile(&c->key, s->key_file, NULL, random_for_tls, NULL);
    if (rc != 0 && is_encrypted(s->key_file))
        return err_set(err, ERR_CONFIG,
                       "%s: the key is encrypted; decrypt it for us (openssl pkey)",
                       s->key_file);
    if (rc != 0)
        return fail_file(err, s->key_file, rc);
    if (mbedtls_pk_check_pair(&c->cert.pk, &c->key, random_for_tls, NULL) != 0)
        return err_set(err, ERR_CONFIG, "%s: is not the key of the certificate in %s",
                       s->key_file, s->cert_file);
    rc = mbedtls_ssl_conf_own_cert(&c->config, &c->cert, &c->key);
    return rc != 0 ? fail_file(err, s->cert_file, rc) : 0;
}

static int read_authorities(struct tls_context *c, const struct tls_settings *s,
                            struct err *err)
{
    bool asked = c->role == TLS_CLIENT ? !s->unverified : s->ca_file != NULL;
    mbedtls_ssl_conf_authmode(&c->config, asked ? MBEDTLS_SSL_VERIFY_REQUIRED
                                                : MBEDTLS_SSL_VERIFY_NONE);
    if (!asked)
        return 0;
    if (s->ca_file ? read_certs(&c->ca, s->ca_file, err) < 0
                   : read_system_bundle(&c->ca, err) < 0)
        return -1;
    mbedtls_ssl_conf_ca_chain(&c->config, &c->ca, NULL);
    return 0;
}

static int context_fill(struct tls_context *c, const struct tls_settings *s,
                        struct err *err)
{
    unsigned char probe; /* what follows would take a lack of them for a bad key */
    if (random_fill(&probe, 1) < 0 || psa_crypto_init() != PSA_SUCCESS) {
        errno = EAGAIN;
        return err_sys(err, "no random numbers for TLS yet");
    }
    int rc = mbedtls_ssl_config_defaults(
        &c->config, c->role == TLS_SERVER ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
        MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    if (rc != 0)
        return err_set(err, ERR_LIMIT, "no memory for TLS");
    mbedtls_ssl_conf_rng(&c->config, random_for_tls, NULL);
    mbedtls_ssl_conf_min_tls_version(&c->config, s->only_tls13
                                                     ? MBEDTLS_SSL_VERSION_TLS1_3
                                                     : MBEDTLS_SSL_VERSION_TLS1_2);
    return read_pair(c, s, err) < 0 || read_authorities(c, s, err) < 0 ? -1 : 0;
}

bool tls_is_built_in(void)
{
    return true;
}

struct tls_context *tls_context_new(enum tls_role role,
                                    const struct tls_settings *settings, struct err *err)
{
    struct tls_context *c = xcalloc(1, sizeof *c);
    c->role = role;
    c->references = 1;
    mbedtls_ssl_config_init(&c->config);
    mbedtls_x509_crt_init(&c->cert);
    mbedtls_x509_crt_init(&c->ca);
    mbedtls_pk_init(&c->key);
    if (context_fill(c, settings, err) == 0)
        return c;
    tls_context_unref(c);
    return NULL;
}

struct tls_context *tls_context_ref(struct tls_context *c)
{
    c->references++;
    return c;
}

void tls_context_unref(struct tls_context *c)
{
    if (!c || --c->references > 0)
        return;
    mbedtls_ssl_config_free(&c->config);
    mbedtls_x509_crt_free(&c->cert);
    mbedtls_x509_crt_free(&c->ca);
    mbedtls_pk_free(&c->key);
    free(c);
}

/* --- the transport -------------------------------------------------------------------
 */

static struct tls_transport *of(struct transport *t)
{
    return container_of(t, struct tls_transport, base);
}

static int socket_failed(struct tls_transport *t, int want, int otherwise)
{
    if (errno == EAGAIN || errno == EINTR)
        return want;
    t->socket_errno = errno;
    return errno == EPIPE || errno == ECONNRESET ? MBEDTLS_ERR_NET_CONN_RESET : otherwise;
}

static int bio_send(void *arg, const unsigned char *data, size_t n)
{
    struct tls_transport *t = arg;
    ssize_t sent = send(t->base.fd, data, n, MSG_NOSIGNAL);
    /* A server that refuses us says why in an alert and closes: that alert waits to be
     * read while we are still sending. */
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET) &&
        t->context->role == TLS_CLIENT) {
        t->deaf_errno = errno;
        return (int)n;
    }
    if (sent < 0)
        return socket_failed(t, MBEDTLS_ERR_SSL_WANT_WRITE, MBEDTLS_ERR_NET_SEND_FAILED);
    return (int)sent;
}

static int bio_recv(void *arg, unsigned char *data, size_t n)
{
    struct tls_transport *t = arg;
    ssize_t got = recv(t->base.fd, data, n, 0);
    if (got < 0)
        return socket_failed(t, MBEDTLS_ERR_SSL_WANT_READ, MBEDTLS_ERR_NET_RECV_FAILED);
    if (got == 0 && t->deaf_errno != 0) {
        t->socket_errno = t->deaf_errno;
        return MBEDTLS_ERR_NET_CONN_RESET;
    }
    return (int)got;
}

/* Sends the alert on its way: what the peer sent meanwhile is thrown away, because unread
 * input makes close() reset the connection, and the peer would lose the alert. */
static void end_sending(struct tls_transport *t)
{
    char discard[4096];
    shutdown(t->base.fd, SHUT_WR);
    for (int i = 0; i < 64 && recv(t->base.fd, discard, sizeof discard, MSG_DONTWAIT) > 0;
         i++)
        continue;
}

static ssize_t fail_for_good(struct tls_transport *t, int code)
{
    char buf[32];
    t->failed = true;
    if (t->socket_errno != 0) {
        errno = t->socket_errno;
        err_sys(&t->err, t->open ? "TLS connection" : "TLS handshake");
        return -1;
    }
    uint32_t flags = mbedtls_ssl_get_verify_result(&t->ssl); /* all bits: not done */
    if ((code == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED ||
         code == MBEDTLS_ERR_SSL_BAD_CERTIFICATE) &&
        flags != 0 && flags != UINT32_MAX) {
        err_set(&t->err, ERR_PEER, "the peer's certificate is not trusted: %s",
                words_for_distrust(flags));
    } else {
        err_set(&t->err, ERR_PEER, "%s: %s", t->open ? "TLS connection" : "TLS handshake",
                words_for(code, buf, sizeof buf));
    }
    end_sending(t);
    errno = EPROTO;
    return -1;
}

/* Turns the library's answer to a read, a write or a handshake into read(2)'s. */
static ssize_t answer(struct tls_transport *t, int code, unsigned *wants)
{
    switch (code) {
    case MBEDTLS_ERR_SSL_WANT_READ:
    case MBEDTLS_ERR_SSL_WANT_WRITE:
        *wants = code == MBEDTLS_ERR_SSL_WANT_READ ? WATCH_READ : WATCH_WRITE;
        errno = EAGAIN;
        return -1;
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
        return 0;
    default:
        return fail_for_good(t, code);
    }
}

/* A browser or script that speaks plain HTTP to the TLS port learns what is wrong. */
static int refuse_plain_text(struct tls_transport *t)
{
    static const char reply[] = "HTTP/1.1 400 Bad Request\r\n"
                                "Content-Type: text/plain\r\n"
                                "Content-Length: 32\r\n"
                                "Connection: close\r\n\r\n"
                                "This port speaks TLS: use https\n";
    (void)!send(t->base.fd, reply, sizeof reply - 1, MSG_NOSIGNAL);
    err_set(&t->err, ERR_PEER, "plain text was sent to a TLS port");
    t->failed = true;
    end_sending(t);
    errno = EPROTO;
    return -1;
}

/* 1: go on; 0: the peer left; -1: errno. */
static int look_at_first_byte(struct tls_transport *t, unsigned *wants)
{
    unsigned char first;
    ssize_t n = recv(t->base.fd, &first, 1, MSG_PEEK);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        *wants = WATCH_READ;
        errno = EAGAIN;
        return -1;
    }
    if (n <= 0)
        return (int)n;
    t->peeked = true;
    /* 0x16 opens a handshake record; 0x15 an alert, the library's to answer. */
    return first == 0x16 || first == 0x15 ? 1 : refuse_plain_text(t);
}

/* A step of a handshake takes up to 12 ms (RSA of 4096 bits), and hundreds may begin at
 * once: others are served in between. */
enum { STEPS_PER_TURN = 8 };

static int steps_left = INT_MAX; /* no limit for who never calls tls_turn */

void tls_turn(void)
{
    steps_left = STEPS_PER_TURN;
}

/* 1: the handshake is done; else what answer() says, or 0 if the peer left in the middle.
 */
static int make_ready(struct tls_transport *t, unsigned *wants)
{
    if (t->failed) {
        errno = EPROTO;
        return -1;
    }
    if (t->open)
        return 1;
    if (t->context->role == TLS_SERVER && !t->peeked) {
        int rc = look_at_first_byte(t, wants);
        if (rc <= 0)
            return rc;
    }
    if (t->context->role == TLS_SERVER && --steps_left < 0) {
        steps_left = 0;
        *wants = WATCH_READ; /* it is told of again in the next turn */
        errno = EAGAIN;
        return -1;
    }
    int code = mbedtls_ssl_handshake(&t->ssl);
    if (code == MBEDTLS_ERR_SSL_CONN_EOF)
        return 0;
    if (code != 0)
        return (int)answer(t, code, wants);
    t->open = true;
    return 1;
}

static ssize_t tls_read(struct transport *base, void *data, size_t n)
{
    struct tls_transport *t = of(base);
    int ready = make_ready(t, &base->read_wants);
    if (ready <= 0)
        return ready;
    int code = mbedtls_ssl_read(&t->ssl, data, n);
    if (code > 0 || code == MBEDTLS_ERR_SSL_CONN_EOF)
        return code > 0 ? code : 0;
    return code == 0 ? 0 : answer(t, code, &base->read_wants);
}

static ssize_t tls_write(struct transport *base, const void *data, size_t n)
{
    struct tls_transport *t = of(base);
    int ready = make_ready(t, &base->write_wants);
    if (ready == 0) {
        errno = EPIPE;
        return -1;
    }
    if (ready < 0)
        return -1;
    /* A refused record is made already: the library takes the length of the repeated call
     * for what was sent, so a longer one would lose bytes. */
    if (t->refused > 0 && n > t->refused)
        n = t->refused;
    int code = mbedtls_ssl_write(&t->ssl, data, n);
    if (code >= 0) {
        t->refused = 0;
        return code;
    }
    ssize_t rc = answer(t, code, &base->write_wants);
    if (rc < 0 && errno == EAGAIN)
        t->refused = n;
    return rc;
}

static bool tls_pending(const struct transport *base)
{
    const struct tls_transport *t = container_of(base, const struct tls_transport, base);
    return t->open && !t->failed && mbedtls_ssl_check_pending(&t->ssl) != 0;
}

static int tls_shutdown(struct transport *base)
{
    struct tls_transport *t = of(base);
    if (t->open && !t->failed) {
        int code = mbedtls_ssl_close_notify(&t->ssl);
        if (code != 0)
            return answer(t, code, &base->write_wants) < 0 ? -1 : 0;
    }
    return shutdown(base->fd, SHUT_WR);
}

static void tls_free(struct transport *base)
{
    struct tls_transport *t = of(base);
    mbedtls_ssl_free(&t->ssl);
    tls_context_unref(t->context);
    close(base->fd);
    free(t);
}

static const struct transport_ops ops = {
    .read = tls_read,
    .write = tls_write,
    .pending = tls_pending,
    .shutdown = tls_shutdown,
    .free = tls_free,
};

static struct transport *transport_new(struct tls_context *c, int fd, const char *host)
{
    struct tls_transport *t = xcalloc(1, sizeof *t);
    t->base = (struct transport){.ops = &ops,
                                 .fd = fd,
                                 .read_wants = WATCH_READ,
                                 .write_wants = WATCH_WRITE,
                                 .err = &t->err};
    t->context = tls_context_ref(c);
    mbedtls_ssl_init(&t->ssl);
    /* The buffers of a connection are sized by the peer's demand for one: may fail. */
    if (mbedtls_ssl_setup(&t->ssl, &c->config) != 0 ||
        (c->role == TLS_CLIENT && mbedtls_ssl_set_hostname(&t->ssl, host) != 0)) {
        tls_free(&t->base);
        errno = ENOMEM;
        return NULL;
    }
    mbedtls_ssl_set_bio(&t->ssl, t, bio_send, bio_recv, NULL);
    return &t->base;
}

struct transport *tls_accept(struct tls_context *c, int fd)
{
    return transport_new(c, fd, NULL);
}

struct transport *tls_connect(struct tls_context *c, int fd, const char *host)
{
    return transport_new(c, fd, host);
}
