/* One parser per type of value. */
#include "config/value.h"

#include "config/path.h"
#include "core/base/pytext.h"
#include "core/base/alloc.h"
#include "core/base/log.h"
#include "core/base/num.h"
#include "core/base/signame.h"
#include "core/base/words.h"

#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

/* fmt has one %s, for the text as repr() shows it. */
static int refuse(struct err *err, const char *text, const char *before,
                  const char *after)
{
    char *shown = py_repr(span_of(text));
    err_set(err, ERR_CONFIG, "%s%.400s%s", before, shown, after);
    free(shown);
    return -1;
}

static int clamp_int(int64_t v)
{
    return v > INT_MAX ? INT_MAX : v < INT_MIN ? INT_MIN : (int)v;
}

static int parse_any(const char *text, int64_t *v, struct err *err)
{
    if (parse_int(text, INT64_MIN, INT64_MAX, v) == 0)
        return 0;
    struct span s = py_strip(span_of(text));
    if (s.len > 18 && strspn(s.ptr, "+-0123456789") >= s.len)
        return refuse(err, text, "number out of range: ", "");
    return refuse(err, text, "invalid literal for int() with base 10: ", "");
}

int value_text(struct pool *pool, const char *text, void *to, struct err *err)
{
    UNUSED(err);
    *(char **)to = pool_str(pool, text);
    return 0;
}

int value_bool(struct pool *pool, const char *text, void *to, struct err *err)
{
    UNUSED(pool);
    if (parse_bool(text, to) == 0)
        return 0;
    return refuse(err, text, "not a valid boolean value: ", "");
}

int value_int(struct pool *pool, const char *text, void *to, struct err *err)
{
    int64_t v;
    UNUSED(pool);
    if (parse_any(text, &v, err) < 0)
        return -1;
    *(int *)to = clamp_int(v);
    return 0;
}

int value_bytes(struct pool *pool, const char *text, void *to, struct err *err)
{
    int64_t v;
    UNUSED(pool);
    if (parse_bytes(text, &v) == 0) {
        *(int64_t *)to = v;
        return 0;
    }
    /* Upstream complains of what is left without the suffix. */
    char *number = xstrdup(text);
    size_t n = strlen(number);
    for (char *p = number; *p; p++)
        *p = char_lower(*p);
    if (str_ends(number, "kb") || str_ends(number, "mb") || str_ends(number, "gb"))
        number[n - 2] = '\0';
    if (parse_any(number, &v, err) == 0)
        refuse(err, text, "number out of range: ", "");
    free(number);
    return -1;
}

int value_mode(struct pool *pool, const char *text, void *to, struct err *err)
{
    UNUSED(pool);
    if (parse_octal(text, 07777, to) == 0)
        return 0;
    return err_set(err, ERR_CONFIG, "%.400s can not be converted to an octal type", text);
}

int value_signal(struct pool *pool, const char *text, void *to, struct err *err)
{
    int number = signame_parse(text);
    int64_t v;
    UNUSED(pool);
    if (number >= 0) {
        *(int *)to = number;
        return 0;
    }
    bool is_number = parse_int(text, INT64_MIN, INT64_MAX, &v) == 0;
    return refuse(err, text, "value ",
                  is_number ? " is not a valid signal number"
                            : " is not a valid signal name");
}

int value_autorestart(struct pool *pool, const char *text, void *to, struct err *err)
{
    enum autorestart *out = to;
    bool yes;
    UNUSED(pool);
    if (parse_bool(text, &yes) == 0)
        *out = yes ? RESTART_ALWAYS : RESTART_NEVER;
    else if (span_eq_nocase(span_of(text), "unexpected"))
        *out = RESTART_UNEXPECTED;
    else
        return refuse(err, text, "invalid 'autorestart' value ", "");
    return 0;
}

int value_loglevel(struct pool *pool, const char *text, void *to, struct err *err)
{
    static const struct {
        const char *name;
        int level;
    } levels[] = {
        {"critical", LOG_LEVEL_CRIT}, {"error", LOG_LEVEL_ERRO},
        {"warn", LOG_LEVEL_WARN},     {"info", LOG_LEVEL_INFO},
        {"debug", LOG_LEVEL_DEBG},    {"trace", LOG_LEVEL_TRAC},
        {"blather", LOG_LEVEL_BLAT},
    };
    UNUSED(pool);
    for (size_t i = 0; i < array_len(levels); i++) {
        if (span_eq_nocase(span_of(text), levels[i].name)) {
            *(int *)to = levels[i].level;
            return 0;
        }
    }
    return refuse(err, text, "bad logging level name ", "");
}

int value_dir(struct pool *pool, const char *text, void *to, struct err *err)
{
    char *path = path_expand_user(text);
    bool ok = path_is_dir(path);
    if (ok)
        *(char **)to = pool_str(pool, path);
    free(path);
    if (!ok)
        return err_set(err, ERR_CONFIG, "%.400s is not an existing directory", text);
    return 0;
}

/* A log's name for a descriptor of ours: it works in a root without any /dev, too. */
static bool names_descriptor(const char *path)
{
    return str_eq(path, "/dev/stdout") || str_eq(path, "/dev/stderr") ||
           str_starts(path, "/dev/fd/");
}

int value_file(struct pool *pool, const char *text, void *to, struct err *err)
{
    char *path = path_expand_user(text);
    char *dir = path_dirname(path);
    bool ok = dir[0] == '\0' || names_descriptor(path) || path_is_dir(dir);
    if (ok)
        *(char **)to = pool_str(pool, path);
    free(dir);
    free(path);
    if (!ok)
        return err_set(err, ERR_CONFIG,
                       "The directory named as part of the path %.400s does not exist",
                       text);
    return 0;
}

static void pool_strv(struct pool *pool, struct strv *to, const struct strv *from)
{
    *to = (struct strv){0};
    if (from->len == 0)
        return;
    char **items = xreallocarray(NULL, from->len, sizeof *items);
    for (size_t i = 0; i < from->len; i++)
        items[i] = pool_str(pool, from->items[i]);
    char **shared = pool_blob(pool, items, from->len * sizeof *items);
    *to = (struct strv){shared, from->len, from->len};
    free(items);
}

int value_pairs(struct pool *pool, const char *text, void *to, struct err *err)
{
    struct env_conf *out = to;
    struct strv keys = {0}, values = {0};
    int rc = pairs_split(text, &keys, &values, err);
    if (rc == 0) {
        pool_strv(pool, &out->keys, &keys);
        pool_strv(pool, &out->values, &values);
    } else if (err) {
        err->code = ERR_CONFIG;
    }
    strv_free(&keys);
    strv_free(&values);
    return rc;
}

int value_range(const char *text, int min, int max, int *out, struct err *err)
{
    int64_t v;
    if (parse_any(text, &v, err) < 0)
        return -1;
    if (v < min)
        return err_set(err, ERR_CONFIG, "%lld is below lower bound (%d)", (long long)v,
                       min);
    if (v > max)
        return err_set(err, ERR_CONFIG, "%lld is above upper bound (%d)", (long long)v,
                       max);
    *out = (int)v;
    return 0;
}

int value_exitcodes(struct pool *pool, const char *text, struct value_ints *out,
                    struct err *err)
{
    struct span rest = span_of(text), piece;
    int *codes = NULL;
    size_t count = 0;
    int rc = 0;

    while (rc == 0 && text[0] && span_split(&rest, ',', &piece)) {
        char *word = span_dup(piece);
        int64_t v;
        rc = parse_int(word, 0, 255, &v);
        free(word);
        codes = xreallocarray(codes, count + 1, sizeof *codes);
        codes[count] = rc == 0 ? (int)v : 0;
        count++;
    }
    if (rc == 0)
        *out = (struct value_ints){
            count > 0 ? pool_blob(pool, codes, count * sizeof *codes) : NULL, count};
    free(codes);
    return rc == 0 ? 0 : refuse(err, text, "not a valid list of exit codes: ", "");
}

int value_log(struct pool *pool, const char *text, enum log_target *target, char **file,
              struct err *err)
{
    static const struct {
        const char *word;
        enum log_target target;
    } words[] = {{"none", LOG_TO_NONE},
                 {"off", LOG_TO_NONE},
                 {"auto", LOG_TO_AUTO},
                 {"syslog", LOG_TO_SYSLOG},
                 {"", LOG_TO_NONE}};
    for (size_t i = 0; i < array_len(words); i++) {
        if (span_eq_nocase(span_of(text), words[i].word)) {
            *target = words[i].target;
            *file = NULL;
            return 0;
        }
    }
    if (value_file(pool, text, file, err) < 0)
        return -1;
    *target = LOG_TO_FILE;
    return 0;
}

static int find_user(struct pool *pool, const char *text, struct value_user *out)
{
    int64_t number;
    bool is_number = parse_int(text, INT64_MIN, INT64_MAX, &number) == 0;
    struct passwd *pw = NULL;

    /* Python reads "-0", "+0" and "0_0" as numbers too; who writes that means somebody
     * else than root. */
    if (is_number && text[strspn(text, "0123456789")] != '\0')
        return -1;
    if (!is_number)
        pw = getpwnam(text);
    else if (number >= 0 && number <= UINT32_MAX)
        pw = getpwuid((uid_t)number);
    if (pw) {
        *out = (struct value_user){pw->pw_uid, pw->pw_gid, pool_str(pool, pw->pw_name)};
        return 0;
    }
    /* A container's root directory may have no passwd file. */
    if (is_number ? number != 0 : !str_eq(text, "root"))
        return -1;
    *out = (struct value_user){0, 0, pool_str(pool, "root")};
    return 0;
}

int value_user(struct pool *pool, const char *text, struct value_user *out,
               struct err *err)
{
    /* A thousand programs of one user need the passwd file once. */
    char *topic = xasprintf("user %s", text);
    const struct value_user *known = pool_recall(pool, topic);
    int64_t number;
    int rc = 0;

    if (known) {
        *out = *known;
    } else if ((rc = find_user(pool, text, out)) == 0) {
        pool_remember(pool, topic, pool_blob(pool, out, sizeof *out));
    }
    free(topic);
    if (rc == 0)
        return 0;
    bool is_number = parse_int(text, INT64_MIN, INT64_MAX, &number) == 0;
    return err_set(err, ERR_CONFIG, "Invalid user %s %.400s", is_number ? "id" : "name",
                   text);
}

static int find_gid(const char *text, gid_t *gid)
{
    int64_t number;
    struct group *gr = NULL;
    bool is_number = parse_int(text, INT64_MIN, INT64_MAX, &number) == 0;

    if (is_number && text[strspn(text, "0123456789")] != '\0')
        return -1;
    if (!is_number)
        gr = getgrnam(text);
    else if (number >= 0 && number <= UINT32_MAX)
        gr = getgrgid((gid_t)number);
    if (!gr && !(is_number ? number == 0 : str_eq(text, "root")))
        return -1;
    *gid = gr ? gr->gr_gid : 0;
    return 0;
}

int value_owner(const char *text, uid_t *uid, gid_t *gid, struct err *err)
{
    char *user = xstrdup(text);
    char *group = strchr(user, ':');
    struct value_user found = {0};
    struct pool *scratch = pool_new();
    int rc;

    if (group)
        *group++ = '\0';
    rc = value_user(scratch, user, &found, NULL);
    *gid = (gid_t)-1;
    if (rc == 0)
        *uid = found.uid;
    if (rc == 0 && group)
        rc = find_gid(group, gid);
    if (rc < 0)
        err_set(err, ERR_CONFIG, "Invalid user:group definition %.400s", text);
    pool_free(scratch);
    free(user);
    return rc;
}

int value_inet(struct pool *pool, const char *text, char **host, int *port,
               struct err *err)
{
    const char *colon = strrchr(text, ':');
    if (!colon) {
        if (value_range(text, 1, 65535, port, NULL) < 0)
            return refuse(err, text, "not a valid port number: ", "");
        *host = pool_str(pool, "");
        return 0;
    }
    if (colon[1] == '\0')
        return refuse(err, text, "no port number specified in ", "");
    if (value_range(colon + 1, 1, 65535, port, err) < 0)
        return -1;
    size_t n = (size_t)(colon - text);
    bool v6 = n >= 2 && text[0] == '[' && colon[-1] == ']';
    char *name = v6 ? xstrndup(text + 1, n - 2) : xstrndup(text, n);
    for (char *p = name; *p; p++)
        *p = char_lower(*p);
    *host = pool_str(pool, str_eq(name, "*") ? "" : name);
    free(name);
    return 0;
}

int value_name(struct pool *pool, const char *text, char **out, struct err *err)
{
    struct span s = py_strip(span_of(text));
    for (const char *c = " :/"; *c; c++) {
        if (s.len > 0 && memchr(s.ptr, *c, s.len)) {
            char sign[] = {*c, '\0'};
            char *shown = py_repr(span_of(sign));
            char *after = xasprintf(" because of character: %s", shown);
            refuse(err, text, "Invalid name: ", after);
            free(after);
            free(shown);
            return -1;
        }
    }
    char *name = span_dup(s);
    *out = pool_str(pool, name);
    free(name);
    return 0;
}

int value_list_each(const char *text, int (*each)(void *arg, const char *item), void *arg)
{
    struct span rest = span_of(text), piece;
    int rc = 0;
    while (rc == 0 && text[0] && span_split(&rest, ',', &piece)) {
        char *item = span_dup(py_strip(piece));
        rc = each(arg, item);
        free(item);
    }
    return rc;
}
