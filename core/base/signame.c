/* Signal names and numbers. The one idea: one table; the first row of a number is the
 * name shown for it, every row is a name that is understood. */
#include "core/base/signame.h"

#include "core/base/num.h"
#include "core/base/str.h"
#include "core/base/util.h"

#include <signal.h>
#include <stdio.h>

/* Real-time limits as Python on Linux knows them, whatever the C library keeps for
 * itself. */
enum { SIGNAL_RTMIN = 34, SIGNAL_RTMAX = 64 };

// clang-format off
#define S(name) { #name, name }
static const struct {
    char name[10]; /* in place: smaller than a pointer and a text */
    unsigned char number;
} signals[] = {
    S(SIGHUP), S(SIGINT), S(SIGQUIT), S(SIGILL), S(SIGTRAP), S(SIGABRT), S(SIGBUS),
    S(SIGFPE), S(SIGKILL), S(SIGUSR1), S(SIGSEGV), S(SIGUSR2), S(SIGPIPE), S(SIGALRM),
    S(SIGTERM), S(SIGCHLD), S(SIGCONT), S(SIGSTOP), S(SIGTSTP), S(SIGTTIN), S(SIGTTOU),
    S(SIGURG), S(SIGXCPU), S(SIGXFSZ), S(SIGVTALRM), S(SIGPROF), S(SIGWINCH),
    S(SIGPOLL), /* upstream shows 29 by this name */
    S(SIGSYS),
#ifdef SIGSTKFLT
    S(SIGSTKFLT),
#endif
#ifdef SIGPWR
    S(SIGPWR),
#endif
    { "SIGRTMIN", SIGNAL_RTMIN }, { "SIGRTMAX", SIGNAL_RTMAX },
    { "SIGIOT", SIGABRT }, { "SIGCLD", SIGCHLD }, { "SIGIO", SIGPOLL },
};
#undef S
// clang-format on

const char *signame_from_number(int number)
{
    static char unnamed[32];

    for (size_t i = 0; i < array_len(signals); i++)
        if (signals[i].number == number)
            return signals[i].name;
    snprintf(unnamed, sizeof unnamed, "signal %d", number);
    return unnamed;
}

int signame_parse(const char *text)
{
    struct span word = span_trim(span_of(text));
    int64_t number;

    if (parse_int(text, INT32_MIN, INT32_MAX, &number) == 0) {
        if (number == 0)
            return 0; /* upstream takes it: a signal that only asks whether one is there
                       */
        for (size_t i = 0; i < array_len(signals); i++)
            if (signals[i].number == number)
                return signals[i].number;
        return -1;
    }
    for (size_t i = 0; i < array_len(signals); i++)
        if (span_eq_nocase(word, signals[i].name) ||
            span_eq_nocase(word, signals[i].name + 3))
            return signals[i].number;
    return -1;
}
