/* The commands: one row each. Completion and the checks before a command runs come from
 * the row, help from the topic of its name in config/help.txt; ctl_run and the shell look
 * commands up here. */
#ifndef APPLETS_SUPERVISORCTL_CTL_TABLE_H
#define APPLETS_SUPERVISORCTL_CTL_TABLE_H

#include "applets/supervisorctl/ctl.h"

enum ctl_complete { /* what the words after the command are */
                    COMPLETE_NOTHING,
                    COMPLETE_COMMANDS,
                    COMPLETE_GROUPS,
                    COMPLETE_PROCESSES,
                    COMPLETE_SIGNAL_THEN_PROCESSES
};

struct ctl_line {
    const struct ctl_command *command;
    const char *rest;  /* everything after the command, trimmed */
    struct strv words; /* the same, split at white space */
};

typedef enum ctl_end ctl_command_fn(struct ctl *c, const struct ctl_line *line);

struct ctl_command {
    const char *name;
    ctl_command_fn *run;
    bool no_words;    /* refuses any */
    bool up_check;    /* asks for a living supervisord first */
    int missing_name; /* exit status when no name is given; 0: may be left out */
    bool unlisted;    /* not in the list of help */
    bool no_help;     /* help.txt does not explain it, and nothing offers it */
    enum ctl_complete complete;
};

const struct ctl_command *ctl_table_find(const char *name, size_t n); /* or NULL */
/* Row by row in alphabetical order; NULL after the last. */
const struct ctl_command *ctl_table_row(size_t i);
void ctl_table_print_usage(struct ctl *c, const struct ctl_command *command);
/* The list that `help` without a topic shows. */
void ctl_table_print_list(struct ctl *c);

/* The functions of the rows, by file. */
ctl_command_fn ctl_do_status, ctl_do_pid, ctl_do_version, ctl_do_avail;  /* ctl_status */
ctl_command_fn ctl_do_start, ctl_do_stop, ctl_do_restart, ctl_do_signal; /* ctl_control */
ctl_command_fn ctl_do_reread, ctl_do_update, ctl_do_add, ctl_do_remove;  /* ctl_config */
ctl_command_fn ctl_do_shutdown, ctl_do_reload, ctl_do_open;              /* ctl_server */
ctl_command_fn ctl_do_upgrade;                                           /* ctl_upgrade */
ctl_command_fn ctl_do_tail, ctl_do_maintail, ctl_do_clear;               /* ctl_logs */
ctl_command_fn ctl_do_fg;                                                /* ctl_fg */

#endif
