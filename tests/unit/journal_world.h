/* What the tests of the journal share: a worker that is killed at a crash point, the
 * record that outlives it, and a directory of their own. */
#ifndef TESTS_UNIT_JOURNAL_WORLD_H
#define TESTS_UNIT_JOURNAL_WORLD_H

#include "core/io/journal.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef JOURNAL_CRASH_POINTS

enum { CHILDREN = 4, LIVES_MAX = 200 };

static char dir[64];

/* What a real record would hold, in memory that outlives the worker. */
struct record {
    struct journal_mark mark;
    uint64_t hash; /* of all output, in order: the state of a channel that has one */
    pid_t pids[CHILDREN];
    int statuses[CHILDREN]; /* -1: not ended */
    int signals;
};
static struct {
    volatile int which;
    struct record slots[2];
} * shared;
static struct record now; /* the worker's own */

static inline void write_record(void *arg)
{
    int next = !shared->which;

    UNUSED(arg);
    journal_mark(&now.mark);
    shared->slots[next] = now;
    journal_crash_point();
    shared->which = next;
    journal_clear(&now.mark);
}

static inline int set_up(void **state)
{
    struct err err;

    UNUSED(state);
    strcpy(dir, "/tmp/test-journal-XXXXXX");
    if (mkdtemp(dir) == NULL || chdir(dir) < 0)
        return -1;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return shared == MAP_FAILED ? -1 : journal_create(&err);
}

static inline void remove_files(void)
{
    DIR *d = opendir(dir);
    struct dirent *e;

    while ((e = readdir(d)))
        unlink(e->d_name);
    closedir(d);
}

static inline int tear_down(void **state)
{
    UNUSED(state);
    journal_close();
    remove_files();
    munmap(shared, sizeof *shared);
    return chdir("/") < 0 || rmdir(dir) < 0;
}

#endif
#endif
