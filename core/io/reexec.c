/* Becoming another image. The one idea: all that the exec needs lies ready on one page,
 * protected against wild stores, and the exec itself is a few system calls. */
#include "core/io/reexec.h"

#include "core/base/alloc.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "core/io/fd.h"
#include "core/io/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

#define VARIABLE "SUPERVISOR_HANDOFF="

/* On pages of its own. envp[0] is left for the variable. */
struct facts {
    char **argv;
    int memory, binary, fallback;
    char path[PATH_MAX];
    char path_before[PATH_MAX];
    char *envp[];
};

static char **arguments;
static struct facts *facts; /* NULL: reexec_open was not called or failed */
static size_t facts_bytes;
static bool locked;
static enum reexec_role own_role;

void reexec_remember(char **argv)
{
    arguments = argv;
}

char **reexec_argv(void)
{
    return arguments;
}

static void unlock(void)
{
    if (locked)
        mprotect(facts, facts_bytes, PROT_READ | PROT_WRITE);
    locked = false;
}

static void lock(void)
{
    mprotect(facts, facts_bytes, PROT_READ);
    locked = true;
}

/* --- the start --------------------------------------------------------------------- */

/* Takes the variable out of the environment; its value, which stays where it is. */
static const char *take_variable(void)
{
    const char *value = NULL;
    char **to = environ;

    for (char **from = environ; from && *from; from++) {
        if (strncmp(*from, VARIABLE, strlen(VARIABLE)) == 0)
            value = *from + strlen(VARIABLE);
        else
            *to++ = *from;
    }
    if (to)
        *to = NULL;
    return value;
}

static bool take_number(struct span *rest, int min, int max, int *number)
{
    struct span word;
    char text[16];
    int64_t v;

    if (!span_split(rest, ' ', &word) || word.len >= sizeof text)
        return false;
    memcpy(text, word.ptr, word.len);
    text[word.len] = '\0';
    if (parse_int(text, min, max, &v) < 0)
        return false;
    *number = (int)v;
    return true;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* What an image before us said. Whoever can set our environment can as well execute
 * something else; this only keeps a stale variable from doing harm. */
static bool learn(const char *value)
{
    struct span rest = span_of(value);
    int memory, binary, fallback, role;

    if (!take_number(&rest, 3, INT_MAX, &memory) ||
        !take_number(&rest, 3, INT_MAX, &binary) ||
        !take_number(&rest, -1, INT_MAX, &fallback) ||
        !take_number(&rest, REEXEC_SUPERVISOR, REEXEC_KEEPER, &role) ||
        rest.len >= sizeof facts->path || !is_open(memory) || !is_open(binary) ||
        fcntl(memory, F_GET_SEALS) < 0)
        return false;
    facts->memory = memory;
    facts->binary = binary;
    facts->fallback = fallback > 2 && is_open(fallback) ? fallback : -1;
    memcpy(facts->path, rest.ptr, rest.len);
    facts->path[rest.len] = '\0';
    own_role = (enum reexec_role)role;
    int fds[] = {memory, binary, facts->fallback};
    for (size_t i = 0; i < array_len(fds); i++)
        if (fds[i] >= 0)
            fd_set_cloexec(fds[i], true);
    return true;
}

/* An executable that is the running one, where that can be told. */
static bool is_us(const char *path)
{
    struct stat ours, it;

    if (stat(path, &it) < 0 || !S_ISREG(it.st_mode))
        return false;
    return stat("/proc/self/exe", &ours) < 0 ||
           (ours.st_dev == it.st_dev && ours.st_ino == it.st_ino);
}

/* Writes an absolute path of path into room (PATH_MAX). */
static bool make_absolute(const char *path, size_t n, char *room)
{
    size_t dir = 0;

    if (n == 0 || path[0] != '/') {
        if (!getcwd(room, PATH_MAX - 1))
            return false;
        dir = strlen(room);
        if (dir > 0 && room[dir - 1] != '/')
            room[dir++] = '/';
    }
    if (dir + n >= PATH_MAX)
        return false;
    memcpy(room + dir, path, n);
    room[dir + n] = '\0';
    return true;
}

static bool find_along(const char *dirs, const char *name, char *room)
{
    struct span rest = span_of(dirs), dir;
    size_t n = strlen(name);

    while (span_split(&rest, ':', &dir)) {
        if (!make_absolute(dir.ptr, dir.len, room) || strlen(room) + n + 2 > PATH_MAX)
            continue;
        size_t at = strlen(room);
        if (at > 0 && room[at - 1] != '/')
            room[at++] = '/';
        memcpy(room + at, name, n + 1);
        if (is_us(room))
            return true;
    }
    return false;
}

/* As it was called, so that a link that is turned to a new build is followed there; the
 * kernel's word for it where argv[0] says something else. */
static bool find_path(char *room)
{
    const char *name = arguments && arguments[0] ? arguments[0] : "";
    const char *dirs = getenv("PATH");
    ssize_t n;

    if (strchr(name, '/') ? make_absolute(name, strlen(name), room) && is_us(room)
                          : name[0] && find_along(dirs ? dirs : "", name, room))
        return true;
    n = readlink("/proc/self/exe", room, PATH_MAX - 1);
    room[n > 0 ? n : 0] = '\0';
    return n > 0;
}

static int find_binary(struct err *err)
{
    bool found = find_path(facts->path);

    /* O_PATH: it need not be readable. */
    facts->binary = fd_open("/proc/self/exe", O_PATH, 0);
    if (facts->binary < 0 && found)
        facts->binary = fd_open(facts->path, O_PATH, 0);
    if (facts->binary < 0)
        return err_sys(err, "cannot open the file this program was started from");
    return 0;
}

/* An exec by descriptor leaves the number as the name on older kernels. */
static void set_name(void)
{
    const char *name = arguments && arguments[0] ? arguments[0] : "supervisord";
    const char *slash = strrchr(name, '/');

    prctl(PR_SET_NAME, slash ? slash + 1 : name, 0, 0, 0);
}

static int make_facts(struct err *err)
{
    size_t count = 0, page = (size_t)sysconf(_SC_PAGESIZE), bytes;

    while (environ && environ[count])
        count++;
    bytes = sizeof *facts + (count + 2) * sizeof facts->envp[0];
    bytes = (bytes + page - 1) / page * page;
    void *room =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED)
        return err_sys(err, "no memory for what another image needs");
    facts = room;
    facts_bytes = bytes;
    facts->argv = arguments;
    facts->memory = facts->binary = facts->fallback = -1;
    for (size_t i = 0; i < count; i++)
        facts->envp[i + 1] = environ[i];
    return 0;
}

int reexec_open(struct err *err)
{
    const char *value = take_variable();
    int rc = 0;

    if (!facts && make_facts(err) < 0)
        return -1;
    if (value && learn(value))
        set_name();
    else
        rc = find_binary(err);
    if (facts->memory >= 0) /* else there is no way on yet, and it is still to be set */
        lock();
    return rc;
}

/* --- changes ----------------------------------------------------------------------- */

enum reexec_role reexec_role(void)
{
    return own_role;
}

int reexec_memory(void)
{
    return facts ? facts->memory : -1;
}

void reexec_set_memory(int fd)
{
    if (!facts)
        return;
    unlock();
    facts->memory = fd;
    lock();
}

const char *reexec_path(void)
{
    return facts && facts->path[0] ? facts->path : NULL;
}

void reexec_replace(int fd, const char *path)
{
    if (!facts)
        return;
    unlock();
    fd_close(&facts->fallback);
    facts->fallback = facts->binary;
    facts->binary = fd;
    memcpy(facts->path_before, facts->path, sizeof facts->path);
    if (!make_absolute(path, strlen(path), facts->path))
        facts->path[0] = '\0';
    lock();
}

void reexec_replace_undo(void)
{
    if (!facts || facts->fallback < 0)
        return;
    unlock();
    fd_close(&facts->binary);
    facts->binary = facts->fallback;
    facts->fallback = -1;
    memcpy(facts->path, facts->path_before, sizeof facts->path);
    lock();
}

void reexec_settle(void)
{
    if (!facts || facts->fallback < 0)
        return;
    unlock();
    fd_close(&facts->fallback);
    lock();
}

void reexec_forget_fallback(void)
{
    if (!facts || facts->fallback < 0)
        return;
    unlock();
    facts->fallback = -1;
    lock();
}

void reexec_fds(int fds[2])
{
    fds[0] = facts ? facts->binary : -1;
    fds[1] = facts ? facts->fallback : -1;
}

/* --- the exec: async-signal-safe -----------------------------------------------------
 */

static char *put_text(char *at, char *end, const char *text)
{
    while (*text && at < end)
        *at++ = *text++;
    *at = '\0';
    return at;
}

static char *put_number(char *at, char *end, int number)
{
    char digits[16], *first = digits + sizeof digits - 1;
    unsigned left = number < 0 ? 0U - (unsigned)number : (unsigned)number;

    *first = '\0';
    *--first = ' ';
    do
        *--first = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (number < 0)
        *--first = '-';
    return put_text(at, end, first);
}

/* Only descriptors that are closed at an exec are changed: others are none of ours. */
static void pass_on(int max_fd, const int *others, size_t count)
{
    for (int fd = 3; fd <= max_fd; fd++)
        fcntl(fd, F_SETFD, 0);
    for (size_t i = 0; i < count; i++)
        if (others[i] > max_fd)
            fcntl(others[i], F_SETFD, 0);
}

static int execute(enum reexec_role role, int max_fd, int binary, int fallback)
{
    static char variable[PATH_MAX + 100]; /* not on the stack: that may be the fault */
    char *end = variable + sizeof variable - 1, *at = variable;
    int passed[3];

    if (!facts || binary < 0 || facts->memory < 0) {
        errno = EBADF;
        return -1;
    }
    passed[0] = facts->memory;
    passed[1] = binary;
    passed[2] = fallback;
    at = put_text(at, end, VARIABLE);
    for (int i = 0; i < 3; i++)
        at = put_number(at, end, passed[i]);
    at = put_number(at, end, (int)role);
    put_text(at, end, binary == facts->binary ? facts->path : facts->path_before);
    /* The array is part of the protected page: its first place is filled on a copy of
     * the page's rights, which only now are needed no more. */
    mprotect(facts, facts_bytes, PROT_READ | PROT_WRITE);
    facts->envp[0] = variable;
    pass_on(max_fd, passed, array_len(passed));
    syscall(SYS_execveat, binary, "", facts->argv, facts->envp, AT_EMPTY_PATH);
    if (errno == ENOSYS && binary == facts->binary && facts->path[0])
        execve(facts->path, facts->argv, facts->envp);
    int saved = errno;
    fd_set_cloexec_from(3, max_fd > binary ? max_fd : binary);
    mprotect(facts, facts_bytes, PROT_READ);
    errno = saved;
    return -1;
}

int reexec_now(enum reexec_role role, int max_fd)
{
    if (!facts) {
        errno = EBADF;
        return -1;
    }
    return execute(role, max_fd, facts->binary, facts->fallback);
}

int reexec_fall_back(enum reexec_role role, int max_fd)
{
    if (!facts || facts->fallback < 0) {
        errno = EBADF;
        return -1;
    }
    return execute(role, max_fd, facts->fallback, -1);
}

/* --- the trial --------------------------------------------------------------------- */

static NORETURN void trial_run(int binary, char *const *argv, const int fds[3],
                               unsigned seconds)
{
    static char *const no_environment[] = {NULL};
    const char *name;
    int high[4] = {fds[0], fds[1], fds[2], binary};

    for (int i = 0; i < 4; i++) /* out of each other's way */
        high[i] = fcntl(high[i], F_DUPFD_CLOEXEC, 10);
    for (int i = 0; i < 3; i++)
        dup2(high[i], i);
    dup3(high[3], 3, O_CLOEXEC);
    fd_close_from(4);
    signals_reset_in_child();
    alarm(seconds);
    syscall(SYS_execveat, 3, "", argv, no_environment, AT_EMPTY_PATH);
    name = err_errno_name(errno);
    (void)!write(1, "cannot execute: ", 16);
    (void)!write(1, name ? name : "unknown", name ? strlen(name) : 7);
    (void)!write(1, "\n", 1);
    _exit(127);
}

int reexec_trial(int binary, char *const *argv, const int fds[3], unsigned seconds,
                 struct err *err)
{
    pid_t pid = fork();

    if (pid == 0)
        trial_run(binary, argv, fds, seconds);
    return pid < 0 ? err_sys(err, "fork failed") : (int)pid;
}
