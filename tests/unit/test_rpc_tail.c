/* Following logs and the status page: what is sent first, growth, truncation, rotation,
 * slow readers, text that wants to be markup. */
/* links: tests/unit/api_world.c tests/unit/fake_exchange.c tests/unit/fake_spawn.c all */
#include "applets/supervisord/api/log_tail.h"
#include "applets/supervisord/api/web_status.h"
#include "core/base/alloc.h"
#include "tests/unit/api_world.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static struct {
    char dir[64], path[96];
    struct log_tails *tails;
    struct http_exchange *x;
} t;

static int begin(void **state)
{
    (void)state;
    snprintf(t.dir, sizeof t.dir, "/tmp/test_rpc_tail.XXXXXX");
    assert_non_null(mkdtemp(t.dir));
    snprintf(t.path, sizeof t.path, "%s/log", t.dir);
    api_world_begin();
    /* w1's stdout goes to the file, from the group's next life on */
    world.conf->groups[2]->processes[0]->out =
        (struct channel_conf){.target = LOG_TO_FILE, .logfile = t.path};
    assert_int_equal(super_remove_group(world.super, "web", NULL), 0);
    assert_int_equal(super_add_group(world.super, "web", NULL), 0);
    t.tails = log_tails_new(world.super);
    t.x = NULL;
    fclose(fopen(t.path, "w"));
    return 0;
}

static int finish(void **state)
{
    (void)state;
    log_tails_free(t.tails);
    api_world_end();
    unlink(t.path);
    rmdir(t.dir);
    return 0;
}

static void put(const char *text, int flags)
{
    int fd = open(t.path, O_WRONLY | O_CREAT | O_APPEND | flags, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void open_tail(const char *path)
{
    t.x = fake_exchange_new("GET", path, "", 0);
    log_tail_process(t.x, t.tails);
}

/* What came since the last look. */
static void expect(const char *text)
{
    assert_string_equal(buf_str(&t.x->body), text);
    buf_truncate(&t.x->body, 0);
}

static void tail_follows(void **state)
{
    (void)state;
    char *kilo = xmalloc(1025);
    memset(kilo, 'k', 1024);
    kilo[1024] = '\0';
    put("cut off", 0);
    put(kilo, 0);
    open_tail("/logtail/web:w1");
    assert_int_equal(t.x->status, 200);
    assert_string_equal(t.x->content_type, "text/plain;charset=utf-8");
    assert_non_null(strstr(buf_str(&t.x->headers), "X-Accel-Buffering: no\n"));
    assert_non_null(strstr(buf_str(&t.x->headers), "Last-Modified: "));
    expect(kilo);
    free(kilo);
    put("more\n", 0);
    expect("");
    api_world_turn(250);
    expect("more\n");
    put("new\n", O_TRUNC);
    api_world_turn(250);
    expect("==> File truncated <==\nnew\n");
    fake_exchange_leave(t.x);
    api_world_turn(250);
    fake_exchange_free(t.x);
}

/* Rotated away: the rest of the old file, then all of the new one. */
static void tail_follows_rotation(void **state)
{
    (void)state;
    char *old = xasprintf("%s.1", t.path);
    open_tail("/logtail/web:w1/stdout");
    put("one\n", 0);
    api_world_turn(250);
    expect("one\n");
    put("two\n", 0);
    assert_int_equal(rename(t.path, old), 0);
    api_world_turn(250);
    expect("two\n");
    put("three\n", 0);
    api_world_turn(250);
    expect("three\n");
    log_tails_end(t.tails);
    assert_true(t.x->ended);
    api_world_turn(0);
    fake_exchange_free(t.x);
    unlink(old);
    free(old);
}

/* A client that does not read gets nothing more, and costs nothing more. */
static void slow_reader(void **state)
{
    (void)state;
    open_tail("/logtail/web:w1");
    t.x->room = 3;
    put("abcdefgh", 0);
    api_world_turn(250);
    api_world_turn(250);
    expect("abc");
    fake_exchange_read(t.x, 4);
    expect("defg");
    fake_exchange_read(t.x, 4);
    expect("h");
    put("!", 0);
    api_world_turn(250);
    expect("!");
    log_tails_end(t.tails);
    api_world_turn(0);
    fake_exchange_free(t.x);
}

static void no_such_log(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/logtail",
        "/logtail/",
        "/logtail/no",
        "/logtail/web",
        "/logtail/web:*",
        "/logtail/web:",
        "/logtail/web:no",
        "/logtail/web:w1/no",
        "/logtail/web:w1/stderr",
        "/logtail/cat",
        "/logtail/web:w1/stdout/../../../etc/passwd",
        "/logtail/web:w1/",
    };
    for (size_t i = 0; i < array_len(paths); i++) {
        open_tail(paths[i]);
        assert_int_equal(t.x->status, 404);
        fake_exchange_free(t.x);
    }
    unlink(t.path);
    open_tail("/logtail/web:w1");
    assert_int_equal(t.x->status, 404);
    fake_exchange_free(t.x);
    assert_int_equal(mkfifo(t.path, 0644), 0); /* must not wait for a writer */
    open_tail("/logtail/web:w1");
    assert_int_equal(t.x->status, 404);
    fake_exchange_free(t.x);
    struct http_exchange *x = fake_exchange_new("POST", "/logtail/web:w1", "", 0);
    log_tail_process(x, t.tails);
    assert_int_equal(x->status, 400);
    fake_exchange_free(x);
    x = fake_exchange_new("GET", "/mainlogtail", "", 0);
    log_tail_main(x, t.tails);
    assert_int_equal(x->status, 404);
    fake_exchange_free(x);
}

static void page_escapes(void **state)
{
    (void)state;
    static char nasty[] = "<script>\"&'";
    world.conf->groups[2]->processes[0]->name = nasty;
    assert_int_equal(super_remove_group(world.super, "web", NULL), 0);
    assert_int_equal(super_add_group(world.super, "web", NULL), 0);
    struct web *web = web_new(world.super);
    struct http_exchange *x = fake_exchange_new("GET", "/", "", 0);
    web_status(x, web);
    assert_int_equal(x->status, 200);
    const char *page = buf_str(&x->body);
    assert_null(strstr(page, "<script>"));
    assert_non_null(strstr(page, ">sup&lt;1&gt;<"));
    assert_non_null(strstr(page, ">&lt;script&gt;&quot;&amp;&#39;</th>"));
    assert_non_null(strstr(page, " value=\"stop web:&lt;script&gt;&quot;&amp;&#39;\""));
    assert_non_null(
        strstr(page, "href=\"tail.html?processname=web:%3Cscript%3E%22%26%27\""));
    assert_null(strstr(page, "{{"));
    fake_exchange_free(x);
    web_free(web);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        T(tail_follows), T(tail_follows_rotation), T(slow_reader),
        T(no_such_log),  T(page_escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
