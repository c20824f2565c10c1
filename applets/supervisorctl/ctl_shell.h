/* The shell: one line after the other, from a terminal or from a pipe. */
#ifndef APPLETS_SUPERVISORCTL_CTL_SHELL_H
#define APPLETS_SUPERVISORCTL_CTL_SHELL_H

#include "applets/supervisorctl/ctl.h"

/* Runs `status`, then line after line until quit, the end of input, or Ctrl-C on an empty
 * line. history_file may be NULL. */
void ctl_shell(struct ctl *c, const char *prompt, const char *history_file);

#endif
