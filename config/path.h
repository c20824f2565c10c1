/* File names as Supervisor treats them: "~", normal form, and the checks of directories.
 * Texts returned are yours. */
#ifndef CONFIG_PATH_H
#define CONFIG_PATH_H

#include "core/base/str.h"

/* "~" and "~user" at the beginning become a home directory ($HOME, or the passwd file);
 * an unknown user leaves the text as it is. Source: os.path.expanduser. */
char *path_expand_user(const char *path);
/* Absolute (by the working directory), without ".", "..", double or closing slashes;
 * links are not resolved. Source: os.path.normpath(os.path.abspath(path)). */
char *path_absolute(const char *path);
/* Both of the above. Source: upstream's normalize_path. */
char *path_normalize(const char *path);
char *path_dirname(const char *path); /* "" if there is no slash */
/* base/path, or path alone if it is absolute or base is "". */
char *path_join(const char *base, const char *path);
bool path_is_dir(const char *path);
/* The directory for temporary files: $TMPDIR, $TEMP, $TMP, /tmp, /var/tmp, /usr/tmp, or
 * the working directory; the first that can be written to. Source: tempfile.gettempdir.
 */
char *path_temp_dir(void);

#endif
