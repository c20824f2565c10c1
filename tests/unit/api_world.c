#include "tests/unit/api_world.h"

#include "applets/supervisord/reap.h"
#include "config/conf_load.h"
#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "tests/unit/fake_spawn.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct api_world world;

static int codes[] = {0};
static struct program_conf programs[4];
static struct program_conf *members[4] = {&programs[0], &programs[1], &programs[2],
                                          &programs[3]};
static struct group_conf groups[3];
static struct group_conf *group_list[3] = {&groups[0], &groups[1], &groups[2]};
static struct conf conf; /* holds a reference to itself: never freed */
static char *no_environment[] = {NULL};

/* The configuration's strings are not const; nobody writes to these. */
static char text_cat[] = "cat", text_quick[] = "quick", text_web[] = "web",
            text_w1[] = "w1", text_w2[] = "w2", text_command[] = "/bin/cat",
            text_identifier[] = "sup<1>", text_path[] = "/nowhere/supervisord.conf";

static struct program_conf program(char *name, int startsecs, int priority)
{
    return (struct program_conf){.program = name,
                                 .name = name,
                                 .command = text_command,
                                 .umask = -1,
                                 .priority = priority,
                                 .startsecs = startsecs,
                                 .startretries = 3,
                                 .exitcodes = codes,
                                 .exitcode_count = 1,
                                 .stopsignal = SIGTERM,
                                 .stopwaitsecs = 10,
                                 .autorestart = RESTART_UNEXPECTED};
}

static struct group_conf group(char *name, size_t first, size_t count)
{
    return (struct group_conf){.name = name,
                               .priority = 999,
                               .processes = &members[first],
                               .process_count = count};
}

void api_world_begin(void)
{
    struct err err;
    clock_freeze(1000000, 1800000000);
    fake_spawn_reset();
    programs[0] = program(text_cat, 1, 999);
    programs[1] = program(text_quick, 0, 999);
    programs[2] = program(text_w1, 1, 10);
    programs[3] = program(text_w2, 1, 20);
    groups[0] = group(text_cat, 0, 1);
    groups[1] = group(text_quick, 1, 1);
    groups[2] = group(text_web, 2, 2);
    conf = (struct conf){.refs = 1,
                         .path = text_path,
                         .groups = group_list,
                         .group_count = array_len(group_list),
                         .server.identifier = text_identifier};
    world.loop = loop_new(&err);
    world.super = super_new(&(struct super_opts){
        .loop = world.loop, .conf = &conf, .environ = no_environment});
    world.conf = &conf;
    super_start(world.super);
    world.server = (struct rpc_server){world.super, rpc_waits_new(world.super)};
}

/* Children still there end here, so that groups may be freed. */
static void end_children(void)
{
    super_shutdown(world.super);
    for (size_t i = 0; i < super_group_count(world.super); i++) {
        struct group *g = super_group_at(world.super, i);
        for (size_t k = 0; k < group_count(g); k++) {
            struct process *p = group_at(g, k);
            process_stop(p);
            if (process_pid(p) > 0)
                fake_spawn_exit(process_pid(p), 0);
        }
    }
    api_world_turn(0);
}

void api_world_end(void)
{
    end_children();
    rpc_waits_free(world.server.waits);
    super_free(world.super);
    loop_free(world.loop);
    clock_thaw();
    world = (struct api_world){0};
}

struct process *api_world_process(const char *group_name, const char *name)
{
    struct group *g = super_find_group(world.super, group_name);
    return g ? group_find(g, name) : NULL;
}

void api_world_turn(int64_t ms)
{
    struct err err;
    clock_advance(ms);
    reap_children(super_engine(world.super));
    if (loop_turn(world.loop, 0, &err) < 0)
        abort();
}

/* --- calls ------------------------------------------------------------------------- */

static char request[16384];

struct http_exchange *api_call(const char *method, const char *params)
{
    struct buf text;
    buf_init(&text, sizeof request - 1);
    buf_printf(&text,
               "<?xml version='1.0'?><methodCall><methodName>%s</methodName>"
               "<params>%s</params></methodCall>",
               method, params);
    memcpy(request, buf_data(&text), text.len);
    struct http_exchange *x = fake_exchange_new("POST", "/RPC2", request, text.len);
    buf_free(&text);
    rpc_handle(x, &world.server);
    return x;
}

static void show(struct buf *out, const struct rpc_value *v);

static void show_items(struct buf *out, const struct rpc_value *v)
{
    for (size_t i = 0; i < v->count; i++) {
        if (i > 0)
            buf_puts(out, ", ");
        if (v->type == RPC_STRUCT)
            buf_printf(out, "%s: ", v->names[i]);
        show(out, v->items[i]);
    }
}

static void show(struct buf *out, const struct rpc_value *v)
{
    switch (v->type) {
    case RPC_NIL:
        buf_puts(out, "nil");
        break;
    case RPC_BOOL:
        buf_puts(out, v->boolean ? "true" : "false");
        break;
    case RPC_INT:
        buf_put_int(out, v->number);
        break;
    case RPC_DOUBLE:
        buf_printf(out, "%g", v->real);
        break;
    case RPC_STRING:
    case RPC_BASE64:
    case RPC_DATETIME:
        buf_printf(out, "'%s'", v->text);
        break;
    case RPC_ARRAY:
        buf_puts(out, "[");
        show_items(out, v);
        buf_puts(out, "]");
        break;
    case RPC_STRUCT:
        buf_puts(out, "{");
        show_items(out, v);
        buf_puts(out, "}");
        break;
    }
}

char *api_answer(const struct http_exchange *x)
{
    struct rpc_value *value = NULL;
    bool is_fault = false;
    struct err err = {0};
    if (!x->ended)
        return xstrdup(x->deferred ? "later" : "nothing");
    if (x->status != 200)
        return xasprintf("status %d", x->status);
    if (strcmp(x->content_type, "text/xml") != 0)
        return xasprintf("type %s", x->content_type);
    if (xmlrpc_read_response(buf_data(&x->body), x->body.len, &value, &is_fault, &err) <
        0)
        return xasprintf("broken: %s", err.text);
    struct buf out;
    buf_init(&out, BUF_NO_LIMIT);
    if (is_fault)
        buf_printf(&out, "fault %d %s", (int)rpc_get_int(value, "faultCode", -1),
                   rpc_get_str(value, "faultString", "?"));
    else
        show(&out, value);
    rpc_free(value);
    return buf_detach(&out);
}
