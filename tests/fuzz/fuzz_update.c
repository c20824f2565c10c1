/* Configurations that change, and groups that come and go: the input is a row of commands
 * (another file, reread, add, remove, stop, a child's death, time). A model that knows
 * only the text of each section tells what reread must find and what add and remove must
 * answer; after each command groups and children are those of the model. */
/* links: tests/unit/fake_spawn.c all */
#include "applets/supervisord/process.h"
#include "applets/supervisord/reap.h"
#include "applets/supervisord/super.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "tests/unit/fake_spawn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    NAMES = 5,
    MIXED = NAMES,
    GROUPS
}; /* group "m" holds those that are in no own one */

static const char *const names[GROUPS] = {"a", "b", "c", "d", "e", "m"};
/* What each section says, 0: it is not there. One byte is all that makes a difference. */
struct sections {
    uint8_t is[NAMES];
};
static struct sections disk, read_last;
/* A group as it was made: which bytes it came from; all 0: not active. */
static struct sections made[GROUPS];
static bool active[GROUPS];

static char path[64];
static char *no_environment[] = {NULL};
static struct loop *loop;
static struct super *super;

#define must(truth) ((truth) ? (void)0 : fail(#truth, __LINE__))

static void fail(const char *what, int line)
{
    fprintf(stderr, "line %d: not so: %s\n", line, what);
    abort();
}

static bool in_mixed(uint8_t is)
{
    return is != 0 && (is & 32);
}

/* The part of s that group g is made from. */
static struct sections part_of(const struct sections *s, int g)
{
    struct sections part = {{0}};
    for (int i = 0; i < NAMES; i++)
        if (g == MIXED ? in_mixed(s->is[i]) : g == i && !in_mixed(s->is[i]))
            part.is[i] = s->is[i];
    return part;
}

static bool has(const struct sections *s, int g)
{
    struct sections part = part_of(s, g), none = {{0}};
    return memcmp(&part, &none, sizeof part) != 0;
}

static void write_file(bool broken)
{
    FILE *f = fopen(path, "w");
    must(f != NULL);
    fputs("[supervisord]\nchildlogdir=/\n", f);
    bool first = true;
    for (int i = 0; i < NAMES; i++) {
        uint8_t is = disk.is[i];
        if (is == 0)
            continue;
        bool listener = (is & 96) == 64;
        fprintf(f,
                "[%s:%s]\ncommand=/x %d\npriority=%d\nautostart=%s\nnumprocs=%d\n"
                "process_name=%s%%(process_num)d\nstdout_logfile=NONE\n"
                "stderr_logfile=NONE\nstartsecs=0\nautorestart=%s\n%s",
                listener ? "eventlistener" : "program", names[i], is >> 7, 1 + (is & 3),
                is & 4 ? "true" : "false", is & 8 ? 2 : 1, names[i],
                is & 16 ? "true" : "false", listener ? "events=EVENT\n" : "");
    }
    for (int i = 0; i < NAMES; i++)
        if (in_mixed(disk.is[i])) {
            fprintf(f, "%s%s", first ? "[group:m]\nprograms=" : ",", names[i]);
            first = false;
        }
    fputs(broken ? "\n[program:z]\ncommand=/z\nnumprocs=x\n" : "\n", f);
    must(fclose(f) == 0);
}

static bool names_have(const char *const *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], name) == 0)
            return true;
    return false;
}

static void reread(void)
{
    struct conf_diff d = {0};
    struct err err = {0};
    must(super_reread(super, &d, &err) == 0);
    read_last = disk;
    size_t added = 0, changed = 0, removed = 0;
    for (int g = 0; g < GROUPS; g++) {
        struct sections now = part_of(&read_last, g);
        bool there = has(&read_last, g);
        bool differs = memcmp(&now, &made[g], sizeof now) != 0;
        must(names_have(d.added, d.added_count, names[g]) == (there && !active[g]));
        must(names_have(d.changed, d.changed_count, names[g]) ==
             (there && active[g] && differs));
        must(names_have(d.removed, d.removed_count, names[g]) == (!there && active[g]));
        added += there && !active[g];
        changed += there && active[g] && differs;
        removed += !there && active[g];
    }
    must(d.added_count == added && d.changed_count == changed &&
         d.removed_count == removed);
    conf_diff_free(&d);
}

static void add(int g)
{
    struct err err = {0};
    int rc = super_add_group(super, names[g], &err);
    if (!has(&read_last, g)) {
        must(rc < 0 && err.code == ERR_MISSING);
    } else if (active[g]) {
        must(rc < 0 && err.code == ERR_LIMIT);
    } else {
        must(rc == 0);
        active[g] = true;
        made[g] = part_of(&read_last, g);
    }
}

static void remove_group(int g)
{
    struct err err = {0};
    struct group *group = super_find_group(super, names[g]);
    bool runs = group && group_unstopped(group) > 0;
    int rc = super_remove_group(super, names[g], &err);
    if (!active[g]) {
        must(rc < 0 && err.code == ERR_MISSING);
    } else if (runs) {
        must(rc < 0 && err.code == ERR_LIMIT);
    } else {
        must(rc == 0);
        active[g] = false;
        made[g] = (struct sections){{0}};
    }
}

static void turn(int64_t ms)
{
    struct err err;
    clock_advance(ms);
    reap_children(super_engine(super));
    must(loop_turn(loop, 0, &err) >= 0);
}

/* Its children die. */
static void kill_group(int g, int wait_status)
{
    struct group *group = super_find_group(super, names[g]);
    for (size_t i = 0; group && i < group_count(group); i++)
        if (process_pid(group_at(group, i)) > 0)
            fake_spawn_exit(process_pid(group_at(group, i)), wait_status);
    turn(0);
}

static void stop_and_kill(int g)
{
    struct group *group = super_find_group(super, names[g]);
    if (group)
        group_stop_all(group);
    kill_group(g, 15);
}

/* As supervisorctl update does. */
static void update(void)
{
    reread();
    for (int g = 0; g < GROUPS; g++) {
        struct sections now = part_of(&read_last, g);
        if (active[g] && memcmp(&now, &made[g], sizeof now) != 0) {
            stop_and_kill(g);
            remove_group(g);
            must(!active[g]);
        }
    }
    for (int g = 0; g < GROUPS; g++)
        if (has(&read_last, g) && !active[g])
            add(g);
}

static void check(void)
{
    size_t count = 0, pids = 0;
    int priority = 0;
    for (int g = 0; g < GROUPS; g++) {
        must((super_find_group(super, names[g]) != NULL) == active[g]);
        count += active[g];
    }
    must(super_group_count(super) == count);
    for (size_t i = 0; i < count; i++) {
        struct group *group = super_group_at(super, i);
        must(group_conf(group)->priority >= priority);
        priority = group_conf(group)->priority;
        for (size_t k = 0; k < group_count(group); k++) {
            struct process *p = group_at(group, k);
            enum proc_state state = process_state(p);
            must((process_pid(p) > 0) ==
                 (state == PROC_STARTING || state == PROC_RUNNING ||
                  state == PROC_STOPPING));
            must(super_find_process(super, process_id(p)) == p);
            pids += process_pid(p) > 0;
        }
    }
    must(super_engine(super)->by_pid.len == pids);
}

static size_t act(const uint8_t *data, size_t size)
{
    int g = (data[0] >> 3) % GROUPS;
    struct err err = {0};
    switch (data[0] % 8) {
    case 0:
        for (int i = 0; i < NAMES; i++) {
            uint8_t is = (size_t)i + 1 < size ? data[i + 1] : 0;
            disk.is[i] = is & 32 ? is & 0xbf : is; /* no listener there */
        }
        write_file(false);
        return size < 1 + NAMES ? size : 1 + NAMES;
    case 1:
        reread();
        break;
    case 2:
        add(g);
        break;
    case 3:
        remove_group(g);
        break;
    case 4:
        stop_and_kill(g);
        break;
    case 5:
        kill_group(g, data[0] >> 6 ? 9 : 0);
        break;
    case 6:
        turn(data[0] >> 3 ? 1000 : 0);
        break;
    default:
        if (data[0] >> 3) {
            update();
            break;
        }
        write_file(true);
        must(super_reread(super, NULL, &err) < 0); /* and nothing changes */
        write_file(false);
        break;
    }
    return 1;
}

static void begin(void)
{
    struct err err = {0};
    log_drop_early();
    clock_freeze(1000000, 1800000000);
    fake_spawn_reset();
    memset(&disk, 0, sizeof disk);
    memset(&read_last, 0, sizeof read_last);
    memset(made, 0, sizeof made);
    memset(active, 0, sizeof active);
    if (path[0] == '\0')
        snprintf(path, sizeof path, "%s/fuzz_update.%d",
                 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
    write_file(false);
    struct conf *conf = conf_load(path, NULL, &err);
    must(conf != NULL);
    loop = loop_new(&err);
    super = super_new(
        &(struct super_opts){.loop = loop, .conf = conf, .environ = no_environment});
    conf_unref(conf);
    super_start(super);
    turn(0);
}

static void end(void)
{
    for (int g = 0; g < GROUPS; g++)
        stop_and_kill(g);
    super_free(super);
    loop_free(loop);
    clock_thaw();
    unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    begin();
    for (size_t at = 0; at < size; check())
        at += act(data + at, size - at);
    end();
    return 0;
}
