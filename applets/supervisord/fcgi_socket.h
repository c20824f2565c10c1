/* The listening socket that all processes of an fcgi-program get as descriptor 0. Bound
 * when its group is made and kept while one of its processes runs or waits for its next
 * try, so that restarts lose no connection (upstream's is closed for a moment when the
 * only process restarts). Source: Supervisor manual, "[fcgi-program:x]". */
#ifndef APPLETS_SUPERVISORD_FCGI_SOCKET_H
#define APPLETS_SUPERVISORD_FCGI_SOCKET_H

#include "config/conf.h"
#include "core/base/err.h"

struct fcgi_socket {
    const struct fcgi_conf *conf; /* borrowed */
    int fd;      /* blocking, as FastCGI programs expect it; -1: not bound */
    ino_t inode; /* of a unix socket's file */
};

void fcgi_socket_init(struct fcgi_socket *s, const struct fcgi_conf *conf);
/* Binds it if it is not bound. 0, or -1 with err; it may be tried again. */
int fcgi_socket_open(struct fcgi_socket *s, struct err *err);
/* Goes on with the socket of an earlier image, if fd is such a one; close-on-exec from
 * then on. */
void fcgi_socket_resume(struct fcgi_socket *s, int fd, ino_t inode);
void fcgi_socket_close(struct fcgi_socket *s); /* removes the file; harmless twice */

#endif
