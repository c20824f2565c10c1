/* The files of the folder web, as the build embedded them: templates for the pages, and
 * what browsers fetch beside them. */
#ifndef APPLETS_SUPERVISORD_API_WEB_FILES_H
#define APPLETS_SUPERVISORD_API_WEB_FILES_H

#include "core/base/str.h"
#include "core/http/http_exchange.h"

/* The template of that name (.html), unpacked at its first use and kept; with ptr NULL if
 * there is none, or no memory for it. */
struct span web_file_text(const char *name);

/* A handler of core/http/http_server.h: answers with the file whose name (const char *)
 * arg is; not for templates. The build packed it. */
void web_file(struct http_exchange *x, void *arg);

#endif
