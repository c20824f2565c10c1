/* A pool of two listeners as a whole: each byte of the input lets somebody send an event,
 * a listener write something, right or wrong, or die, or time pass. A model of the
 * protocol tells what each listener may be sent. Whatever they did: once both behave,
 * each event has been accepted by one of them, and none was sent again after that. */
/* links: tests/unit/fake_spawn.c all */
#include "applets/supervisord/process.h"
#include "applets/supervisord/reap.h"
#include "applets/supervisord/super.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/io/fd.h"
#include "core/rules/listener_fsm.h"
#include "tests/unit/fake_spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LISTENERS = 2, MAX_EVENTS = 4000, RAW_MAX = 15 };

static struct child {
    pid_t pid; /* 0: none */
    int in, out;
    struct listener model;
    int in_hand; /* -1: none */
} children[LISTENERS];
static bool accepted[MAX_EVENTS];
static int emitted;

static int codes[] = {0};
static char text_l[] = "l", text_l0[] = "l0", text_l1[] = "l1", text_command[] = "/l",
            text_path[] = "/nowhere", text_id[] = "id";
static enum event_type types[] = {EVENT_REMOTE_COMMUNICATION};
static struct program_conf programs[LISTENERS];
static struct program_conf *members[] = {&programs[0], &programs[1]};
static struct group_conf group = {
    .name = text_l,
    .priority = 1,
    .kind = GROUP_LISTENERS,
    .processes = members,
    .process_count = LISTENERS,
    .listener = {.buffer_size = MAX_EVENTS + 10, .events = types, .event_count = 1}};
static struct group_conf *groups[] = {&group};
static struct conf conf = {.refs = 1,
                           .path = text_path,
                           .groups = groups,
                           .group_count = 1,
                           .server.identifier = text_id};
static char *no_environment[] = {NULL};
static struct loop *loop;
static struct super *super;

#define must(truth) ((truth) ? (void)0 : fail(#truth, __LINE__))

static void fail(const char *what, int line)
{
    fprintf(stderr, "line %d: not so: %s\n", line, what);
    abort();
}

static void on_start(pid_t pid, const int fds[3])
{
    struct child *c = children[0].pid == 0 ? &children[0] : &children[1];
    must(c->pid == 0); /* a third one? */
    c->pid = pid;
    c->in = dup(fds[0]);
    c->out = dup(fds[1]);
    fcntl(c->in, F_SETFL, O_NONBLOCK);
    listener_init(&c->model);
    c->in_hand = -1;
}

static void on_news(void *arg, enum listener_news news, const char *result, size_t n)
{
    struct child *c = arg;
    if (news == LISTENER_NEWS_READY)
        return;
    if (news == LISTENER_NEWS_RESULT && c->in_hand >= 0 && n == 2 &&
        memcmp(result, "OK", 2) == 0)
        accepted[c->in_hand] = true;
    c->in_hand = -1;
}

static void say(struct child *c, const char *text, size_t n)
{
    if (c->pid == 0)
        return;
    must(write(c->out, text, n) == (ssize_t)n);
    listener_feed(&c->model, text, n, on_news, c);
}

static void say_text(struct child *c, const char *text)
{
    say(c, text, strlen(text));
}

static void die(struct child *c)
{
    if (c->pid == 0)
        return;
    fake_spawn_exit(c->pid, 1 << 8);
    fd_close(&c->in);
    fd_close(&c->out);
    listener_free(&c->model);
    c->pid = 0;
}

/* One event is all that it may have been sent since the last turn. */
static void hear(struct child *c)
{
    char text[500];
    ssize_t n = c->pid ? read(c->in, text, sizeof text - 1) : -1;
    if (n <= 0)
        return;
    text[n] = '\0';
    int serial, len, used = 0;
    must(sscanf(text,
                "ver:3.0 server:id serial:%*d pool:l poolserial:%d "
                "eventname:REMOTE_COMMUNICATION len:%d%n",
                &serial, &len, &used) == 2);
    must(text[used] == '\n' && used + 1 + len == n);
    must(serial >= 0 && serial < emitted && !accepted[serial]);
    must(c->model.state == LISTENER_READY && c->in_hand < 0);
    listener_sent(&c->model);
    c->in_hand = serial;
}

static void turn(int64_t ms)
{
    struct err err;
    clock_advance(ms);
    reap_children(super_engine(super));
    must(loop_turn(loop, 0, &err) >= 0);
    for (int i = 0; i < LISTENERS; i++)
        hear(&children[i]);
}

static void emit(void)
{
    char text[20];
    if (emitted == MAX_EVENTS)
        return;
    int n = snprintf(text, sizeof text, "%d", emitted++);
    event_emit(&super_engine(super)->bus,
               &(struct event){.type = EVENT_REMOTE_COMMUNICATION,
                               .remote_type = "t",
                               .data = {text, (size_t)n}});
}

static size_t act(const uint8_t *data, size_t size)
{
    struct child *c = &children[data[0] >> 3 & 1];
    size_t raw;
    switch (data[0] % 8) {
    case 0:
        for (int i = 0; i <= data[0] >> 6; i++)
            emit();
        break;
    case 1:
        say_text(c, "READY\n");
        break;
    case 2:
        say_text(c, "RESULT 2\nOK");
        break;
    case 3:
        say_text(c, "RESULT 4\nFAIL");
        break;
    case 4:
        raw = data[0] >> 4;
        if (raw > size - 1)
            raw = size - 1;
        if (raw > 0)
            say(c, (const char *)data + 1, raw);
        return 1 + raw;
    case 5:
        die(c);
        break;
    default:
        turn(data[0] % 8 == 6 ? 0 : 1000);
        break;
    }
    return 1;
}

/* From here on both do as they should; what they were in the middle of is not known. */
static void behave(void)
{
    for (int i = 0; i < LISTENERS; i++)
        die(&children[i]);
    turn(1000);
    turn(1000);
    for (int round = 0; round < 3 * emitted + 3; round++) {
        for (int i = 0; i < LISTENERS; i++) {
            if (children[i].model.state == LISTENER_ACKNOWLEDGED)
                say_text(&children[i], "READY\n");
            else if (children[i].in_hand >= 0)
                say_text(&children[i], "RESULT 2\nOK");
        }
        turn(0);
    }
    for (int i = 0; i < emitted; i++)
        must(accepted[i]);
}

static void begin(void)
{
    struct err err;
    log_drop_early();
    clock_freeze(1000000, 1800000000);
    fake_spawn_reset();
    fake_spawn.on_start = on_start;
    memset(accepted, 0, sizeof accepted);
    memset(children, 0, sizeof children);
    emitted = 0;
    for (int i = 0; i < LISTENERS; i++)
        programs[i] = (struct program_conf){.program = text_l,
                                            .name = i ? text_l1 : text_l0,
                                            .command = text_command,
                                            .umask = -1,
                                            .autostart = true,
                                            .exitcodes = codes,
                                            .exitcode_count = 1,
                                            .stopsignal = SIGTERM,
                                            .stopwaitsecs = 10,
                                            .autorestart = RESTART_ALWAYS};
    loop = loop_new(&err);
    super = super_new(
        &(struct super_opts){.loop = loop, .conf = &conf, .environ = no_environment});
    super_start(super);
    turn(0);
}

static void end(void)
{
    super_shutdown(super);
    for (int i = 0; i < LISTENERS; i++) {
        process_stop(group_at(super_group_at(super, 0), (size_t)i));
        die(&children[i]);
    }
    reap_children(super_engine(super));
    super_free(super);
    loop_free(loop);
    clock_thaw();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    begin();
    for (size_t at = 0; at < size;)
        at += act(data + at, size - at);
    behave();
    end();
    return 0;
}
