/* The environment of a child: what supervisord inherited, the SUPERVISOR_* variables,
 * then the program's own (in which [supervisord]'s is merged already). Pure. */
#ifndef APPLETS_SUPERVISORD_CHILD_ENV_H
#define APPLETS_SUPERVISORD_CHILD_ENV_H

#include "config/conf.h"

struct child_env {
    char **envp; /* ends in NULL */
    size_t len;
};

struct child_env_in {
    char *const *inherited;
    const struct program_conf *program;
    const char *group_name;
    const char *serverurl; /* of the configuration, or NULL */
};

/* Borrows from `in` until child_env_free; there is one at a time. Source: upstream
 * process.py _spawn_as_child. */
void child_env_build(struct child_env *env, const struct child_env_in *in);
void child_env_free(struct child_env *env);

/* The value of PATH to look a program's command up along: the program's own, else the
 * inherited one, else upstream's default. */
const char *child_env_path(const struct program_conf *program,
                           const char *inherited_path);

#endif
