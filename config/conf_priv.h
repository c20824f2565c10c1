/* What the files that build a struct conf share. */
#ifndef CONFIG_CONF_PRIV_H
#define CONFIG_CONF_PRIV_H

#include "config/conf_load.h"
#include "config/options.h"

struct conf_build {
    struct conf *conf;
    struct pool *pool;
    struct ini_doc doc;
    const char *node;                                      /* this host's name */
    struct scope environ_scope, here_scope, include_scope; /* before [supervisord] */
    struct scope server_env_scope, base_scope; /* with its environment, for the rest */
    struct err *err;
};

/* An empty configuration with one reference, and the pool it lies in. */
struct conf *conf_alloc(struct pool **pool);

/* A source of options for that section. */
struct option_source conf_source(struct conf_build *b, const struct ini_section *s,
                                 const struct scope *scope);
void conf_warn(struct conf_build *b, char *text); /* takes text */

/* [group:x], programs, listeners and fcgi-programs into conf->groups. 0 or -1. */
int conf_build_groups(struct conf_build *b);
/* The processes that a program's section makes in that group, sorted by name, appended to
 * list. 0 or -1. */
struct process_list {
    struct program_conf **items;
    size_t count, cap;
};
int conf_build_processes(struct conf_build *b, const struct ini_section *s,
                         const char *group, struct process_list *list);
/* The socket of an [fcgi-program:name], and the group's priority. 0 or -1. */
int conf_build_fcgi(struct conf_build *b, const struct ini_section *s, const char *name,
                    struct fcgi_conf *out, int *priority);
/* The server sections into conf->http, and conf->serverurl. 0 or -1. */
int conf_build_http(struct conf_build *b);

#endif
