/* The multi-call entry. The name in argv[0] picks the applet, so that links named
 * supervisord, supervisorctl ... work; under any other name the first argument does. */
#include "applets/applet.h"

#include "config/help.h"
#include "core/base/alloc.h"
#include "core/base/str.h"
#include "core/io/reexec.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct applet applets[] = {
    {"supervisord", supervisord_main},
    {"supervisorctl", supervisorctl_main},
    {"echo_supervisord_conf", echo_supervisord_conf_main},
    {"pidproxy", pidproxy_main},
};

static const struct applet *applet_find(const char *name)
{
    for (size_t i = 0; i < array_len(applets); i++)
        if (str_eq(applets[i].name, name))
            return &applets[i];
    return NULL;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void print_list(FILE *out, const char *indent)
{
    for (size_t i = 0; i < array_len(applets); i++)
        fprintf(out, "%s%s\n", indent, applets[i].name);
}

/* The path of the running program, or NULL with a message. Without /proc argv[0] has to
 * do, which is enough when it holds a slash. */
static char *own_path(const char *argv0)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path);
    if (n > 0 && (size_t)n < sizeof path)
        return xstrndup(path, (size_t)n);
    if (strchr(argv0, '/') && realpath(argv0, path))
        return xstrdup(path);
    fprintf(stderr, "Error: cannot find the path of this program; start it by its full "
                    "path\n");
    return NULL;
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat sa, sb;
    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
           sa.st_ino == sb.st_ino;
}

static int install_one(const char *self, const char *dir, const char *name, bool symbolic,
                       bool force)
{
    char *to = xasprintf("%s/%s", dir, name);
    int rc = 0;
    /* The program itself may lie in DIR under an applet's name. */
    if (is_same_file(self, to) && !force)
        goto out;
    if (force && !str_eq(self, to) && unlink(to) < 0 && errno != ENOENT)
        rc = -1;
    if (rc == 0 && !str_eq(self, to))
        rc = symbolic ? symlink(self, to) : link(self, to);
    if (rc < 0)
        fprintf(stderr, "Error: cannot install %s: %s%s\n", to, strerror(errno),
                errno == EXDEV    ? " (use -s for symbolic links)"
                : errno == EEXIST ? " (use -f to replace it)"
                                  : "");
out:
    free(to);
    return rc;
}

static int install(const char *argv0, int argc, char **argv)
{
    bool symbolic = false, force = false;
    int i = 0;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (str_eq(argv[i], "-s"))
            symbolic = true;
        else if (str_eq(argv[i], "-f"))
            force = true;
        else
            break;
    }
    if (i != argc - 1) {
        fprintf(stderr, "Error: --install takes [-s] [-f] and one directory\n");
        return 2;
    }
    char *self = own_path(argv0);
    if (!self)
        return 1;
    int status = 0;
    for (size_t k = 0; k < array_len(applets); k++)
        if (install_one(self, argv[i], applets[k].name, symbolic, force) < 0)
            status = 1;
    free(self);
    return status;
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
/* Faults are ours to handle in this build too (core/io/crash.h). The name is the
 * sanitizer's. NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "handle_segv=0:handle_sigbus=0:handle_sigill=0:handle_sigfpe=0:handle_abort=0:"
           "allow_user_segv_handler=1:use_sigaltstack=0";
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
#endif
#endif

int main(int argc, char **argv)
{
    reexec_remember(argv);
    const char *self = argc > 0 ? argv[0] : "supervisor";
    const struct applet *a = applet_find(base_name(self));
    if (a)
        return a->main(argc, argv);
    if (argc < 2) {
        help_print(stderr, "supervisor", self);
        return 2;
    }
    const char *word = argv[1];
    a = applet_find(base_name(word));
    if (a)
        return a->main(argc - 1, argv + 1);
    if (str_eq(word, "--install"))
        return install(self, argc - 2, argv + 2);
    if (str_eq(word, "--list"))
        print_list(stdout, "");
    else if (str_eq(word, "--version"))
        printf("supervisor %s\n", SUPERVISOR_OWN_VERSION);
    else if (str_eq(word, "--help") || str_eq(word, "-h"))
        help_print(stdout, "supervisor", self);
    else {
        fprintf(stderr, "Error: unknown applet %s; the applets are:\n", word);
        print_list(stderr, "  ");
        return 2;
    }
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    fprintf(stderr, "Error: cannot write: %s\n", strerror(errno));
    return 1;
}
