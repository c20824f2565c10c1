/* GET /events: what happens, as it happens, to everybody who watches. The first event is
 * the whole picture, later ones tell what changed; the names of the events and their
 * members: supervisord_web(7). Changes of one moment are gathered, written once and sent
 * to all. With nobody watching nothing is subscribed, sampled or timed. */
#ifndef APPLETS_SUPERVISORD_API_WEB_EVENTS_H
#define APPLETS_SUPERVISORD_API_WEB_EVENTS_H

#include "applets/supervisord/api/web.h"

struct web_events;

struct web_events *web_events_new(struct web *web);
void web_events_free(struct web_events *e); /* NULL is fine */
void web_events_end(struct web_events *e);  /* every stream */
/* To all who watch, at once: data is JSON in one line. */
void web_events_send(struct web_events *e, const char *event, const char *data, size_t n);
/* A round of samples is over: tells what moved. */
void web_events_sampled(struct web_events *e);
size_t web_events_watchers(const struct web_events *e);

/* A handler of core/http/http_server.h; arg is the struct web. */
void web_events(struct http_exchange *x, void *arg);

#endif
