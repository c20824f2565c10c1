/* The crash handler. The one idea: it changes nothing and understands nothing; it writes
 * down a few numbers and leaves the rest to an image whose memory is whole. */
#include "core/io/crash.h"

#include "core/base/signame.h"
#include "core/io/fd.h"
#include "core/io/journal.h"
#include "core/io/reexec.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

/* The handler needs less than READY_BYTES, two frames with all registers included. */
enum { STACK_BYTES = 128 * 1024, READY_BYTES = 32 * 1024 };

static const int caught[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

/* The linker's: where the binary begins and ends in memory. */
extern const char image_begin[] __asm__("__ehdr_start")
    __attribute__((visibility("hidden")));
extern const char image_end[] __asm__("_end");

static struct {
    pid_t pid; /* whose faults these are: a child has another */
    enum crash_way way;
    char *stack;
} armed;
static volatile sig_atomic_t entered; /* times, in this image */
static volatile sig_atomic_t restoring;

static uint64_t code_address(void *context)
{
    const ucontext_t *u = context;
    uint64_t pc = 0;

#if defined(__x86_64__)
    pc = (uint64_t)u->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    pc = u->uc_mcontext.pc;
#else
    (void)u;
#endif
    /* The next image lies elsewhere: only the distance means something there. */
    if (pc >= (uintptr_t)image_begin && pc < (uintptr_t)image_end)
        pc -= (uintptr_t)image_begin;
    return pc;
}

/* kill(2) or the like, from wherever: says nothing about our health. */
static bool was_sent(int number, const siginfo_t *info)
{
    return info->si_code <= 0 && (number != SIGABRT || info->si_pid != armed.pid);
}

static void note(int number, const siginfo_t *info, void *context)
{
    struct journal_facts *f = journal_facts();
    struct timespec now = {0};

    if (!f)
        return;
    if (armed.way == CRASH_REEXEC)
        f->deaths++;
    f->crash.signal_number = number;
    f->crash.code = was_sent(number, info) ? 0 : info->si_code;
    f->crash.address =
        info->si_code > 0 ? (uintptr_t)info->si_addr : (uint64_t)info->si_pid;
    f->crash.pc = code_address(context);
    f->crash.twice = 0;
    f->crash.told = 0;
    if (was_sent(number, info))
        return;
    if (restoring)
        f->restores_failed++;
    clock_gettime(CLOCK_MONOTONIC, &now);
    f->crash_ms[f->crashes % JOURNAL_CRASHES] =
        (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    f->crashes++;
}

static void set_default(int number)
{
    struct sigaction by_default = {.sa_handler = SIG_DFL};
    sigset_t one;

    sigaction(number, &by_default, NULL);
    sigemptyset(&one);
    sigaddset(&one, number);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
}

/* A fault happens again when the handler returns, which leaves a true picture for a
 * debugger; a signal that was sent is sent again. */
static void die_of(int number, const siginfo_t *info)
{
    set_default(number);
    if (info->si_code <= 0 || number == SIGABRT)
        kill((pid_t)syscall(SYS_getpid), number);
}

/* Where cores are asked for, a copy of this process leaves one. True in the copy. */
static bool leave_core(int number, const siginfo_t *info)
{
    struct rlimit limit;
    long pid;

    if (getrlimit(RLIMIT_CORE, &limit) < 0 || limit.rlim_cur == 0)
        return false;
    pid = syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L);
    if (pid != 0) {
        journal_facts()->core_pid = pid > 0 ? pid : 0;
        return false;
    }
    fd_close_from(3);
    die_of(number, info);
    return true;
}

/* The build before this one has not failed yet. */
static void fall_back(struct journal_facts *f)
{
    uint32_t failed = f->restores_failed;

    f->restores_failed = 0;
    reexec_fall_back(REEXEC_SUPERVISOR, f->max_fd);
    f->restores_failed = failed;
}

static void on_crash(int number, siginfo_t *info, void *context)
{
    struct journal_facts *f = journal_facts();
    sigset_t all;

    if ((pid_t)syscall(SYS_getpid) != armed.pid || entered >= 3) {
        die_of(number, info);
        return;
    }
    if (++entered == 1)
        note(number, info, context);
    else if (f)
        f->crash.twice = 1;
    if (!f || armed.way == CRASH_DIE) {
        die_of(number, info);
        return;
    }
    if (entered == 1 && leave_core(number, info))
        return;
    /* One that is sent from now on waits for the next image to be ready. */
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    if (f->restores_failed > 1)
        fall_back(f);
    reexec_now(REEXEC_SUPERVISOR, f->max_fd);
    die_of(number, info);
}

/* --- arming ------------------------------------------------------------------------ */

static int give_stack(struct err *err)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    stack_t stack = {.ss_size = STACK_BYTES};

    if (!armed.stack) {
        void *room = mmap(NULL, STACK_BYTES + page, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (room == MAP_FAILED)
            return err_sys(err, "no memory for the crash handler's stack");
        mprotect(room, page, PROT_NONE);
        armed.stack = (char *)room + page;
        for (size_t at = STACK_BYTES - READY_BYTES; at < STACK_BYTES; at += page)
            ((volatile char *)armed.stack)[at] = 0; /* there when memory is short */
    }
    stack.ss_sp = armed.stack;
    return sigaltstack(&stack, NULL) < 0 ? err_sys(err, "sigaltstack") : 0;
}

int crash_arm(enum crash_way way, struct err *err)
{
    struct sigaction act = {.sa_sigaction = on_crash,
                            .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigset_t ours;

    if (give_stack(err) < 0)
        return -1;
    armed.pid = (pid_t)syscall(SYS_getpid);
    armed.way = way;
    entered = 0;
    sigfillset(&act.sa_mask);
    sigdelset(&act.sa_mask, SIGSEGV);
    sigdelset(&act.sa_mask, SIGBUS);
    sigemptyset(&ours);
    for (size_t i = 0; i < array_len(caught); i++) {
        sigaction(caught[i], &act, NULL);
        sigaddset(&ours, caught[i]);
    }
    sigprocmask(SIG_UNBLOCK, &ours, NULL);
    return 0;
}

void crash_set_restoring(bool now)
{
    restoring = now;
}

void crash_block_others(void)
{
    sigset_t others;

    sigfillset(&others);
    for (size_t i = 0; i < array_len(caught); i++)
        sigdelset(&others, caught[i]);
    sigprocmask(SIG_BLOCK, &others, NULL);
}

/* --- looking back ------------------------------------------------------------------ */

bool crash_untold(char *text, size_t n)
{
    struct journal_facts *f = journal_facts();
    char where[80] = "";

    if (!f || f->crash.signal_number == 0 || f->crash.told)
        return false;
    f->crash.told = 1;
    if (f->crash.code == 0)
        snprintf(where, sizeof where, " sent by process %llu",
                 (unsigned long long)f->crash.address);
    else if (f->crash.code > 0)
        snprintf(where, sizeof where, " at address 0x%llx",
                 (unsigned long long)f->crash.address);
    snprintf(text, n, "%s%s, in code at %s0x%llx%s",
             signame_from_number(f->crash.signal_number), where,
             f->crash.pc < (uintptr_t)image_end - (uintptr_t)image_begin ? "+" : "",
             (unsigned long long)f->crash.pc,
             f->crash.twice ? ", and again in the handler" : "");
    return true;
}

unsigned crash_count_since(int64_t now_ms, int64_t span_ms)
{
    const struct journal_facts *f = journal_facts();
    unsigned found = 0;

    for (uint32_t i = 0; f && i < f->crashes && i < JOURNAL_CRASHES; i++)
        if (now_ms - f->crash_ms[i] <= span_ms)
            found++;
    return found;
}
