/* Sockets. The one idea: a listening socket gets its permissions and its queue before its
 * name, so that whoever finds the name finds a server. */
#include "core/io/sock.h"

#include "core/base/alloc.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "core/io/fd.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { SOCK_TRIES = 5, SOCK_FLAGS = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK };

/* --- unix -------------------------------------------------------------------------- */

static int unix_address(struct sockaddr_un *sun, const char *path)
{
    *sun = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (path[0] == '\0' || strlen(path) >= sizeof sun->sun_path) {
        errno = path[0] ? ENAMETOOLONG : ENOENT;
        return -1;
    }
    memcpy(sun->sun_path, path, strlen(path) + 1);
    return 0;
}

/* PATH.PID as upstream names it, cut so that it fits where PATH does. Yours. */
static char *private_name(const char *path)
{
    char tail[16];
    size_t most = sizeof(struct sockaddr_un){0}.sun_path - 1, keep = strlen(path);

    snprintf(tail, sizeof tail, ".%d", (int)getpid());
    if (keep + strlen(tail) > most)
        keep = most - strlen(tail);
    return xasprintf("%.*s%s", (int)keep, path, tail);
}

/* True if somebody listens at path. A full queue is somebody. */
static bool unix_is_live(const char *path)
{
    struct sockaddr_un sun;
    int fd = socket(AF_UNIX, SOCK_FLAGS, 0);
    bool live;

    if (fd < 0 || unix_address(&sun, path) < 0) {
        fd_close(&fd);
        return false;
    }
    live = connect(fd, (struct sockaddr *)&sun, sizeof sun) == 0 || errno == EAGAIN;
    fd_close(&fd);
    return live;
}

/* Gives the socket at `from` the name `to`. A file system without hard links gets a
 * rename, which would also replace a server that appeared since the check. */
static int unix_publish(const char *from, const char *to, struct err *err)
{
    struct stat st;

    for (int i = 0; i < SOCK_TRIES; i++) {
        if (link(from, to) == 0)
            return 0;
        if (errno != EEXIST) {
            if ((errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS) &&
                lstat(to, &st) < 0 && rename(from, to) == 0)
                return 0;
            if (lstat(to, &st) < 0)
                return err_sys(err, "cannot make socket %s", to);
        } else if (lstat(to, &st) < 0) {
            continue;
        }
        if (!S_ISSOCK(st.st_mode)) {
            errno = EEXIST;
            return err_sys(err, "cannot replace %s, which is not a socket", to);
        }
        if (unix_is_live(to)) {
            errno = EADDRINUSE;
            return err_sys(err, "cannot listen on %s", to);
        }
        log_warn("Unlinking stale socket %s", to);
        if (unlink(to) < 0 && errno != ENOENT)
            return err_sys(err, "cannot remove stale socket %s", to);
    }
    errno = EADDRINUSE;
    return err_sys(err, "cannot listen on %s", to);
}

static int unix_chown(const char *path, const char *shown,
                      const struct sock_unix_opts *opts, struct err *err)
{
    const struct passwd *pw;

    if (!opts->has_owner || lchown(path, opts->uid, opts->gid) == 0)
        return 0;
    if (errno != EPERM)
        return err_sys(err, "cannot change the owner of socket %s", shown);
    pw = getpwuid(geteuid());
    err_set(err, ERR_SYS,
            "Not permitted to chown %s to uid/gid (%ld, %ld); adjust \"sockchown\" value "
            "in config file or on command line to values that the current user (%s) can "
            "successfully chown",
            shown, (long)(int)opts->uid, (long)(int)opts->gid, pw ? pw->pw_name : "?");
    if (err)
        err->sys = EPERM;
    return -1;
}

/* bind() makes the file with the socket's own mode where the umask lets it, and nothing
 * can connect before listen(). Where it came out otherwise (the umask, a folder's default
 * ACL) the mode is changed by name, and not through a link that somebody put there
 * meanwhile. */
static int unix_chmod(const char *name, mode_t mode, ino_t *inode)
{
    struct stat st = {0};

    bool is_ours = lstat(name, &st) == 0 && S_ISSOCK(st.st_mode);
    *inode = st.st_ino;
    if (is_ours && (st.st_mode & 07777) == mode)
        return 0;
    return fchmodat(AT_FDCWD, name, mode, AT_SYMLINK_NOFOLLOW);
}

static int unix_bind_private(int fd, const char *name, const char *path,
                             const struct sock_unix_opts *opts, ino_t *inode,
                             struct err *err)
{
    struct sockaddr_un sun;

    if (unix_address(&sun, path) < 0 || unix_address(&sun, name) < 0)
        return err_sys(err, "cannot make socket %s", path);
    (void)fchmod(fd, (mode_t)opts->mode);
    while (bind(fd, (struct sockaddr *)&sun, sizeof sun) < 0) {
        if (errno != EADDRINUSE || unlink(name) < 0)
            return err_sys(err, "cannot make socket %s", path);
    }
    if (unix_chown(name, path, opts, err) < 0)
        return -1;
    if (unix_chmod(name, (mode_t)opts->mode, inode) < 0)
        return err_sys(err, "cannot change the mode of socket %s", path);
    if (listen(fd, opts->backlog > 0 ? opts->backlog : 65535) < 0)
        return err_sys(err, "cannot listen on %s", path);
    return 0;
}

int sock_listen_unix(const char *path, const struct sock_unix_opts *opts, ino_t *inode,
                     struct err *err)
{
    int fd = socket(AF_UNIX, SOCK_FLAGS, 0);
    char *name = private_name(path);
    ino_t made = 0;

    if (fd < 0) {
        err_sys(err, "cannot make socket %s", path);
    } else if (unix_bind_private(fd, name, path, opts, &made, err) < 0 ||
               unix_publish(name, path, err) < 0) {
        fd_close(&fd);
    } else if (inode) {
        *inode = made; /* under its new name too */
    }
    unlink(name); /* never another's: the name has our pid */
    free(name);
    return fd;
}

void sock_unlink_unix(const char *path, ino_t inode)
{
    struct stat st;

    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_ino == inode)
        unlink(path);
}

int sock_connect_unix(const char *path, struct err *err)
{
    int fd = socket(AF_UNIX, SOCK_FLAGS, 0);
    struct sockaddr_un sun;

    if (fd < 0 || unix_address(&sun, path) < 0 ||
        connect(fd, (struct sockaddr *)&sun, sizeof sun) < 0) {
        err_sys(err, "cannot connect to %s", path);
        fd_close(&fd);
    }
    return fd;
}

/* --- TCP --------------------------------------------------------------------------- */

union tcp_address {
    struct sockaddr sa;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

/* Numeric addresses and localhost: what needs no resolver. False for anything else. */
static bool tcp_numeric(const char *host, int port, union tcp_address *a, socklen_t *len)
{
    *a = (union tcp_address){.in6 = {0}};
    if (inet_pton(AF_INET, host, &a->in.sin_addr) == 1) {
        a->in.sin_family = AF_INET;
    } else if (str_eq(host, "localhost")) {
        a->in.sin_family = AF_INET;
        a->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else if (inet_pton(AF_INET6, host, &a->in6.sin6_addr) == 1) {
        a->in6.sin6_family = AF_INET6;
        a->in6.sin6_port = htons((uint16_t)port);
        *len = sizeof a->in6;
        return true;
    } else {
        return false;
    }
    a->in.sin_port = htons((uint16_t)port);
    *len = sizeof a->in;
    return true;
}

static int tcp_address(const char *host, int port, union tcp_address *a, socklen_t *len,
                       struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int rc;

    if (tcp_numeric(host, port, a, len))
        return 0;
    rc = getaddrinfo(host, NULL, &hints, &found);
    if (rc != 0 || found == NULL || found->ai_addrlen > sizeof *a) {
        err_set(err, ERR_SYS, "cannot find the address of %s: %s", host,
                gai_strerror(rc));
        if (err)
            err->sys = rc == EAI_SYSTEM ? errno : EHOSTUNREACH;
        if (found)
            freeaddrinfo(found);
        return -1;
    }
    memcpy(a, found->ai_addr, found->ai_addrlen);
    *len = found->ai_addrlen;
    freeaddrinfo(found);
    if (a->sa.sa_family == AF_INET6)
        a->in6.sin6_port = htons((uint16_t)port);
    else
        a->in.sin_port = htons((uint16_t)port);
    return 0;
}

static void tcp_no_delay(int fd)
{
    int yes = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

/* Every address is every IPv4 address, as for upstream; "::" is for both families. */
int sock_listen_tcp(const char *host, int port, int backlog, struct err *err)
{
    union tcp_address a;
    socklen_t len;
    int fd, yes = 1;

    if (host == NULL || host[0] == '\0' || str_eq(host, "*"))
        host = "0.0.0.0";
    if (tcp_address(host, port, &a, &len, err) < 0)
        return -1;
    fd = socket(a.sa.sa_family, SOCK_FLAGS, 0);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        tcp_no_delay(fd); /* accepted sockets inherit it: a call less for each */
    }
    if (fd < 0 || bind(fd, &a.sa, len) < 0 ||
        listen(fd, backlog > 0 ? backlog : 65535) < 0) {
        err_sys(err, "cannot listen on %s:%d", host, port);
        fd_close(&fd);
    }
    return fd;
}

int sock_connect_tcp(const char *host, int port, struct err *err)
{
    union tcp_address a;
    socklen_t len;
    int fd;

    if (tcp_address(host, port, &a, &len, err) < 0)
        return -1;
    fd = socket(a.sa.sa_family, SOCK_FLAGS, 0);
    if (fd >= 0)
        tcp_no_delay(fd);
    if (fd < 0 || (connect(fd, &a.sa, len) < 0 && errno != EINPROGRESS)) {
        err_sys(err, "cannot connect to %s:%d", host, port);
        fd_close(&fd);
    }
    return fd;
}

int sock_connect_result(int fd)
{
    int result = 0;
    socklen_t len = sizeof result;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &len) < 0)
        return errno;
    return result;
}

/* --- accepting --------------------------------------------------------------------- */

bool sock_is_listening(int fd, bool is_unix)
{
    int listens = 0, domain = 0;
    socklen_t n = sizeof listens;
    if (fd <= STDERR_FILENO ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) < 0 || !listens)
        return false;
    n = sizeof domain;
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) == 0 &&
           (domain == AF_UNIX) == is_unix;
}

int sock_accept(int listener, char peer[64])
{
    union tcp_address a = {.in6 = {0}};
    socklen_t len = sizeof a;
    char host[INET6_ADDRSTRLEN] = "";
    int fd;

    do {
        fd = accept4(listener, &a.sa, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
    } while (fd < 0 && errno == EINTR);
    peer[0] = '\0';
    if (fd < 0)
        return -1;
    if (a.sa.sa_family == AF_INET) {
        inet_ntop(AF_INET, &a.in.sin_addr, host, sizeof host);
        snprintf(peer, 64, "%s:%d", host, ntohs(a.in.sin_port));
    } else if (a.sa.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &a.in6.sin6_addr, host, sizeof host);
        snprintf(peer, 64, "[%s]:%d", host, ntohs(a.in6.sin6_port));
    }
    return fd;
}
