/* Faults on purpose, for the build that `make FAULTS=1` makes. The linker's --wrap puts
 * these functions between the program and libc (the Makefile reads their names from the
 * object). Nothing of it is in a release.
 *
 * SUPERVISOR_FAULTS holds the rules, or "@FILE": a control file of 8 KiB, which a test
 * may rewrite at any time: rules as text at offset 4, then a new number at offset 0
 * makes them count. From offset 2048 on it shows for each call its name (16 bytes), how
 * often it was made and how often it failed by a rule (two 64-bit numbers).
 *
 * Rules are separated by blanks: CALL:WHEN:ERROR.
 *   CALL   a name of the table, or "any"
 *   WHEN   7 (the seventh call from now on), 7+ (that and all later ones), 3-5, 2.5% (at
 *          random), full (memory only: as if what is in use now were all there is)
 *   ERROR  ENOMEM, or 12, or "may": any of those that the call may answer with; "short"
 *          for read, write and writev: done, but only a part of it
 *   seed=N makes chance repeatable.
 * Rules end with the image of the process: one that executes itself begins without.
 * A child between fork and exec meets the rules for execve, chdir, dup2 and the ids only.
 */
#include "core/base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SHORT = -1,
    MAY = -2,
    RULES = 64,
    TEXT_AT = 4,
    COUNTS_AT = 2048,
    PAGE_BYTES = 8192
};

/* What each call may answer with, by its manual page; those that would mean a mistake of
 * ours (EBADF, EFAULT, EINVAL) are left out. */
// clang-format off
static const struct call {
    const char *name;
    bool in_child;
    int may[8];
} calls[] = {
    {"malloc",      false, {ENOMEM}},
    {"calloc",      false, {ENOMEM}},
    {"realloc",     false, {ENOMEM}},
    {"aligned_alloc", false, {ENOMEM}},
    {"open",        false, {EMFILE, ENFILE, ENOMEM, ENOSPC, EACCES, EINTR, EROFS, EIO}},
    {"mkostemps",   false, {EMFILE, ENFILE, ENOSPC, EACCES, EROFS}},
    {"read",        false, {EINTR, EAGAIN}},
    {"pread",       false, {EINTR}}, /* of memory files: nothing else can be */
    {"write",       false, {EINTR, ENOSPC, EIO, EDQUOT, EFBIG}},
    {"writev",      false, {EINTR, EAGAIN, ENOBUFS, EPIPE}},
    {"send",        false, {EINTR, EAGAIN, ENOBUFS, ENOMEM, EPIPE}},
    {"sendmsg",     false, {EINTR, EAGAIN, ENOBUFS, ENOMEM, EPIPE}},
    {"recv",        false, {EINTR, EAGAIN, ENOMEM, ECONNRESET}},
    {"rename",      false, {ENOSPC, EACCES, EROFS, EDQUOT, EIO}},
    {"link",        false, {ENOSPC, EACCES, EROFS, EDQUOT}},
    {"unlink",      false, {EACCES, EROFS, EIO}},
    {"fork",        false, {EAGAIN, ENOMEM}}, /* and clone by its number */
    {"pipe2",       false, {EMFILE, ENFILE}},
    {"accept4",     false, {EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED, EINTR, EPROTO}},
    {"socket",      false, {EMFILE, ENFILE, ENOBUFS, ENOMEM}},
    {"poll",        false, {EINTR, ENOMEM, EAGAIN}},
    {"epoll_ctl",   false, {ENOMEM, ENOSPC}},
    {"epoll_wait",  false, {EINTR}},
    {"fstat",       false, {0}}, /* by a rule of its own only */
    {"stat",        false, {ENOMEM, EACCES, EIO}},
    {"lstat",       false, {ENOMEM, EACCES, EIO}},
    {"waitpid",     false, {EINTR}},
    {"waitid",      false, {EINTR}},
    {"splice",      false, {ENOMEM, EAGAIN}},
    {"openat2",     false, {ENOSYS}}, /* an older kernel; "open" is meant too */
    {"pidfd_open",  false, {ENOSYS}},
    {"close_range", true,  {ENOSYS}},
    {"execve",      true,  {EACCES, E2BIG, EAGAIN, EIO, ENFILE, ENOENT, ENOMEM, ETXTBSY}},
    {"chdir",       true,  {EACCES, ENOENT, ENOMEM, EIO}},
    {"dup2",        true,  {EMFILE}},
    {"setuid",      true,  {EAGAIN, EPERM}},
    {"setgid",      true,  {EPERM}},
    {"setgroups",   true,  {ENOMEM, EPERM}},
};
// clang-format on
enum { CALLS = sizeof calls / sizeof calls[0], NUMBER_OF_MALLOC = 0 };

struct count {
    char name[16];
    uint64_t made, failed;
};

struct rule {
    int call;          /* -1: any */
    uint64_t from, to; /* counted from when the rules were read; 0: by chance */
    unsigned chance;   /* of 100,000 */
    bool full;
    int error;
};

static char private_page[PAGE_BYTES];
static char *page = private_page;
static uint32_t generation;
static struct rule rules[RULES];
static size_t rule_count;
static uint64_t made_before[CALLS];
static uint64_t chance = 88172645463325252u;
static bool ready, in_child;
static uint64_t memory_in_use, memory_most = UINT64_MAX;

static struct count *counts(void)
{
    return (struct count *)(void *)(page + COUNTS_AT);
}

/* --- rules ------------------------------------------------------------------------- */

static int call_number(const char *name, size_t n)
{
    for (int i = 0; i < CALLS; i++)
        if (strlen(calls[i].name) == n && memcmp(calls[i].name, name, n) == 0)
            return i;
    return -1;
}

static int error_number(const char *text)
{
    if (strcmp(text, "short") == 0)
        return SHORT;
    if (strcmp(text, "may") == 0)
        return MAY;
    for (int i = 1; i < 200; i++) {
        const char *name = err_errno_name(i);

        if (name && strcmp(name, text) == 0)
            return i;
    }
    return (int)strtol(text, NULL, 10);
}

static void add_rule(const char *text)
{
    struct rule r = {.call = -1};
    char when[32] = "", error[32] = "", *end;
    const char *colon = strchr(text, ':');

    if (strncmp(text, "seed=", 5) == 0)
        chance = (strtoull(text + 5, NULL, 10) + 1) * 0x9e3779b97f4a7c15u | 1;
    if (!colon || rule_count == RULES)
        return;
    r.call = call_number(text, (size_t)(colon - text));
    if (sscanf(colon + 1, "%31[^:]:%31s", when, error) < 1 ||
        (r.call < 0 && strncmp(text, "any:", 4) != 0)) {
        dprintf(2, "faults: no rule: %s\n", text);
        abort();
    }
    r.error = error_number(error[0] ? error : "may");
    r.full = strcmp(when, "full") == 0;
    if (strchr(when, '%')) {
        r.chance = (unsigned)(strtod(when, NULL) * 1000);
    } else {
        r.from = strtoull(when, &end, 10);
        r.to = *end == '+'   ? UINT64_MAX
               : *end == '-' ? strtoull(end + 1, NULL, 10)
                             : r.from;
    }
    rules[rule_count++] = r;
}

static void read_rules(const char *text)
{
    char copy[COUNTS_AT - TEXT_AT], *word, *rest;

    snprintf(copy, sizeof copy, "%s", text);
    rule_count = 0;
    memory_most = UINT64_MAX;
    for (word = strtok_r(copy, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest))
        add_rule(word);
    for (size_t i = 0; i < rule_count; i++)
        if (rules[i].full)
            memory_most = memory_in_use;
    for (int i = 0; i < CALLS; i++)
        made_before[i] = counts()[i].made;
}

__attribute__((constructor)) static void begin(void)
{
    const char *text = getenv("SUPERVISOR_FAULTS");
    int fd = text && text[0] == '@' ? open(text + 1, O_RDWR | O_CLOEXEC) : -1;

    if (fd >= 0) {
        void *mapped = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        if (mapped != MAP_FAILED)
            page = mapped;
        close(fd);
    }
    for (int i = 0; i < CALLS; i++)
        snprintf(counts()[i].name, sizeof counts()[i].name, "%s", calls[i].name);
    if (counts()[NUMBER_OF_MALLOC].made > 0) /* an image before us: its faults were its */
        memcpy(&generation, page, sizeof generation);
    if (text && fd < 0)
        read_rules(text);
    ready = text != NULL;
}

/* The first answer with a fault: 0 (none), SHORT, or the errno. */
static int fault(int call)
{
    struct count *c = &counts()[call];
    uint32_t now;
    uint64_t n;
    int error = 0, left = 8;

    if (!ready || (in_child && !calls[call].in_child))
        return 0;
    memcpy(&now, page, sizeof now);
    if (page != private_page && now != generation) {
        generation = now;
        read_rules(page + TEXT_AT);
    }
    n = __atomic_add_fetch(&c->made, 1, __ATOMIC_RELAXED) - made_before[call];
    for (size_t i = 0; i < rule_count && error == 0; i++) {
        const struct rule *r = &rules[i];

        if ((r->call >= 0 ? r->call != call : calls[call].in_child) || r->full)
            continue;
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        if (r->from ? n >= r->from && n <= r->to : chance % 100000 < r->chance)
            error = r->error;
    }
    while (left > 1 && calls[call].may[left - 1] == 0)
        left--;
    if (error == MAY) /* 0: none */
        error = calls[call].may[chance / 100000 % (uint64_t)left];
    if (error != 0)
        __atomic_add_fetch(&c->failed, 1, __ATOMIC_RELAXED);
    return error;
}

/* --- the calls --------------------------------------------------------------------- */

/* With glibc the names of calls that take a file offset end in 64. */
#ifdef __GLIBC__
#define REAL64(name) __real_##name##64
#define WRAP64(name) __wrap_##name##64
#else
#define REAL64(name) __real_##name
#define WRAP64(name) __wrap_##name
#endif
#define NUMBER(name) (call_number(#name, sizeof #name - 1))

#define WRAP_AS(real, wrap, name, type, params, args)                                    \
    type real params;                                                                    \
    type wrap params;                                                                    \
    type wrap params                                                                     \
    {                                                                                    \
        static int fault_number = -1;                                                    \
        int fault_error;                                                                 \
        if (fault_number < 0)                                                            \
            fault_number = NUMBER(name);                                                 \
        fault_error = fault(fault_number);                                               \
        if (fault_error != 0) {                                                          \
            errno = fault_error;                                                         \
            return (type)-1;                                                             \
        }                                                                                \
        return real args;                                                                \
    }
#define WRAP(name, type, params, args)                                                   \
    WRAP_AS(__real_##name, __wrap_##name, name, type, params, args)

WRAP(rename, int, (const char *a, const char *b), (a, b))
WRAP(link, int, (const char *a, const char *b), (a, b))
WRAP(unlink, int, (const char *path), (path))
WRAP(pipe2, int, (int ends[2], int flags), (ends, flags))
WRAP(accept4, int, (int fd, struct sockaddr *sa, socklen_t *n, int flags),
     (fd, sa, n, flags))
WRAP(socket, int, (int family, int type, int protocol), (family, type, protocol))
WRAP(send, ssize_t, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags))
WRAP(sendmsg, ssize_t, (int fd, const struct msghdr *m, int flags), (fd, m, flags))
WRAP(recv, ssize_t, (int fd, void *p, size_t n, int flags), (fd, p, n, flags))
WRAP(poll, int, (struct pollfd * p, nfds_t n, int ms), (p, n, ms))
WRAP(epoll_wait, int, (int fd, struct epoll_event *e, int n, int ms), (fd, e, n, ms))
WRAP(waitpid, pid_t, (pid_t pid, int *status, int flags), (pid, status, flags))
WRAP(waitid, int, (idtype_t t, id_t id, siginfo_t *info, int flags), (t, id, info, flags))
WRAP(execve, int, (const char *f, char *const *v, char *const *e), (f, v, e))
WRAP(chdir, int, (const char *path), (path))
WRAP(dup2, int, (int from, int to), (from, to))
WRAP(setuid, int, (uid_t id), (id))
WRAP(setgid, int, (gid_t id), (id))
WRAP(setgroups, int, (size_t n, const gid_t *ids), (n, ids))
WRAP_AS(REAL64(mkostemps), WRAP64(mkostemps), mkostemps, int, (char *t, int n, int flags),
        (t, n, flags))
WRAP_AS(REAL64(pread), WRAP64(pread), pread, ssize_t,
        (int fd, void *p, size_t n, off_t at), (fd, p, n, at))
WRAP_AS(REAL64(fstat), WRAP64(fstat), fstat, int, (int fd, struct stat *st), (fd, st))
WRAP_AS(REAL64(stat), WRAP64(stat), stat, int, (const char *p, struct stat *st), (p, st))
WRAP_AS(REAL64(lstat), WRAP64(lstat), lstat, int, (const char *p, struct stat *st),
        (p, st))
WRAP(splice, ssize_t,
     (int in, off_t *in_at, int out, off_t *out_at, size_t n, unsigned flags),
     (in, in_at, out, out_at, n, flags))

int __real_epoll_ctl(int fd, int op, int other, struct epoll_event *e);
int __wrap_epoll_ctl(int fd, int op, int other, struct epoll_event *e);
int __wrap_epoll_ctl(int fd, int op, int other, struct epoll_event *e)
{
    int error = op == EPOLL_CTL_DEL ? 0 : fault(NUMBER(epoll_ctl)); /* needs no memory */

    if (error == 0)
        return __real_epoll_ctl(fd, op, other, e);
    errno = error;
    return -1;
}

int REAL64(open)(const char *path, int flags, ...);
int WRAP64(open)(const char *path, int flags, ...);
int WRAP64(open)(const char *path, int flags, ...)
{
    int error = fault(NUMBER(open));
    va_list args;
    mode_t mode = 0;

    if (error != 0) {
        errno = error;
        return -1;
    }
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_start(args, flags);
        mode = (mode_t)va_arg(args, int);
        va_end(args);
    }
    return REAL64(open)(path, flags, mode);
}

ssize_t __real_read(int fd, void *p, size_t n);
ssize_t __wrap_read(int fd, void *p, size_t n);
ssize_t __wrap_read(int fd, void *p, size_t n)
{
    int error = fault(NUMBER(read));

    if (error == SHORT && n > 128) /* not a signalfd's record */
        n /= 2;
    if (error == EAGAIN && (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0)
        error = 0; /* cannot be */
    if (error <= 0)
        return __real_read(fd, p, n);
    errno = error;
    return -1;
}

ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n)
{
    int error = fault(NUMBER(write));

    if (error <= 0)
        return __real_write(fd, p, error == SHORT && n > 1 ? n / 2 : n);
    errno = error;
    return -1;
}

ssize_t __real_writev(int fd, const struct iovec *v, int n);
ssize_t __wrap_writev(int fd, const struct iovec *v, int n);
ssize_t __wrap_writev(int fd, const struct iovec *v, int n)
{
    int error = fault(NUMBER(writev));
    struct iovec first = v[0];

    if (error == SHORT && first.iov_len > 1) {
        first.iov_len /= 2;
        return __real_writev(fd, &first, 1);
    }
    if (error <= 0)
        return __real_writev(fd, v, n);
    errno = error;
    return -1;
}

pid_t __real_fork(void);
pid_t __wrap_fork(void);
pid_t __wrap_fork(void)
{
    int error = fault(NUMBER(fork));
    pid_t pid;

    if (error != 0) {
        errno = error;
        return -1;
    }
    pid = __real_fork();
    if (pid == 0)
        in_child = true;
    return pid;
}

static struct {
    int (*run)(void *arg);
    void *arg;
} newborn;

static int newborn_run(void *unused)
{
    (void)unused;
    in_child = true;
    return newborn.run(newborn.arg);
}

int __real_clone(int (*run)(void *), void *stack, int flags, void *arg, ...);
int __wrap_clone(int (*run)(void *), void *stack, int flags, void *arg, ...);
int __wrap_clone(int (*run)(void *), void *stack, int flags, void *arg, ...)
{
    int error = fault(NUMBER(fork)), rc;
    pid_t *pid_at;
    va_list args;

    if (error != 0) {
        errno = error;
        return -1;
    }
    va_start(args, arg);
    pid_at = flags & CLONE_PARENT_SETTID ? va_arg(args, pid_t *) : NULL;
    va_end(args);
    newborn.run = run;
    newborn.arg = arg;
    rc = __real_clone(newborn_run, stack, flags, NULL, pid_at);
    in_child = false; /* it was in our memory */
    return rc;
}

/* clone, unless it shares descriptors (that is no program's birth), openat and openat2.
 */
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
__attribute__((no_sanitize("address"))) /* reads six words whatever was given */
long __wrap_syscall(long number, ...)
{
    long a[6], rc;
    va_list args;
    int error;

    va_start(args, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(args, long);
    va_end(args);
    error = number == SYS_clone && (a[0] & CLONE_FILES) == 0 ? fault(NUMBER(fork))
            : number == 434                                  ? fault(NUMBER(pidfd_open))
            : number == 436                                  ? fault(NUMBER(close_range))
            : number == 437                                  ? fault(NUMBER(openat2))
                                                             : 0;
    if (error == 0 && (number == 437 || number == SYS_openat))
        error = fault(NUMBER(open));
    if (error != 0) {
        errno = error;
        return -1;
    }
    rc = __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (number == SYS_clone && rc == 0 && (a[0] & (CLONE_FILES | CLONE_VM)) == 0)
        in_child = true;
    return rc;
}

/* --- memory ------------------------------------------------------------------------ */

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__real_realloc(void *old, size_t n);
void *__wrap_realloc(void *old, size_t n);
void *__real_aligned_alloc(size_t by, size_t n);
void *__wrap_aligned_alloc(size_t by, size_t n);
void __real_free(void *p);
void __wrap_free(void *p);

/* True if this one is refused. */
static bool refuse(int call, uint64_t more)
{
    if (fault(call) == 0 && memory_in_use + more <= memory_most)
        return false;
    errno = ENOMEM;
    return true;
}

static void *count_in(void *p)
{
    if (p)
        memory_in_use += malloc_usable_size(p);
    return p;
}

static void count_out(void *p)
{
    uint64_t n = p ? malloc_usable_size(p) : 0;

    memory_in_use -= n < memory_in_use ? n : memory_in_use;
}

void *__wrap_malloc(size_t n)
{
    return refuse(NUMBER(malloc), n) ? NULL : count_in(__real_malloc(n));
}

void *__wrap_calloc(size_t count, size_t n)
{
    return refuse(NUMBER(calloc), (uint64_t)count * n)
               ? NULL
               : count_in(__real_calloc(count, n));
}

void *__wrap_realloc(void *old, size_t n)
{
    uint64_t had = old ? malloc_usable_size(old) : 0;
    void *p;

    if (refuse(NUMBER(realloc), n > had ? n - had : 0))
        return NULL;
    p = __real_realloc(old, n);
    if (p) {
        memory_in_use -= had < memory_in_use ? had : memory_in_use;
        count_in(p);
    }
    return p;
}

void *__wrap_aligned_alloc(size_t by, size_t n)
{
    return refuse(NUMBER(aligned_alloc), n) ? NULL
                                            : count_in(__real_aligned_alloc(by, n));
}

void __wrap_free(void *p)
{
    count_out(p);
    __real_free(p);
}
