/* File names. */
#include "config/path.h"

#include "core/base/alloc.h"
#include "core/base/buf.h"

#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *home_of(struct span user)
{
    struct passwd *pw;
    if (user.len == 0) {
        const char *home = getenv("HOME");
        if (home)
            return home;
        pw = getpwuid(getuid());
    } else {
        char *name = span_dup(user);
        pw = getpwnam(name);
        free(name);
    }
    return pw ? pw->pw_dir : NULL;
}

char *path_expand_user(const char *path)
{
    if (path[0] != '~')
        return xstrdup(path);
    size_t n = strcspn(path, "/");
    const char *home = home_of((struct span){path + 1, n - 1});
    if (!home)
        return xstrdup(path);
    size_t keep = strlen(home);
    while (keep > 0 && home[keep - 1] == '/')
        keep--;
    if (keep == 0 && path[n] == '\0')
        return xstrdup("/");
    return xasprintf("%.*s%s", (int)keep, home, path + n);
}

static char *working_dir(void)
{
    char *dir = getcwd(NULL, 0);
    return dir ? dir : xstrdup("/");
}

/* Takes one name off the end of out. */
static void drop_last(struct buf *out, size_t root)
{
    size_t n = out->len;
    const char *p = buf_data(out);
    while (n > root && p[n - 1] != '/')
        n--;
    if (n > root)
        n--;
    buf_truncate(out, n < root ? root : n);
}

char *path_absolute(const char *path)
{
    char *cwd = path[0] == '/' ? NULL : working_dir();
    char *whole = cwd ? xasprintf("%s/%s", cwd, path) : xstrdup(path);
    struct span rest = span_of(whole), name;
    struct buf out;
    /* POSIX leaves the meaning of two leading slashes open, and so does Python. */
    size_t root = whole[1] == '/' && whole[2] != '/' && !cwd ? 2 : 1;

    buf_init(&out, BUF_NO_LIMIT);
    buf_append(&out, "//", root);
    while (span_split(&rest, '/', &name)) {
        if (name.len == 0 || span_eq(name, "."))
            continue;
        if (span_eq(name, "..")) {
            drop_last(&out, root);
            continue;
        }
        if (out.len > root)
            buf_putc(&out, '/');
        buf_append(&out, name.ptr, name.len);
    }
    free(whole);
    free(cwd);
    return buf_detach(&out);
}

char *path_normalize(const char *path)
{
    char *expanded = path_expand_user(path);
    char *whole = path_absolute(expanded);
    free(expanded);
    return whole;
}

char *path_dirname(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return xstrdup("");
    size_t n = (size_t)(slash - path) + 1;
    while (n > 0 && path[n - 1] == '/')
        n--;
    return n > 0 ? xstrndup(path, n) : xstrdup("/");
}

char *path_join(const char *base, const char *path)
{
    if (path[0] == '/' || base[0] == '\0')
        return xstrdup(path);
    return xasprintf("%s%s%s", base, str_ends(base, "/") ? "" : "/", path);
}

bool path_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

char *path_temp_dir(void)
{
    static const char *const variables[] = {"TMPDIR", "TEMP", "TMP"};
    static const char *const usual[] = {"/tmp", "/var/tmp", "/usr/tmp"};
    for (size_t i = 0; i < array_len(variables) + array_len(usual); i++) {
        const char *dir = i < array_len(variables) ? getenv(variables[i])
                                                   : usual[i - array_len(variables)];
        if (dir && dir[0] && path_is_dir(dir) && access(dir, W_OK | X_OK) == 0)
            return path_absolute(dir);
    }
    return working_dir();
}
