/* What a button of the page sets going: calls of the remote interface's methods, one
 * after the other for each program or group named, all of them at the same time. A job
 * goes on when its reader leaves: a restart is not left half done. */
#ifndef APPLETS_SUPERVISORD_API_WEB_JOB_H
#define APPLETS_SUPERVISORD_API_WEB_JOB_H

#include "applets/supervisord/api/web.h"
#include "core/base/str.h"

enum { WEB_STEPS = 3 };

struct web_verb {
    const char *name; /* action=... */
    /* Methods, in order. '?' before one: its fault is no failure. */
    const char *steps[WEB_STEPS];
    const char *done;  /* what one success is called; %s: the name */
    const char *many;  /* and several: "12 started" */
    bool takes_signal; /* the method wants a second parameter */
    bool takes_none;   /* the method is about the daemon itself */
};

struct web_jobs;
struct web_job;

struct web_jobs *web_jobs_new(struct web *web);
/* Jobs under way end with the daemon; their exchanges must be gone. NULL is fine. */
void web_jobs_free(struct web_jobs *jobs);

/* A job without tasks yet. signal (copied) may be NULL. */
struct web_job *web_job_new(struct web *web, const char *signal);
/* One more thing to do; verb is static, name copied. */
void web_job_add(struct web_job *job, const struct web_verb *verb, const char *name);
/* "ERROR: ..." without doing anything. */
void web_job_fail(struct web_job *job, const char *text);
/* A text to begin the answer with when all went well, instead of one made up. */
void web_job_say(struct web_job *job, const char *text);
/* Begins it and answers x when it is done: JSON, or a redirection to the page that shows
 * the message. JSON is answered after a few seconds at the latest; what was not done then
 * is told by the event "job" (web_events.h). */
void web_job_run(struct web_job *job, struct http_exchange *x, bool wants_json);

#endif
