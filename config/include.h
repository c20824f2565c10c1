/* File patterns of [include]: *, ? and [...] as Python's glob has them; no braces, no
 * tilde, no backslash. */
#ifndef CONFIG_INCLUDE_H
#define CONFIG_INCLUDE_H

#include "core/base/str.h"

/* Whether name matches one part of a pattern (no slashes). Pure. Source: fnmatch. */
bool include_match(struct span pattern, const char *name);
/* Appends the existing files that match, sorted. A leading dot of a name is matched by a
 * dot only. Directories that cannot be read count as empty. Source: glob.glob. */
void include_glob(const char *pattern, struct strv *out);

#endif
