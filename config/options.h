/* The tables of options, one per kind of section, and what a section is read into before
 * it becomes part of struct conf. */
#ifndef CONFIG_OPTIONS_H
#define CONFIG_OPTIONS_H

#include "config/conf.h"
#include "config/option.h"

/* A [program:x], [fcgi-program:x] or [eventlistener:x]: what all its processes share, and
 * what is still to be expanded for each of them. */
struct program_draft {
    struct program_conf common;
    int killasgroup; /* -1: not given, as stopasgroup */
    int numprocs, numprocs_start;
    char *process_name, *environment; /* not expanded */
};

/* Into struct program_draft; once per section. */
extern const struct option_table program_options;
/* Into struct program_conf; for each process, with process_num. */
extern const struct option_table process_options;
/* Into struct listener_draft, read before the program's own options. */
struct listener_draft {
    int priority;
    char *result_handler, *events;
    int buffer_size, listener_timeout;
    bool redirect_stderr;
};
extern const struct option_table listener_options;
/* Into struct fcgi_draft, read before the program's own options. */
struct fcgi_draft {
    int priority;
    int backlog; /* -1: not given */
    char *owner, *mode;
    bool has_user;
    struct value_user user;
    char *socket;
};
extern const struct option_table fcgi_options;
/* Into struct group_draft. */
struct group_draft {
    char *programs;
    int priority;
};
extern const struct option_table group_options;
/* Into struct server_conf. */
extern const struct option_table server_options;
/* Into struct ctl_conf. */
extern const struct option_table ctl_options;
/* Into struct http_draft. */
struct http_draft {
    struct http_conf conf;
    char *port, *chown, *chmod;
};
extern const struct option_table unix_http_options, inet_http_options;
/* Read elsewhere; listed so that their names are known. */
extern const struct option_table include_options, rpcinterface_options, ctlplugin_options;

#endif
