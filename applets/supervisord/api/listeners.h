/* The sockets of the [*_http_server] sections: opened at the start, with their passwords
 * and certificates; the certificates can be read again while everything runs. */
#ifndef APPLETS_SUPERVISORD_API_LISTENERS_H
#define APPLETS_SUPERVISORD_API_LISTENERS_H

#include "applets/supervisord/super.h"
#include "core/base/text_record.h"
#include "core/http/http_server.h"

struct listeners;

/* Opens a listener of server for every such section, and puts itself before super as its
 * super_front. Both are borrowed. NULL with err in upstream's words ("Another program is
 * already listening on a port that one of our HTTP servers is configured to use.  Shut
 * this program down first before starting supervisord."). */
struct listeners *listeners_open(struct super *super, struct http_server *server,
                                 struct err *err);
/* As api_save and api_restore (routes.h) say. */
void listeners_save(const struct listeners *l, struct record_writer *w);
struct listeners *listeners_restore(struct super *super, struct http_server *server,
                                    const char *data, size_t n);
/* After the server's end, which closes the sockets: removes our socket files. */
void listeners_close(struct listeners *l); /* NULL is fine */

#endif
