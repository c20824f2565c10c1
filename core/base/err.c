/* One error object. The one idea: text is made where errno is fresh, later only prefixed.
 */
#include "core/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void mark_cut(struct err *err)
{
    memcpy(err->text + sizeof err->text - 4, "...", 4);
}

static void set_text(struct err *err, const char *fmt, va_list args)
{
    int n = vsnprintf(err->text, sizeof err->text, fmt, args);

    if (n < 0)
        err->text[0] = '\0';
    else if ((size_t)n >= sizeof err->text)
        mark_cut(err);
}

static void append_text(struct err *err, const char *more)
{
    size_t have = strlen(err->text), n = strlen(more), room = sizeof err->text - 1 - have;

    memcpy(err->text + have, more, n < room ? n : room);
    err->text[have + (n < room ? n : room)] = '\0';
    if (n > room)
        mark_cut(err);
}

int err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
    struct err made = {.code = code}; /* the arguments may point into err itself */
    va_list args;

    if (!err)
        return -1;
    va_start(args, fmt);
    set_text(&made, fmt, args);
    va_end(args);
    *err = made;
    return -1;
}

int err_sys(struct err *err, const char *fmt, ...)
{
    int number = errno;
    struct err made = {.code = ERR_SYS, .sys = number};
    va_list args;

    if (err) {
        va_start(args, fmt);
        set_text(&made, fmt, args);
        va_end(args);
        append_text(&made, ": ");
        append_text(&made, strerror(number));
        *err = made;
    }
    errno = number;
    return -1;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
    struct err made = {0};
    va_list args;

    if (!err)
        return -1;
    made.code = err->code;
    made.sys = err->sys;
    va_start(args, fmt);
    set_text(&made, fmt, args);
    va_end(args);
    append_text(&made, ": ");
    append_text(&made, err->text);
    *err = made;
    return -1;
}

void err_clear(struct err *err)
{
    if (!err)
        return;
    err->code = ERR_NONE;
    err->sys = 0;
    err->text[0] = '\0';
}

// clang-format off
#define E(name) { #name, name }
/* Where two names share a number the one Python's errno.errorcode gives. */
static const struct {
    char name[16]; /* in place: smaller than a pointer and a text */
    unsigned char number;
} names[] = {
    E(EPERM), E(ENOENT), E(ESRCH), E(EINTR), E(EIO), E(ENXIO), E(E2BIG), E(ENOEXEC),
    E(EBADF), E(ECHILD), E(EAGAIN), E(ENOMEM), E(EACCES), E(EFAULT), E(ENOTBLK), E(EBUSY),
    E(EEXIST), E(EXDEV), E(ENODEV), E(ENOTDIR), E(EISDIR), E(EINVAL), E(ENFILE),
    E(EMFILE), E(ENOTTY), E(ETXTBSY), E(EFBIG), E(ENOSPC), E(ESPIPE), E(EROFS), E(EMLINK), E(EPIPE),
    E(EDOM), E(ERANGE), E(EDEADLOCK), E(ENAMETOOLONG), E(ENOLCK), E(ENOSYS), E(ENOTEMPTY),
    E(ELOOP), E(ENOMSG), E(EIDRM), E(ENOSTR), E(ENODATA), E(ETIME), E(ENOSR), E(EREMOTE),
    E(ENOLINK), E(EPROTO), E(EMULTIHOP), E(EBADMSG), E(EOVERFLOW), E(EILSEQ), E(ELIBACC),
    E(ELIBBAD), E(ELIBSCN), E(ELIBMAX), E(ELIBEXEC), E(ERESTART), E(EUSERS), E(ENOTSOCK),
    E(EDESTADDRREQ), E(EMSGSIZE), E(EPROTOTYPE), E(ENOPROTOOPT), E(EPROTONOSUPPORT),
    E(ESOCKTNOSUPPORT), E(ENOTSUP), E(EPFNOSUPPORT), E(EAFNOSUPPORT), E(EADDRINUSE),
    E(EADDRNOTAVAIL), E(ENETDOWN), E(ENETUNREACH), E(ENETRESET), E(ECONNABORTED),
    E(ECONNRESET), E(ENOBUFS), E(EISCONN), E(ENOTCONN), E(ESHUTDOWN), E(ETIMEDOUT),
    E(ECONNREFUSED), E(EHOSTDOWN), E(EHOSTUNREACH), E(EALREADY), E(EINPROGRESS),
    E(ESTALE), E(EDQUOT), E(ENOMEDIUM), E(EMEDIUMTYPE), E(ECANCELED), E(ENOKEY), E(EKEYEXPIRED),
    E(EKEYREVOKED), E(EKEYREJECTED), E(EOWNERDEAD), E(ENOTRECOVERABLE),
};
#undef E
// clang-format on

const char *err_errno_name(int number)
{
    for (size_t i = 0; i < array_len(names); i++)
        if (names[i].number == number)
            return names[i].name;
    return NULL;
}
