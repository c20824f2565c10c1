#include "applets/supervisord/fcgi_socket.h"

#include "core/base/log.h"
#include "core/io/fd.h"
#include "core/io/sock.h"

enum { DEFAULT_MODE = 0700 };

void fcgi_socket_init(struct fcgi_socket *s, const struct fcgi_conf *conf)
{
    *s = (struct fcgi_socket){.conf = conf, .fd = -1};
}

int fcgi_socket_open(struct fcgi_socket *s, struct err *err)
{
    const struct fcgi_conf *c = s->conf;
    if (s->fd >= 0)
        return 0;
    log_info("Creating socket %s", c->socket);
    if (c->socket_path) {
        struct sock_unix_opts opts = {.mode = c->has_mode ? c->mode : DEFAULT_MODE,
                                      .has_owner = c->has_owner,
                                      .uid = c->owner_uid,
                                      .gid = c->owner_gid,
                                      .backlog = c->backlog};
        s->fd = sock_listen_unix(c->socket_path, &opts, &s->inode, err);
    } else {
        s->fd = sock_listen_tcp(c->host, c->port, c->backlog, err);
    }
    if (s->fd < 0)
        return err_wrap(err, "Could not create FastCGI socket %s", c->socket);
    fd_set_nonblock(s->fd, false);
    return 0;
}

void fcgi_socket_resume(struct fcgi_socket *s, int fd, ino_t inode)
{
    if (s->fd >= 0 || !sock_is_listening(fd, s->conf->socket_path != NULL) ||
        fd_set_cloexec(fd, true) < 0)
        return;
    s->fd = fd;
    s->inode = inode;
}

void fcgi_socket_close(struct fcgi_socket *s)
{
    if (s->fd < 0)
        return;
    log_info("Closing socket %s", s->conf->socket);
    if (s->conf->socket_path)
        sock_unlink_unix(s->conf->socket_path, s->inode);
    fd_close(&s->fd);
}
