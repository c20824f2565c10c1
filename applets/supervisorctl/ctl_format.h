/* Lines as supervisorctl prints them, made from values; pure. All append to out and
 * return 0, or -1 as struct buf does. Source: upstream supervisorctl.py. */
#ifndef APPLETS_SUPERVISORCTL_CTL_FORMAT_H
#define APPLETS_SUPERVISORCTL_CTL_FORMAT_H

#include "core/base/buf.h"
#include "core/base/str.h"
#include "core/wire/rpc_value.h"

/* One line per process: the name in max(30, longest) + 3 columns, the state in 10, the
 * description. infos are members of getAllProcessInfo's answer. */
int ctl_format_statuses(struct buf *out, const struct rpc_value *const *infos,
                        size_t count);
/* One line of `avail` from a member of getAllConfigInfo's answer. */
int ctl_format_config(struct buf *out, const struct rpc_value *info);

/* What can be done to a process, and how each fault of it reads. */
enum ctl_verb { VERB_START, VERB_STOP, VERB_SIGNAL, VERB_CLEAR };

/* One line for the outcome (a fault's code or FAULT_SUCCESS). process NULL stands for a
 * whole group. Returns 1, with nothing appended, if the code is none that verb knows. */
int ctl_format_outcome(struct buf *out, enum ctl_verb verb, const char *group,
                       const char *process, int code, const char *description);

/* Words in columns, filled downwards, no line longer than width (Python's cmd.columnize).
 */
int ctl_format_columns(struct buf *out, const struct strv *words, size_t width);
/* Text quoted as Python's repr() does. */
int ctl_format_quoted(struct buf *out, const char *text);

#endif
