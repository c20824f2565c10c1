/* Text to typed values: one parser per type, with upstream's words for what is wrong.
 * Source: upstream datatypes.py; Supervisor manual, "Configuration File". */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "config/conf.h"
#include "config/pool.h"
#include "core/base/err.h"

/* Parses text and stores the value at `to`, whose type each parser states; what it points
 * to lies in the pool. 0, or -1 with err ERR_CONFIG; *to is then unchanged. */
typedef int value_parser(struct pool *pool, const char *text, void *to, struct err *err);

value_parser value_text;        /* char * */
value_parser value_bool;        /* bool */
value_parser value_int;         /* int; larger numbers than fit become the limit */
value_parser value_bytes;       /* int64_t; "50MB" */
value_parser value_mode;        /* unsigned; octal, 0..07777 */
value_parser value_signal;      /* int */
value_parser value_autorestart; /* enum autorestart */
value_parser value_loglevel;    /* int, upstream's numbers */
value_parser value_dir;         /* char *; "~" done; must exist */
value_parser value_file;        /* char *; "~" done; its directory must exist */
value_parser value_pairs;       /* struct env_conf */

/* A number in min..max, in the words of upstream's port_number for what lies outside. */
int value_range(const char *text, int min, int max, int *out, struct err *err);

struct value_ints {
    int *items;
    size_t count;
};
/* "0,2": each 0..255; "" gives none. Source: list_of_exitcodes. */
int value_exitcodes(struct pool *pool, const char *text, struct value_ints *out,
                    struct err *err);

/* none, off, auto, syslog in any case, or a file as value_file. An empty text is none. */
int value_log(struct pool *pool, const char *text, enum log_target *target, char **file,
              struct err *err);

struct value_user {
    uid_t uid;
    gid_t gid;  /* the user's primary group */
    char *name; /* in the passwd file */
};
/* A user's name or number; both must be in the passwd file, except root and 0, which need
 * none. Source: name_to_uid, gid_for_uid. */
int value_user(struct pool *pool, const char *text, struct value_user *out,
               struct err *err);
/* "user" or "user:group", names or numbers; *gid is (gid_t)-1 without a group.
 * Source: colon_separated_user_group. */
int value_owner(const char *text, uid_t *uid, gid_t *gid, struct err *err);

/* "host:port", "port", "*:port", ":port", "[v6]:port". host comes back in lower case, ""
 * for every address. Source: inet_address. */
int value_inet(struct pool *pool, const char *text, char **host, int *port,
               struct err *err);

/* A group's or program's name without white space at its ends; "", or no blank, colon or
 * slash in it. Source: process_or_group_name. */
int value_name(struct pool *pool, const char *text, char **out, struct err *err);

/* Calls each for the parts between commas, stripped; none for an empty text. Stops at the
 * first that returns -1 and returns that. Source: list_of_strings. */
int value_list_each(const char *text, int (*each)(void *arg, const char *item),
                    void *arg);

#endif
