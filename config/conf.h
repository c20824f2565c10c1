/* The configuration as plain structs; nothing else. Everything lies in the memory of one
 * configuration, which is freed as a whole (conf_load.h): nothing here is freed or
 * changed alone, and equal texts are one. NULL means "not given". A field has its
 * option's name. Source: Supervisor manual, "Configuration File". */
#ifndef CONFIG_CONF_H
#define CONFIG_CONF_H

#include "core/base/str.h"
#include "core/rules/event_types.h"
#include <sys/types.h>

enum autorestart { RESTART_NEVER, RESTART_UNEXPECTED, RESTART_ALWAYS };

enum log_target {
    LOG_TO_NONE,
    LOG_TO_AUTO,  /* a file with a made-up name in childlogdir */
    LOG_TO_FILE,  /* path; also /dev/stdout and the like */
    LOG_TO_SYSLOG /* while reading only: becomes NONE with syslog set */
};

struct env_conf { /* parallel vectors, in order */
    struct strv keys, values;
};

struct channel_conf { /* stdout_* or stderr_* of a program */
    enum log_target target;
    char *logfile;            /* LOG_TO_FILE: as it was given, "~" done */
    int64_t logfile_maxbytes; /* 0: no rotation */
    int logfile_backups;
    int64_t capture_maxbytes; /* 0: no capture mode */
    bool events_enabled;
    bool syslog;
};

/* One process of a program: numprocs of them share a section, each with its own
 * expansion. */
struct program_conf {
    char *program; /* x of [program:x] */
    char *name;    /* the process's name */
    char *command;
    char *directory;
    int umask; /* -1: inherited */
    int priority;
    bool autostart;
    enum autorestart autorestart;
    int startsecs;
    int startretries;
    int *exitcodes;
    size_t exitcode_count;
    int stopsignal;
    int stopwaitsecs;
    bool stopasgroup, killasgroup;
    bool redirect_stderr;
    struct channel_conf out, err;
    bool has_uid;
    uid_t uid;
    char *user; /* the name in the passwd file that uid was looked up by, or NULL */
    struct env_conf environment; /* [supervisord]'s with the program's own over it */
    char *serverurl;             /* NULL: AUTO; "": the variable is not set */
    const char *file; /* where the section begins; owned by the configuration */
    int line;
};

enum group_kind { GROUP_PROGRAMS, GROUP_LISTENERS, GROUP_FCGI };

struct listener_conf {
    int buffer_size;
    enum event_type *events;
    size_t event_count;
    char *result_handler;
    int listener_timeout; /* seconds; 0: none */
};

struct fcgi_conf {
    char *socket;      /* as given, expanded: tcp://host:port or unix:///path */
    char *socket_path; /* of a unix socket, else NULL */
    char *host;
    int port;
    bool has_owner;
    uid_t owner_uid;
    gid_t owner_gid;
    bool has_mode;
    unsigned mode;
    int backlog; /* -1: the system's */
};

struct group_conf {
    char *name;
    int priority;
    enum group_kind kind;
    struct program_conf **processes; /* section by section as written, then by name */
    size_t process_count;
    struct listener_conf listener; /* GROUP_LISTENERS */
    struct fcgi_conf fcgi;         /* GROUP_FCGI */
};

struct http_conf { /* a [unix_http_server], or one address of an [inet_http_server] */
    bool is_unix;
    char *file; /* unix: the socket */
    unsigned chmod;
    bool has_chown;
    uid_t chown_uid;
    gid_t chown_gid;
    char *host; /* inet: NULL or "" for every address */
    int port;
    char *username, *password;
    char *ssl_certfile, *ssl_keyfile, *ssl_client_ca, *ssl_min_version;
    char *section; /* its header, for messages */
};

enum on_death { ON_DEATH_KEEP, ON_DEATH_STOP };

struct server_conf { /* [supervisord], and what the command line overrides */
    char *logfile;
    int64_t logfile_maxbytes;
    int logfile_backups;
    int loglevel;
    char *pidfile;
    unsigned umask;
    bool nodaemon, silent, nocleanup, strip_ansi;
    int minfds, minprocs;
    char *childlogdir;
    bool has_user;
    uid_t uid;
    gid_t gid;
    char *user;
    char *directory;
    char *identifier;
    bool keeper, adopt;
    char *statefile;                   /* NULL: beside the pidfile */
    enum on_death on_supervisor_death; /* what becomes of the programs when we die */
    struct env_conf environment;
};

struct ctl_conf { /* [supervisorctl] */
    char *serverurl, *username, *password, *prompt, *history_file;
    char *ssl_ca_certs, *ssl_certfile, *ssl_keyfile;
};

struct conf {
    unsigned refs;
    char *path; /* the main file, absolute */
    char *here;
    struct server_conf server;
    struct ctl_conf ctl;
    bool has_ctl_section;
    struct group_conf **groups; /* sorted by priority, then name; names differ */
    size_t group_count;
    struct http_conf **http;
    size_t http_count;
    char *serverurl;      /* what SUPERVISOR_SERVER_URL gets by default, or NULL */
    struct strv includes; /* files read besides the main one, in order */
    struct strv warnings; /* "file:line: text" of unknown names and the like; upstream's
                             own warnings in its words */
};

#endif
