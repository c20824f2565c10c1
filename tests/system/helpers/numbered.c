/* Writes numbered lines until it is told to end: "PID.STARTED NUMBER PADDING", one write
 * each, of 0 to 199 bytes of padding. A life ends with the line "PID.STARTED NUMBER end",
 * so that a missing end shows too. numbered INTERVAL_MS [LIFE_MS] */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t told;

static void on_term(int number)
{
    (void)number;
    told = 1;
}

static long long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void put(const char *line, size_t n)
{
    while (n > 0) {
        ssize_t done = write(1, line, n);
        if (done <= 0)
            _exit(3); /* a pipe without a reader: the test sees the missing end */
        line += done;
        n -= (size_t)done;
    }
}

int main(int argc, char **argv)
{
    long interval = argc > 1 ? strtol(argv[1], NULL, 10) : 10;
    long life = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
    long long start = now_ms();
    struct sigaction act;
    char line[300];
    memset(&act, 0, sizeof act);
    act.sa_handler = on_term;
    sigaction(SIGTERM, &act, NULL);
    for (long i = 0;; i++) {
        int ends = told || (life > 0 && now_ms() - start >= life);
        int n = snprintf(line, sizeof line, "%d.%lld %ld ", (int)getpid(), start, i);
        if (ends) {
            n += snprintf(line + n, sizeof line - (size_t)n, "end\n");
            put(line, (size_t)n);
            return 0;
        }
        for (long k = i * 37 % 200; k > 0; k--)
            line[n++] = 'x';
        line[n++] = '\n';
        put(line, (size_t)n);
        struct timespec pause = {interval / 1000, interval % 1000 * 1000000};
        if (!told)
            nanosleep(&pause, NULL);
    }
}
