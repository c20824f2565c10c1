/* A whole configuration as a text record, and back: what supervisord runs by is handed to
 * its next image as it was understood, since the files may have changed meanwhile, and
 * the working directory, the environment and the user database with them. */
#ifndef CONFIG_CONF_RECORD_H
#define CONFIG_CONF_RECORD_H

#include "config/conf.h"
#include "core/base/err.h"
#include "core/base/text_record.h"

/* Everything but [supervisorctl] and the warnings. */
void conf_save(const struct conf *c, struct record_writer *w);
/* The configuration that n bytes of records hold, with one reference; NULL with err when
 * they are damaged. Fields that are missing are zero or NULL; unknown ones are skipped.
 */
struct conf *conf_restore(const char *data, size_t n, struct err *err);

#endif
