/* "group:process", "group:*", "group:" and plain names, as clients write them.
 * Source: Supervisor manual, "supervisorctl"; upstream options.py. */
#ifndef CORE_RULES_NAMESPEC_H
#define CORE_RULES_NAMESPEC_H

#include "core/base/buf.h"
#include "core/base/str.h"

struct namespec {
    struct span group, process;
    bool whole_group; /* "g:*" or "g:" */
};

/* Splits at the first colon; a plain name is group and process of the same name. Spans
 * point into text. */
struct namespec namespec_parse(const char *text);
/* The short form: "name" when group and process are the same, else "group:name". */
int namespec_format(struct buf *out, const char *group, const char *process);

#endif
