/* The picture of everything as JSON: GET /status.json, and the pieces of it that the
 * events stream sends. Members: supervisord_web(7). */
#ifndef APPLETS_SUPERVISORD_API_STATUS_JSON_H
#define APPLETS_SUPERVISORD_API_STATUS_JSON_H

#include "applets/supervisord/api/web.h"
#include "applets/supervisord/process.h"
#include "core/base/json.h"

/* Every process, sorted by group and name; the array is yours (free). */
struct process **status_processes(const struct super *super, size_t *count);

/* Each writes one value. */
void status_json_process(struct json *j, const struct web *web, const struct process *p);
void status_json_supervisor(struct json *j, const struct web *web);
void status_json_all(struct json *j, const struct web *web);
/* What moved in the last round of samples; false (and nothing written) if nothing did. */
bool status_json_usage(struct json *j, const struct web *web);

/* A handler of core/http/http_server.h; arg is the struct web. */
void status_json(struct http_exchange *x, void *arg);

#endif
