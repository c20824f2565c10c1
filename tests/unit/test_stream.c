/* Streams on socket pairs: order, back-pressure, ends, closing inside callbacks. */
#include "core/io/stream.h"

#include "core/io/fd.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct side {
    struct stream *s;
    int reads, drains, ends;
    bool failed, close_on_read, finish_on_read, close_on_drain, keep_input;
    char got[64];
};

static struct loop *loop;
static struct side side;
static int peer;

static void on_readable(struct stream *s, void *arg)
{
    struct side *p = arg;
    struct buf *in = stream_in(s);

    p->reads++;
    if (p->keep_input)
        return;
    strncat(p->got, buf_str(in), 20);
    buf_consume(in, in->len);
    if (p->finish_on_read) {
        stream_write(s, "bye", 3);
        stream_finish(s);
    }
    if (p->close_on_read)
        stream_close(s);
}

static void on_drained(struct stream *s, void *arg)
{
    struct side *p = arg;

    p->drains++;
    if (p->close_on_drain)
        stream_close(s);
}

static void on_ended(struct stream *s, const struct err *err, void *arg)
{
    struct side *p = arg;

    p->ends++;
    p->failed = err != NULL;
    if (p->ends == 1 && p->close_on_read)
        stream_close(s);
}

static const struct stream_events events = {on_readable, on_drained, on_ended, NULL};

static int set_up(void **state)
{
    int ends[2], size = 4096;
    struct err err;

    UNUSED(state);
    side = (struct side){0};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) < 0)
        return -1;
    setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    peer = ends[1];
    loop = loop_new(&err);
    side.s = stream_open(loop, transport_plain(ends[0]), 100, 300000, &events, &side);
    return side.s ? 0 : -1;
}

static int tear_down(void **state)
{
    UNUSED(state);
    fd_close(&peer);
    loop_free(loop);
    return 0;
}

static void turns(int n)
{
    struct err err;

    while (n-- > 0)
        assert_int_equal(loop_turn(loop, 0, &err), 0);
}

static size_t read_all(char *to, size_t n)
{
    size_t at = 0;
    ssize_t got;

    for (int quiet = 0; quiet < 3; turns(1)) {
        got = read(peer, to + at, n - at);
        if (got > 0)
            at += (size_t)got;
        else
            quiet++;
    }
    return at;
}

static void test_talk(void **state)
{
    char got[16] = "";

    UNUSED(state);
    assert_int_equal(write(peer, "one", 3), 3);
    turns(1);
    assert_string_equal(side.got, "one");
    assert_int_equal(stream_write(side.s, "two", 3), 0); /* sent at once */
    assert_int_equal(stream_unsent(side.s), 0);
    assert_int_equal(read(peer, got, 15), 3);
    assert_string_equal(got, "two");
    assert_int_equal(side.drains, 0);
    assert_int_equal(write(peer, "three", 5), 5);
    stream_read_now(side.s);
    assert_string_equal(side.got, "onethree");
    fd_close(&peer);
    turns(3);
    assert_int_equal(side.ends, 1);
    assert_false(side.failed);
    stream_close(side.s);
}

static void test_back_pressure(void **state)
{
    static char sent[250000], got[600000];
    size_t n, total = 0;

    UNUSED(state);
    for (size_t i = 0; i < sizeof sent; i++)
        sent[i] = (char)(i * 7 + i / 251);
    assert_int_equal(stream_write(side.s, sent, sizeof sent), 0);
    assert_true(stream_unsent(side.s) > 0);
    assert_int_equal(stream_write(side.s, sent, sizeof sent), -1);
    assert_int_equal(errno, ENOBUFS);
    turns(3);
    assert_int_equal(side.drains, 0);
    n = read_all(got, sizeof got);
    assert_int_equal(n, sizeof sent);
    assert_memory_equal(got, sent, n);
    assert_true(side.drains == 1 || side.drains == 2); /* below the mark, and empty */
    assert_int_equal(stream_unsent(side.s), 0);

    /* head and body, in every state of the queue */
    for (int round = 0; round < 3; round++) {
        struct buf body;

        buf_init(&body, BUF_NO_LIMIT);
        buf_append(&body, sent, sizeof sent);
        assert_int_equal(stream_write_answer(side.s, "head", 4, &body), 0);
        assert_int_equal(body.len, 0);
        buf_free(&body);
        total += 4 + sizeof sent;
        if (round == 0) {
            assert_int_equal(read_all(got, sizeof got), total);
            assert_memory_equal(got, "head", 4);
            assert_memory_equal(got + 4, sent, sizeof sent);
            total = 0;
        }
    }
    assert_int_equal(read_all(got, sizeof got), total);
    for (size_t at = 0; at < total; at += 4 + sizeof sent) {
        assert_memory_equal(got + at, "head", 4);
        assert_memory_equal(got + at + 4, sent, sizeof sent);
    }
    stream_close(side.s);
}

static void test_input_is_bounded(void **state)
{
    char text[500];

    UNUSED(state);
    memset(text, 'x', sizeof text);
    side.keep_input = true;
    assert_int_equal(write(peer, text, sizeof text), sizeof text);
    turns(5);
    assert_int_equal(stream_in(side.s)->len, 100);
    assert_int_equal(side.reads, 1);
    buf_consume(stream_in(side.s), 100);
    stream_pause(side.s, true);
    turns(2);
    assert_int_equal(side.reads, 1);
    stream_pause(side.s, false);
    turns(1);
    assert_int_equal(side.reads, 2);
    stream_close(side.s);
}

static void test_close_inside_callbacks(void **state)
{
    static char much[200000];

    UNUSED(state);
    side.close_on_read = true;
    assert_int_equal(write(peer, "x", 1), 1);
    assert_int_equal(stream_write(side.s, much, sizeof much), 0);
    turns(2);
    assert_int_equal(side.reads, 1);
    assert_int_equal(side.ends, 0);
}

static void test_close_when_drained(void **state)
{
    static char much[200000], got[200000];

    UNUSED(state);
    side.close_on_drain = true;
    assert_int_equal(stream_write(side.s, much, sizeof much), 0);
    assert_true(read_all(got, sizeof got) >= sizeof much - 16384);
    assert_int_equal(side.drains, 1);
}

static void test_broken_pipe_is_told_once(void **state)
{
    UNUSED(state);
    fd_close(&peer);
    stream_pause(side.s, true);
    assert_int_equal(stream_write(side.s, "x", 1), 0);
    assert_int_equal(side.ends, 0); /* not from inside the call */
    turns(3);
    assert_int_equal(side.ends, 1);
    assert_true(side.failed);
    stream_close(side.s);
}

static void test_finish(void **state)
{
    static char got[300000], much[200000];
    struct err err;
    int64_t then_ms = loop_now_ms(loop);

    UNUSED(state);
    /* all that is queued still goes out, then the end, though the peer talks on */
    assert_int_equal(stream_write(side.s, much, sizeof much), 0);
    assert_int_equal(write(peer, "more", 4), 4);
    stream_finish(side.s);
    assert_int_equal(read_all(got, sizeof got), sizeof much);
    assert_int_equal(read(peer, got, 1), 0);
    assert_int_equal(write(peer, "on", 2), 2); /* taken and thrown away */
    turns(2);
    assert_int_equal(side.reads + side.ends + side.drains, 0);
    while (write(peer, "x", 1) == 1 && loop_now_ms(loop) < then_ms + 5000)
        assert_int_equal(loop_turn(loop, 50, &err), 0);
    assert_true(loop_now_ms(loop) < then_ms + 5000); /* gone after its second */
}

static void test_finish_inside_callback(void **state)
{
    char got[8] = "";

    UNUSED(state);
    side.finish_on_read = true;
    assert_int_equal(write(peer, "x", 1), 1);
    turns(1);
    assert_int_equal(read(peer, got, 8), 3);
    assert_string_equal(got, "bye");
    assert_int_equal(read(peer, got, 8), 0);
    fd_close(&peer);
    turns(2);
    assert_int_equal(side.ends, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_talk),
        T(test_back_pressure),
        T(test_input_is_bounded),
        T(test_close_inside_callbacks),
        T(test_close_when_drained),
        T(test_broken_pipe_is_told_once),
        T(test_finish),
        T(test_finish_inside_callback),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
