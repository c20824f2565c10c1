/* Printing what became of a call about processes, for every command that acts on them. */
#ifndef APPLETS_SUPERVISORCTL_CTL_CONTROL_H
#define APPLETS_SUPERVISORCTL_CTL_CONTROL_H

#include "applets/supervisorctl/ctl.h"
#include "applets/supervisorctl/ctl_format.h"

/* Prints one outcome and sets the exit status by it; `harmless` is a fault that leaves
 * the exit status alone. process NULL: "group:*". Raises for a code it does not know. */
enum ctl_end ctl_print_outcome(struct ctl *c, enum ctl_verb verb, const char *group,
                               const char *process, int code, const char *description,
                               int harmless);
/* The members of an answer about several processes. */
enum ctl_end ctl_print_outcomes(struct ctl *c, enum ctl_verb verb,
                                const struct rpc_value *results, int harmless);
/* The reply to a call about the one process `name`; frees it. */
enum ctl_end ctl_print_own_outcome(struct ctl *c, enum ctl_verb verb, const char *name,
                                   struct rpc_reply *r, int harmless);

#endif
