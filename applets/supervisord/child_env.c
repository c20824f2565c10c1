#include "applets/supervisord/child_env.h"

#include "core/base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_PATH "/bin:/usr/bin:/usr/local/bin"

/* The arrays are kept for the next start: a block of their size given back and asked for
 * again each time can cost two system calls and a page. */
static struct {
    char **entries;
    size_t cap;
    struct strv made;
} kept;

static size_t count_entries(char *const *list)
{
    size_t n = 0;
    while (list && list[n])
        n++;
    return n;
}

static void set_variable(struct child_env *env, const char *key, const char *value)
{
    char *entry = xasprintf("%s=%s", key, value);
    size_t key_len = strlen(key) + 1; /* with '=' */
    strv_take(&kept.made, entry);
    for (size_t i = 0; i < env->len; i++) {
        if (env->envp[i][0] == entry[0] && strncmp(env->envp[i], entry, key_len) == 0) {
            env->envp[i] = entry;
            return;
        }
    }
    env->envp[env->len++] = entry;
    env->envp[env->len] = NULL;
}

void child_env_build(struct child_env *env, const struct child_env_in *in)
{
    const struct env_conf *own = &in->program->environment;
    size_t inherited = count_entries(in->inherited), most = inherited + own->keys.len + 5;
    if (most > kept.cap) {
        kept.entries = xreallocarray(kept.entries, most, sizeof *kept.entries);
        kept.cap = most;
    }
    *env = (struct child_env){.envp = kept.entries};
    for (; env->len < inherited; env->len++)
        env->envp[env->len] = in->inherited[env->len];
    env->envp[env->len] = NULL;

    const char *url = in->program->serverurl ? in->program->serverurl : in->serverurl;
    set_variable(env, "SUPERVISOR_ENABLED", "1");
    if (url && url[0])
        set_variable(env, "SUPERVISOR_SERVER_URL", url);
    set_variable(env, "SUPERVISOR_PROCESS_NAME", in->program->name);
    set_variable(env, "SUPERVISOR_GROUP_NAME", in->group_name);
    for (size_t i = 0; i < own->keys.len; i++)
        set_variable(env, own->keys.items[i], own->values.items[i]);
}

void child_env_free(struct child_env *env)
{
    strv_clear(&kept.made);
    *env = (struct child_env){0};
}

const char *child_env_path(const struct program_conf *program, const char *inherited_path)
{
    const struct env_conf *own = &program->environment;
    for (size_t i = own->keys.len; i > 0; i--)
        if (str_eq(own->keys.items[i - 1], "PATH"))
            return own->values.items[i - 1];
    return inherited_path && inherited_path[0] ? inherited_path : DEFAULT_PATH;
}
