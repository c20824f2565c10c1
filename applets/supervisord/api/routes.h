/* Paths of the control port and their handlers. Registers itself on the HTTP server's
 * routes; the engine knows nothing of it. */
#ifndef APPLETS_SUPERVISORD_API_ROUTES_H
#define APPLETS_SUPERVISORD_API_ROUTES_H

#include "applets/supervisord/super.h"
#include "core/base/text_record.h"
#include "core/http/http_server.h"

struct api;

/* Opens a listener for every [*_http_server] section of the configuration. NULL with err
 * in upstream's words ("Another program is already listening on a port that one of our
 * HTTP servers is configured to use.  Shut this program down first before starting
 * supervisord."). super is borrowed. */
struct api *api_open(struct super *super, struct err *err);
/* The listening sockets, for the record's base: "listener_socket section= index=
 * listen_fd= inode=". When they change, super_want_base is called. */
void api_save(const struct api *a, struct record_writer *w);
/* The same from a record's n bytes, with the sockets it names (each checked to be a
 * listening one of the right kind; close-on-exec from then on), so that no connection is
 * refused; a section whose socket is not there is opened anew. Trouble with one section
 * is logged and the others serve. Never NULL. */
struct api *api_restore(struct super *super, const char *data, size_t n);
/* Those that wait for processes get a fault: this image ends. */
void api_refuse_waits(struct api *a, const char *why);
/* True when no answer is under way: shutting down waits for that, a second at the most.
 * Ends the log tails, which would never end by themselves. */
bool api_is_quiet(struct api *a);
void api_close(struct api *a); /* removes our socket files; NULL is fine */

#endif
