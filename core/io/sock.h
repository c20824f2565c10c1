/* Listening, accepting and connecting, for unix and TCP sockets. Descriptors returned are
 * close-on-exec and non-blocking. */
#ifndef CORE_IO_SOCK_H
#define CORE_IO_SOCK_H

#include "core/base/err.h"
#include <sys/types.h>

struct sock_unix_opts {
    unsigned mode; /* chmod of the socket file; it is never wider in between */
    bool has_owner;
    uid_t uid;
    gid_t gid;
    int backlog; /* <= 0: the largest the system takes */
};

/* A fresh listening socket at path. A stale socket file (nobody answers) is replaced by
 * binding a private name beside it and linking it over; a live one is refused with errno
 * EADDRINUSE and left alone. *inode tells later whether the file is still ours.
 * Descriptor, or -1 with err. */
int sock_listen_unix(const char *path, const struct sock_unix_opts *opts, ino_t *inode,
                     struct err *err);
/* Removes path if it is still the socket with that inode. */
void sock_unlink_unix(const char *path, ino_t inode);
/* host NULL, "" or "*": every address. Numeric addresses need no resolver. SO_REUSEADDR
 * is set. Descriptor, or -1 with err. */
int sock_listen_tcp(const char *host, int port, int backlog, struct err *err);
/* fd, of which nothing is known, is a socket of that kind that listens. */
bool sock_is_listening(int fd, bool is_unix);
/* The next connection, TCP_NODELAY set; *peer gets "127.0.0.1:4711" or "" for unix (the
 * caller's 64 bytes). -1 with errno; EAGAIN: none is waiting. */
int sock_accept(int listener, char peer[64]);
/* Starts connecting: descriptor, not yet connected perhaps (wait for write, then
 * sock_connect_result). -1 with err, sys holding errno. */
int sock_connect_unix(const char *path, struct err *err);
int sock_connect_tcp(const char *host, int port, struct err *err);
int sock_connect_result(int fd); /* 0, or errno */

#endif
