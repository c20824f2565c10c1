/* Real children: descriptors, ids, signals, and what a failing start says. */
#include "core/io/spawn.h"

#include "core/io/fd.h"
#include "core/io/signals.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char *const no_env[] = {NULL};
static char *const some_env[] = {"A=1", "PATH=/usr/bin:/bin", NULL};

/* Runs the plan with its output in one pipe; returns the status, *said what it wrote. */
static int run(struct spawn_plan *plan, char said[4096])
{
    int out[2], in = open("/dev/null", O_RDONLY | O_CLOEXEC), status = -1;
    size_t n = 0;
    ssize_t got;
    struct err err;
    pid_t pid, reaped;

    assert_int_equal(fd_pipe(out, &err), 0);
    plan->fds[0] = in;
    plan->fds[1] = plan->fds[2] = out[1];
    pid = spawn_run(plan, &err);
    assert_true(pid > 0);
    close(out[1]);
    close(in);
    while ((got = read(out[0], said + n, 4095 - n)) > 0)
        n += (size_t)got;
    said[n] = '\0';
    close(out[0]);
    while ((reaped = spawn_reap(0, NULL, &status)) == 0)
        usleep(1000); /* # poll */
    assert_int_equal(reaped, pid);
    assert_int_equal(spawn_reap(0, NULL, &status), 0);
    return status;
}

static struct spawn_plan plan_of(char *const *argv)
{
    return (struct spawn_plan){
        .file = argv[0], .argv = argv, .envp = no_env, .umask = -1, .own_group = true};
}

/* It is asked for while another is dead too, which is then still there for who asks for
 * any; and with it the kernel's own words. */
static void test_one_is_reaped(void **state)
{
    static char *const argv[] = {"/bin/sh", "-c", "exit $0", "0", NULL};
    struct spawn_plan plan = plan_of(argv);
    siginfo_t info = {0}, none = {0};
    struct err err;
    int status, null = open("/dev/null", O_RDWR | O_CLOEXEC);

    UNUSED(state);
    plan.fds[0] = plan.fds[1] = plan.fds[2] = null;
    pid_t first = spawn_run(&plan, &err), second = spawn_run(&plan, &err);
    assert_int_equal(waitid(P_PID, (id_t)first, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(waitid(P_PID, (id_t)second, &info, WEXITED | WNOWAIT), 0);
    memset(&info, 0, sizeof info);
    assert_int_equal(spawn_reap(second, &info, &status), second);
    assert_int_equal(info.si_pid, second);
    assert_int_equal(spawn_reap(second, &none, &status), 0);
    assert_int_equal(none.si_pid, 0);
    assert_int_equal(spawn_reap(second, NULL, &status), 0);
    assert_int_equal(spawn_reap(getpid(), &none, &status), 0); /* no child at all */
    assert_int_equal(spawn_reap(0, NULL, &status), first);
    assert_int_equal(spawn_reap(first, NULL, &status), 0);
    close(null);
}

static void test_what_the_child_gets(void **state)
{
    static char *const argv[] = {
        "/bin/sh", "-c",
        "echo $A $0; umask; pwd; ls /proc/self/fd | tr '\\n' ' '; echo; "
        "set -- $(cut -d' ' -f1,5 /proc/$$/stat); [ $1 = $2 ] && echo leads; "
        "grep -E '^Sig(Blk|Ign|Cgt)' /proc/$$/status | cut -f2 | head -2",
        "zero", NULL};
    struct spawn_plan plan = plan_of(argv);
    int leak = open("/dev/null", O_RDONLY); /* not even close-on-exec */
    char said[4096];
    sigset_t set, before;
    struct sigaction pipe_before;

    UNUSED(state);
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, &before);
    signals_ignore(SIGPIPE, &pipe_before);
    plan.envp = some_env;
    plan.umask = 027;
    plan.cwd = "/usr";
    assert_int_equal(run(&plan, said), 0);
    sigaction(SIGPIPE, &pipe_before, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(leak);
    /* the 3 is ls reading the directory */
    assert_string_equal(said, "1 zero\n0027\n/usr\n0 1 2 3 \nleads\n"
                              "0000000000000000\n0000000000000000\n");
}

static void test_failures_tell_why(void **state)
{
    static char *const argv[] = {"/nonexistent/cat", "x", NULL};
    static char *const dir[] = {"/", NULL};
    static char *const good[] = {"/bin/true", NULL};
    static const struct {
        char *const *argv;
        const char *cwd, *said;
        bool other_uid;
    } cases[] = {
        {argv, NULL, "couldn't exec /nonexistent/cat: ENOENT", false},
        {dir, NULL, "couldn't exec /: EACCES", false},
        {good, "/nonexistent", "couldn't chdir to /nonexistent: ENOENT", false},
        {good, "/bin/true", "couldn't chdir to /bin/true: ENOTDIR", false},
        {good, NULL, "couldn't setuid to 12345: Can't drop privilege as nonroot user",
         true},
    };
    char said[4096], expected[4096];

    UNUSED(state);
    for (size_t i = 0; i < array_len(cases); i++) {
        struct spawn_plan plan = plan_of(cases[i].argv);
        int status;

        plan.cwd = cases[i].cwd;
        plan.has_uid = cases[i].other_uid;
        plan.uid = plan.gid = 12345;
        plan.user_label = "12345";
        if (cases[i].other_uid && getuid() == 0)
            continue; /* root may; see the next test */
        status = run(&plan, said);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 127);
        snprintf(expected, sizeof expected,
                 "supervisor: %s\nsupervisor: child process was not spawned\n",
                 cases[i].said);
        assert_string_equal(said, expected);
    }
}

static void test_other_user(void **state)
{
    static char *const argv[] = {"/bin/sh", "-c", "id -u; id -g; id -G", NULL};
    struct spawn_plan plan = plan_of(argv);
    static const gid_t groups[] = {54321, 777};
    char said[4096];

    UNUSED(state);
    if (getuid() != 0)
        skip();
    plan.envp = some_env;
    plan.has_uid = true;
    plan.uid = 12345;
    plan.gid = 54321;
    plan.groups = groups;
    plan.group_count = 2;
    assert_int_equal(run(&plan, said), 0);
    assert_string_equal(said, "12345\n54321\n54321 777\n");
}

static size_t open_descriptors(void)
{
    size_t n = 0;

    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* A child that is born with our memory and descriptors: it loses none of ours, gets none
 * but its own, and can fail without harm to us. */
static void test_born_with_our_table(void **state)
{
    static char *const ls[] = {"/bin/sh", "-c", "echo /proc/self/fd/*; cat <&0", NULL};
    static char *const gone[] = {"/nonexistent/cat", NULL};
    struct sigaction fault, before;
    char said[4096];
    size_t count = 0;
    pid_t pid = 0;

    UNUSED(state);
    int leak = open("/dev/null", O_RDONLY), high = fcntl(leak, F_DUPFD, 500);
    sigaction(SIGUSR1, NULL, &before);
    for (int i = 0; i < 5; i++) {
        struct spawn_plan plan = plan_of(i == 3 ? gone : ls);

        plan.sole_table = true;
        plan.pid_at = &pid;
        int status = run(&plan, said);
        assert_true(pid > 0);
        assert_int_equal(WEXITSTATUS(status), i == 3 ? 127 : 0);
        if (i == 3)
            assert_non_null(strstr(said, "couldn't exec /nonexistent/cat: ENOENT"));
        else /* 3 is the shell reading the directory */
            assert_string_equal(said, "/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 "
                                      "/proc/self/fd/3\n");
        if (i == 0) /* from now on it keeps some */
            count = open_descriptors();
        assert_int_equal(open_descriptors(), count);
    }
    sigaction(SIGUSR1, NULL, &fault);
    assert_true(fault.sa_handler == before.sa_handler);
    assert_true(fcntl(high, F_GETFD) >= 0);
    close(leak);
    close(high);
}

/* The descriptors to place may stand on 0..2 themselves, in any order. */
static void test_low_descriptors(void **state)
{
    static char *const argv[] = {"/bin/sh", "-c", "read x; echo out$x; echo err$x >&2",
                                 NULL};
    static const int orders[][3] = {
        {0, 1, 2}, {1, 2, 0}, {2, 0, 1}, {1, 0, 2}, {2, 1, 1}};

    UNUSED(state);
    for (size_t i = 0; i < array_len(orders); i++) {
        int in[2], out[2], status;
        struct err err;
        char said[64] = "";
        pid_t pid;

        assert_int_equal(fd_pipe(in, &err), 0);
        assert_int_equal(fd_pipe(out, &err), 0);
        assert_int_equal(write(in[1], "7\n", 2), 2);
        close(in[1]);
        pid = fork();
        if (pid == 0) { /* the lab: its 0..2 are the ends, in a strange order */
            struct spawn_plan plan = plan_of(argv);

            dup2(in[0], orders[i][0]);
            dup2(out[1], orders[i][1]);
            dup2(out[1], orders[i][2]);
            plan.fds[0] = orders[i][0];
            plan.fds[1] = orders[i][1];
            plan.fds[2] = orders[i][2];
            if (spawn_run(&plan, &err) < 0 || wait(&status) < 0)
                _exit(9);
            _exit(WEXITSTATUS(status));
        }
        close(out[1]);
        close(in[0]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_true(read(out[0], said, 63) > 0);
        assert_string_equal(said, "out7\nerr7\n");
        close(out[0]);
    }
}

static void test_group_can_be_killed_at_once(void **state)
{
    static char *const argv[] = {"/bin/sleep", "60", NULL};
    struct spawn_plan plan = plan_of(argv);
    struct err err;
    int status = 0;
    pid_t pid;

    UNUSED(state);
    plan.fds[1] = 1;
    plan.fds[2] = 2;
    pid = spawn_run(&plan, &err);
    assert_true(pid > 0);
    assert_int_equal(spawn_kill(pid, true, SIGTERM), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    assert_int_equal(spawn_kill(pid, true, SIGTERM), -1);
    assert_int_equal(errno, ESRCH);
    assert_int_equal(spawn_kill(0, false, SIGTERM), -1);
    assert_int_equal(spawn_kill(-1, true, SIGTERM), -1);
}

static void test_find_command(void **state)
{
    static const struct {
        const char *file, *path, *found, *error;
    } cases[] = {
        {"/bin/sh", NULL, "/bin/sh", NULL},
        {"sh", "/nonexistent:/bin", "/bin/sh", NULL},
        {"sh", "/nonexistent:/bin/", "/bin/sh", NULL},
        {"sh", NULL, "/bin/sh", NULL},
        {"sh", "/nonexistent", NULL, "can't find command 'sh'"},
        {"sh", "", NULL, "can't find command 'sh'"},
        {"plain", "", NULL, "command at 'plain' is not executable"},
        {"sub", "", NULL, "command at 'sub' is a directory"},
        {"./plain", "/bin", NULL, "command at './plain' is not executable"},
        {"/nonexistent/it's", NULL, NULL, "can't find command \"/nonexistent/it's\""},
        {"a\nb", "/bin", NULL, "can't find command 'a\\nb'"},
    };
    char dir[] = "/tmp/test-spawn-XXXXXX";

    UNUSED(state);
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chdir(dir), 0);
    close(open("plain", O_CREAT | O_WRONLY, 0644));
    assert_int_equal(mkdir("sub", 0755), 0);
    for (size_t i = 0; i < array_len(cases); i++) {
        char *found = NULL;
        struct err err;
        int rc = spawn_find_command(cases[i].file, cases[i].path, &found, &err);

        if (cases[i].found) {
            assert_int_equal(rc, 0);
            assert_string_equal(found, cases[i].found);
        } else {
            assert_int_equal(rc, -1);
            assert_string_equal(err.text, cases[i].error);
            assert_int_equal(err.code, err.text[1] == 'a' ? ERR_MISSING : ERR_SYS);
        }
        free(found);
    }
    unlink("plain");
    rmdir("sub");
    assert_int_equal(chdir("/"), 0);
    rmdir(dir);
}

static void test_groups_of(void **state)
{
    gid_t gid = 99, *groups = NULL;
    size_t count = 0;
    struct err err;

    UNUSED(state);
    assert_int_equal(spawn_groups_of("root", 0, &gid, &groups, &count, &err), 0);
    assert_int_equal(gid, 0);
    assert_true(count >= 1);
    assert_int_equal(groups[0], 0);
    free(groups);
    assert_int_equal(spawn_groups_of(NULL, 54321987, &gid, &groups, &count, &err), -1);
    assert_string_equal(err.text, "Can't find uid 54321987");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_is_reaped),
        cmocka_unit_test(test_what_the_child_gets),
        cmocka_unit_test(test_failures_tell_why),
        cmocka_unit_test(test_born_with_our_table),
        cmocka_unit_test(test_other_user),
        cmocka_unit_test(test_low_descriptors),
        cmocka_unit_test(test_group_can_be_killed_at_once),
        cmocka_unit_test(test_find_command),
        cmocka_unit_test(test_groups_of),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
