/* What TAB may put in place of the word at the cursor. */
#ifndef APPLETS_SUPERVISORCTL_CTL_COMPLETE_H
#define APPLETS_SUPERVISORCTL_CTL_COMPLETE_H

#include "applets/supervisorctl/ctl.h"

/* The words that can stand at the end of `line` (what is left of the cursor) in place of
 * the one begun there, sorted, without repetition. Asks the server for names once per
 * line; when it does not answer there are none. */
void ctl_complete(struct ctl *c, const char *line, struct strv *out);
/* The longest beginning that all words share, in bytes. */
size_t ctl_complete_common(const struct strv *words);
/* Where the word at the end of line begins. */
size_t ctl_complete_word(const char *line);

#endif
