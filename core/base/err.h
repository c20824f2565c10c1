/* One error object: filled where the fault is seen, given context on the way up, printed
 * once at the top. Texts are lower case, without a full stop. */
#ifndef CORE_BASE_ERR_H
#define CORE_BASE_ERR_H

#include "core/base/util.h"

enum err_code {
    ERR_NONE,
    ERR_SYS,     /* the kernel refused: sys holds errno */
    ERR_CONFIG,  /* a user's configuration is wrong */
    ERR_USAGE,   /* a user's command line is wrong */
    ERR_SYNTAX,  /* text that does not parse */
    ERR_LIMIT,   /* larger than allowed */
    ERR_PEER,    /* the other side does not keep to the protocol */
    ERR_TIMEOUT, /* no answer in time */
    ERR_MISSING  /* what was named does not exist */
};

struct err {
    enum err_code code;
    int sys; /* errno, or 0 */
    char text[1000];
};

/* All take NULL for err (then only the return value is of use), cut a long text and mark
 * the cut by "...", and return -1, so that `return err_set(...)` ends a function. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* "<fmt>: <strerror(errno)>"; reads errno first and keeps it. */
int err_sys(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Puts "<fmt>: " before the text that is there; code and sys stay. */
int err_wrap(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
void err_clear(struct err *err);

/* "ENOENT" for ENOENT, or NULL for a number without a name here (upstream prints these
 * names in a failed child's log). */
const char *err_errno_name(int number);

#endif
