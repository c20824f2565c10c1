/* A private directory with configuration files, for tests. */
#ifndef TESTS_UNIT_CONF_FILE_H
#define TESTS_UNIT_CONF_FILE_H

#include "config/conf_load.h"

/* Makes the directory; its path is dir_path() until conf_dir_end removes it. */
void conf_dir_begin(void);
void conf_dir_end(void);
const char *conf_dir_path(void);
/* Writes a file there; the path returned lives until the next call. */
const char *conf_file_write(const char *name, const char *text);
/* Writes text as c.conf and loads it. On a fault NULL and the message in *text_of_error,
 * with the directory's path in it replaced by "D". */
struct conf *conf_of(const char *text, const char **error);

#endif
