/* A child that does what its arguments say, in order: the tests' stand-in for any
 * program, good or bad. It is linked statically, so that it runs in an empty root too.
 *
 *   out TEXT | err TEXT   write TEXT (with \n, \t and \xHH understood)
 *   fill N                write N bytes to stdout as lines of 64
 *   flood N               write N bytes to stdout without a newline
 *   count PREFIX SECONDS  for ever ten lines "PID N xxx" and a pause of SECONDS; N of the
 *                         last one that was written is kept in the file PREFIX.PID
 *   lines MS              write "PID N" for N from 1 on, a line every MS milliseconds
 *   echo                  copy stdin to stdout until its end
 *   append FILE TEXT      add a line to a file
 *   stamp FILE TEXT       add "TEXT monotonic-milliseconds" to a file
 *   sleep SECONDS         (a decimal number), resumed after signals
 *   pause                 wait for ever
 *   ignore SIG | default SIG
 *   trap SIG              say "got SIG" on stdout and go on
 *   onsig SIG N           say "got SIG" and exit with N
 *   exit N | die SIG
 *   fork N                N children that run the remaining arguments beside us
 *   forkaway SECONDS      a child that only sleeps, and holds our descriptors
 *   orphan                a grandchild that sleeps 0.2 s and dies with no parent left
 *   ifmissing FILE N      exit with N unless FILE exists
 *   close FD
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t exit_on[65];

static const struct {
    const char *name;
    int sig;
} signals[] = {
    {"HUP", SIGHUP},   {"INT", SIGINT},   {"QUIT", SIGQUIT}, {"TERM", SIGTERM},
    {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"KILL", SIGKILL}, {"ABRT", SIGABRT},
    {"CHLD", SIGCHLD}, {"PIPE", SIGPIPE}, {"ALRM", SIGALRM}, {"SEGV", SIGSEGV},
};
enum { SIGNALS = sizeof signals / sizeof signals[0] };

static int signal_number(const char *name)
{
    for (int i = 0; i < SIGNALS; i++)
        if (strcmp(signals[i].name, name) == 0)
            return signals[i].sig;
    fprintf(stderr, "child: unknown signal %s\n", name);
    exit(120);
}

static void put(int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t did = write(fd, data, n);
        if (did < 0 && errno == EINTR)
            continue;
        if (did <= 0)
            exit(121);
        data += did;
        n -= (size_t)did;
    }
}

static void on_signal(int sig)
{
    int saved = errno;
    for (int i = 0; i < SIGNALS; i++)
        if (signals[i].sig == sig) {
            char line[16] = "got ";
            strcat(line, signals[i].name);
            strcat(line, "\n");
            put(1, line, strlen(line));
        }
    if (exit_on[sig] >= 0)
        _exit(exit_on[sig]);
    errno = saved;
}

static void write_escaped(int fd, const char *text)
{
    char *out = malloc(strlen(text) + 1);
    size_t n = 0;
    for (; *text; text++) {
        if (*text == '\\' && text[1] == 'n') {
            out[n++] = '\n';
            text++;
        } else if (*text == '\\' && text[1] == 't') {
            out[n++] = '\t';
            text++;
        } else if (*text == '\\' && text[1] == 'x' && text[2] && text[3]) {
            char hex[3] = {text[2], text[3], 0};
            out[n++] = (char)strtol(hex, NULL, 16);
            text += 3;
        } else {
            out[n++] = *text;
        }
    }
    put(fd, out, n);
    free(out);
}

static void fill(long bytes, int lines)
{
    char block[64];
    long at = 0;
    while (bytes > 0) {
        size_t n = bytes < 64 ? (size_t)bytes : 64;
        char number[32];
        memset(block, 'x', sizeof block);
        memcpy(block, number, (size_t)snprintf(number, sizeof number, "%08ld ", at++));
        block[n - 1] = lines ? '\n' : 'x';
        put(1, block, n);
        bytes -= (long)n;
    }
}

static void sleep_for(double seconds);

static void write_lines(long ms)
{
    for (long n = 1;; n++) {
        char line[64];
        put(1, line, (size_t)snprintf(line, sizeof line, "%d %ld\n", (int)getpid(), n));
        sleep_for((double)ms / 1000);
    }
}

static void sleep_for(double seconds)
{
    struct timespec left = {.tv_sec = (time_t)seconds};
    left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

static void count(const char *prefix, double seconds)
{
    char path[512], line[160], number[32];
    snprintf(path, sizeof path, "%s.%d", prefix, (int)getpid());
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) {
        perror(path);
        exit(122);
    }
    for (long n = 1;; n++) {
        int len =
            snprintf(line, sizeof line, "%d %ld %.*s\n", (int)getpid(), n, (int)(n % 97),
                     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
        put(1, line, (size_t)len);
        len = snprintf(number, sizeof number, "%020ld", n);
        if (pwrite(fd, number, (size_t)len, 0) != len)
            exit(123);
        if (n % 10 == 0)
            sleep_for(seconds);
    }
}

static void append(const char *path, const char *text, int stamped)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) {
        perror(path);
        exit(122);
    }
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    char line[512];
    int n = stamped ? snprintf(line, sizeof line, "%s %lld\n", text,
                               (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000)
                    : snprintf(line, sizeof line, "%s\n", text);
    put(fd, line, (size_t)n);
    close(fd);
}

static void handle(int sig, void (*what)(int))
{
    struct sigaction sa = {.sa_handler = what, .sa_flags = SA_RESTART};
    sigaction(sig, &sa, NULL);
}

static void orphan(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        if (fork() == 0) {
            sleep_for(0.2);
            _exit(7);
        }
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
    for (int i = 0; i < 65; i++)
        exit_on[i] = -1;
    for (int i = 1; i < argc; i++) {
        const char *verb = argv[i];
        const char *a = i + 1 < argc ? argv[i + 1] : "";
        const char *b = i + 2 < argc ? argv[i + 2] : "";
        if (strcmp(verb, "out") == 0 || strcmp(verb, "err") == 0) {
            write_escaped(verb[0] == 'o' ? 1 : 2, a);
            i++;
        } else if (strcmp(verb, "fill") == 0 || strcmp(verb, "flood") == 0) {
            fill(atol(a), verb[1] == 'i');
            i++;
        } else if (strcmp(verb, "lines") == 0) {
            write_lines(atol(a));
        } else if (strcmp(verb, "count") == 0) {
            count(a, atof(b));
        } else if (strcmp(verb, "echo") == 0) {
            char block[4096];
            ssize_t n;
            while ((n = read(0, block, sizeof block)) > 0)
                put(1, block, (size_t)n);
        } else if (strcmp(verb, "append") == 0 || strcmp(verb, "stamp") == 0) {
            append(a, b, verb[0] == 's');
            i += 2;
        } else if (strcmp(verb, "sleep") == 0) {
            sleep_for(atof(a));
            i++;
        } else if (strcmp(verb, "pause") == 0) {
            for (;;)
                pause();
        } else if (strcmp(verb, "ignore") == 0) {
            handle(signal_number(a), SIG_IGN);
            i++;
        } else if (strcmp(verb, "default") == 0) {
            handle(signal_number(a), SIG_DFL);
            i++;
        } else if (strcmp(verb, "trap") == 0) {
            handle(signal_number(a), on_signal);
            i++;
        } else if (strcmp(verb, "onsig") == 0) {
            exit_on[signal_number(a)] = atoi(b);
            handle(signal_number(a), on_signal);
            i += 2;
        } else if (strcmp(verb, "exit") == 0) {
            exit(atoi(a));
        } else if (strcmp(verb, "die") == 0) {
            kill(getpid(), signal_number(a));
            pause();
        } else if (strcmp(verb, "fork") == 0) {
            for (long left = atol(a); left > 0; left--)
                if (fork() == 0)
                    break;
            i++;
        } else if (strcmp(verb, "forkaway") == 0) {
            if (fork() == 0) {
                sleep_for(atof(a));
                _exit(0);
            }
            i++;
        } else if (strcmp(verb, "orphan") == 0) {
            orphan();
        } else if (strcmp(verb, "ifmissing") == 0) {
            if (access(a, F_OK) != 0)
                exit(atoi(b));
            i += 2;
        } else if (strcmp(verb, "close") == 0) {
            close(atoi(a));
            i++;
        } else {
            fprintf(stderr, "child: unknown verb %s\n", verb);
            return 120;
        }
    }
    return 0;
}
