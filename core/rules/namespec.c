#include "core/rules/namespec.h"

#include <string.h>

struct namespec namespec_parse(const char *text)
{
    struct span rest = span_of(text);
    struct namespec ns = {rest, rest, false};
    const char *colon = strchr(text, ':');
    if (!colon)
        return ns;
    ns.group.len = (size_t)(colon - text);
    ns.process.ptr = colon + 1;
    ns.process.len = rest.len - ns.group.len - 1;
    ns.whole_group = ns.process.len == 0 || span_eq(ns.process, "*");
    return ns;
}

int namespec_format(struct buf *out, const char *group, const char *process)
{
    if (strcmp(group, process) == 0)
        return buf_puts(out, process);
    /* For each line of a status: printf is slow. */
    if (buf_puts(out, group) < 0 || buf_putc(out, ':') < 0)
        return -1;
    return buf_puts(out, process);
}
