/* Where lines come from: a terminal with editing, or a pipe. */
#ifndef APPLETS_SUPERVISORCTL_CTL_INPUT_H
#define APPLETS_SUPERVISORCTL_CTL_INPUT_H

#include "applets/supervisorctl/ctl.h"
#include "applets/supervisorctl/ctl_history.h"

enum input_end {
    INPUT_LINE,
    INPUT_EOF,
    INPUT_CANCELLED, /* Ctrl-C with something typed */
    INPUT_LEFT       /* Ctrl-C on an empty line */
};

/* c->input, made at the first use. */
struct ctl_input *ctl_input_get(struct ctl *c);
void ctl_input_free(struct ctl_input *input); /* NULL is fine */
bool ctl_input_is_terminal(const struct ctl_input *input);
struct history *ctl_input_history(struct ctl_input *input);

/* Writes what was printed, asks, reads. *line is yours (INPUT_LINE). With complete, TAB
 * completes commands. */
enum input_end ctl_input_read(struct ctl *c, struct ctl_input *input, const char *prompt,
                              bool complete, char **line);
/* A question of a command: the answer, yours; NULL at the end of input, and on Ctrl-C,
 * which also sets c->interrupted. */
char *ctl_input_line(struct ctl *c, struct ctl_input *input, const char *prompt);
/* The same from the terminal without echo. */
char *ctl_input_secret(struct ctl *c, struct ctl_input *input, const char *prompt);
/* A line without prompt and editing, for fg. */
char *ctl_input_plain(struct ctl *c, struct ctl_input *input);

#endif
