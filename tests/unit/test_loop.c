/* The loop on pipes and socket pairs; every case runs with plain and with many-watches.
 */
#include "core/io/loop.h"

#include "core/io/fd.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static const unsigned kinds[] = {0, WATCH_MANY};

struct end {
    struct watch watch;
    int fds[2]; /* ours, the peer's */
    int reads, writes;
    struct end *drops; /* dropped, freed and overwritten by the first call */
    struct end **drops_too;
};

static struct loop *new_loop(void)
{
    struct err err;
    struct loop *loop = loop_new(&err);

    assert_non_null(loop);
    return loop;
}

static struct end *end_new(void)
{
    struct end *e = calloc(1, sizeof *e);

    assert_non_null(e);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, e->fds), 0);
    return e;
}

static void end_free(struct end *e)
{
    loop_del(&e->watch);
    fd_close(&e->fds[0]);
    fd_close(&e->fds[1]);
    free(e);
}

static void end_ready(struct watch *w, unsigned ready)
{
    struct end *e = container_of(w, struct end, watch);

    if (ready & WATCH_READ)
        e->reads++;
    if (ready & WATCH_WRITE)
        e->writes++;
    if (e->drops) {
        struct end *victim = e->drops;

        e->drops = NULL;
        *e->drops_too = NULL;
        end_free(victim);
    }
}

static void turn(struct loop *loop)
{
    struct err err;

    assert_int_equal(loop_turn(loop, 0, &err), 0);
}

static void test_reads_and_writes(void **state)
{
    UNUSED(state);
    for (size_t k = 0; k < array_len(kinds); k++) {
        struct loop *loop = new_loop();
        struct end *e = end_new();

        assert_int_equal(
            loop_add(loop, &e->watch, e->fds[0], WATCH_READ | kinds[k], end_ready), 0);
        turn(loop);
        assert_int_equal(e->reads, 0);
        assert_int_equal(write(e->fds[1], "x", 1), 1);
        turn(loop);
        assert_int_equal(e->reads, 1);
        assert_int_equal(e->writes, 0);
        loop_want(&e->watch, WATCH_READ | WATCH_WRITE);
        turn(loop);
        assert_int_equal(e->reads, 2);
        assert_int_equal(e->writes, 1);
        loop_want(&e->watch, WATCH_WRITE);
        turn(loop);
        assert_int_equal(e->reads, 2);
        assert_int_equal(e->writes, 2);
        loop_del(&e->watch);
        loop_del(&e->watch);
        loop_want(&e->watch, WATCH_READ);
        turn(loop);
        assert_int_equal(e->reads + e->writes, 4);
        end_free(e);
        loop_free(loop);
    }
}

/* With nothing wanted not even a hang-up may wake the loop. */
static void test_nothing_wanted_sleeps(void **state)
{
    UNUSED(state);
    for (size_t k = 0; k < array_len(kinds); k++) {
        struct loop *loop = new_loop();
        struct end *e = end_new();
        struct err err;

        assert_int_equal(loop_add(loop, &e->watch, e->fds[0], kinds[k], end_ready), 0);
        fd_close(&e->fds[1]);
        int64_t before_ms = loop_now_ms(loop);
        assert_int_equal(loop_turn(loop, 30, &err), 0);
        assert_true(loop_now_ms(loop) - before_ms >= 29);
        assert_int_equal(e->reads + e->writes, 0);
        loop_want(&e->watch, WATCH_READ); /* and now the end of file is seen */
        turn(loop);
        assert_int_equal(e->reads, 1);
        loop_want(&e->watch, 0);
        turn(loop);
        assert_int_equal(e->reads, 1);
        end_free(e);
        loop_free(loop);
    }
}

/* All are ready; the first to be called drops and frees another one. */
static void test_drop_inside_callback(void **state)
{
    enum { N = 8 };

    UNUSED(state);
    for (size_t k = 0; k < array_len(kinds); k++) {
        for (int victim = 0; victim < N; victim++) {
            struct loop *loop = new_loop();
            struct end *ends[N];
            int calls = 0;

            for (int i = 0; i < N; i++) {
                ends[i] = end_new();
                assert_int_equal(loop_add(loop, &ends[i]->watch, ends[i]->fds[0],
                                          WATCH_READ | WATCH_WRITE | kinds[k], end_ready),
                                 0);
                assert_int_equal(write(ends[i]->fds[1], "x", 1), 1);
            }
            ends[victim == 0 ? N - 1 : 0]->drops = ends[victim];
            ends[victim == 0 ? N - 1 : 0]->drops_too = &ends[victim];
            turn(loop);
            assert_null(ends[victim]);
            for (int i = 0; i < N; i++) {
                if (ends[i] == NULL)
                    continue;
                calls += ends[i]->reads + ends[i]->writes;
                end_free(ends[i]);
            }
            assert_int_equal(calls, 2 * (N - 1)); /* one read and one write each */
            loop_free(loop);
        }
    }
}

static struct end *late;
static struct loop *late_loop;
static unsigned late_kind;

/* Takes the place of the victim's row and descriptor within the same turn. */
static void replace_ready(struct watch *w, unsigned ready)
{
    struct end *e = container_of(w, struct end, watch);

    UNUSED(ready);
    if (e->drops) {
        struct end *victim = e->drops;

        e->drops = NULL;
        *e->drops_too = NULL;
        end_free(victim);
        late = end_new();
        loop_add(late_loop, &late->watch, late->fds[0], WATCH_READ | late_kind,
                 end_ready);
    }
}

static void test_reused_row_hears_nothing_old(void **state)
{
    UNUSED(state);
    for (size_t k = 0; k < array_len(kinds); k++) {
        struct loop *loop = new_loop();
        struct end *a = end_new(), *b = end_new();

        late_loop = loop;
        late_kind = kinds[k];
        late = NULL;
        a->drops = b;
        a->drops_too = &b;
        loop_add(loop, &a->watch, a->fds[0], WATCH_READ | kinds[k], replace_ready);
        loop_add(loop, &b->watch, b->fds[0], WATCH_READ | kinds[k], end_ready);
        assert_int_equal(write(a->fds[1], "x", 1), 1);
        assert_int_equal(write(b->fds[1], "x", 1), 1);
        turn(loop);
        assert_non_null(late);
        assert_int_equal(late->reads, 0);
        end_free(a);
        if (b)
            end_free(b);
        end_free(late);
        loop_free(loop);
    }
}

/* More descriptors than select() could take, all at once. */
static void test_many_descriptors(void **state)
{
    struct rlimit limit;
    struct loop *loop = new_loop();
    static struct end *ends[1400];
    size_t n = array_len(ends);

    UNUSED(state);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < 2 * n + 50)
        skip();
    for (size_t i = 0; i < n; i++) {
        ends[i] = end_new();
        assert_int_equal(loop_add(loop, &ends[i]->watch, ends[i]->fds[0],
                                  WATCH_READ | (i % 2 ? WATCH_MANY : 0), end_ready),
                         0);
        assert_int_equal(write(ends[i]->fds[1], "x", 1), 1);
    }
    for (int i = 0; i < 8; i++) /* epoll's reports come in batches */
        turn(loop);
    for (size_t i = 0; i < n; i++) {
        assert_true(ends[i]->reads > 0);
        end_free(ends[i]);
    }
    loop_free(loop);
}

static char order[64];

static void hook_io(void *arg)
{
    UNUSED(arg);
    strcat(order, "i");
}

static void hook_end(void *arg)
{
    UNUSED(arg);
    strcat(order, "e");
}

static void hook_once(void *arg)
{
    struct loop_hook **both = arg;

    strcat(order, "o");
    loop_del_hook(both[0]);
    loop_del_hook(both[1]);
}

static void bury_fn(void *ptr)
{
    strcat(order, "b");
    free(ptr);
}

static void fire_fn(struct timer *t, int64_t now_ms)
{
    UNUSED(t);
    UNUSED(now_ms);
    strcat(order, "t");
}

static void watch_fn_order(struct watch *w, unsigned ready)
{
    strcat(order, ready == WATCH_READ ? "r" : "w");
    if (ready == WATCH_READ)
        loop_bury(w->loop, malloc(1), bury_fn);
}

static void test_order_of_a_turn(void **state)
{
    struct loop *loop = new_loop();
    struct loop_hook io, end, once;
    struct loop_hook *both[2] = {&once, &io};
    struct timer timer;
    struct end *e = end_new();

    UNUSED(state);
    order[0] = '\0';
    loop_add_hook(loop, HOOK_END, &end, hook_end, NULL);
    loop_add_hook(loop, HOOK_AFTER_IO, &io, hook_io, NULL);
    loop_add_hook(loop, HOOK_END, &once, hook_once, both);
    timer_init(&timer, loop_timers(loop), fire_fn);
    timer_set(&timer, 0);
    loop_add(loop, &e->watch, e->fds[0], WATCH_READ | WATCH_WRITE, watch_fn_order);
    assert_int_equal(write(e->fds[1], "x", 1), 1);
    turn(loop);
    assert_string_equal(order, "rwiteob");
    end_free(e);
    turn(loop);
    assert_string_equal(order, "rwiteobe");
    loop_free(loop);
}

static void stop_fn(struct timer *t, int64_t now_ms)
{
    UNUSED(t);
    UNUSED(now_ms);
    loop_stop(late_loop);
}

static void test_timers_end_the_wait(void **state)
{
    struct loop *loop = new_loop();
    struct timer timer;
    struct err err;
    int64_t before_ms = loop_now_ms(loop);

    UNUSED(state);
    late_loop = loop;
    timer_init(&timer, loop_timers(loop), stop_fn);
    timer_set(&timer, before_ms + 20);
    assert_int_equal(loop_run(loop, &err), 0);
    assert_true(loop_now_ms(loop) >= before_ms + 20);
    loop_again(loop);
    assert_int_equal(loop_turn(loop, -1, &err), 0); /* does not wait */
    loop_free(loop);
}

static void test_regular_file(void **state)
{
    struct loop *loop = new_loop();
    struct end *e = end_new();
    int fd = open("/proc/self/exe", O_RDONLY);

    UNUSED(state);
    assert_int_equal(loop_add(loop, &e->watch, fd, WATCH_READ | WATCH_MANY, end_ready),
                     -1);
    assert_int_equal(errno, EPERM);
    assert_null(e->watch.loop);
    assert_int_equal(loop_add(loop, &e->watch, fd, WATCH_READ, end_ready), 0);
    turn(loop);
    assert_int_equal(e->reads, 1);
    loop_free(loop); /* lets go of what is still in it */
    assert_null(e->watch.loop);
    close(fd);
    end_free(e);
}

static int hook_fd;
static bool hook_saw_it_open;

static void look_at_fd(void *arg)
{
    UNUSED(arg);
    hook_saw_it_open = fcntl(hook_fd, F_GETFD) >= 0;
}

/* A hook that records our state finds the descriptors of its last record still open. */
static void test_closes_after_hooks(void **state)
{
    struct loop *loop = new_loop();
    struct loop_hook hook;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    UNUSED(state);
    hook_fd = fd;
    loop_add_hook(loop, HOOK_END, &hook, look_at_fd, NULL);
    loop_close_fd(loop, &fd);
    assert_int_equal(fd, -1);
    loop_close_fd(loop, &fd); /* harmless */
    turn(loop);
    assert_true(hook_saw_it_open);
    assert_int_equal(fcntl(hook_fd, F_GETFD), -1);
    loop_del_hook(&hook);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_and_writes),
        cmocka_unit_test(test_nothing_wanted_sleeps),
        cmocka_unit_test(test_drop_inside_callback),
        cmocka_unit_test(test_reused_row_hears_nothing_old),
        cmocka_unit_test(test_many_descriptors),
        cmocka_unit_test(test_order_of_a_turn),
        cmocka_unit_test(test_timers_end_the_wait),
        cmocka_unit_test(test_regular_file),
        cmocka_unit_test(test_closes_after_hooks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
