/* Following a log over a streamed answer of the server: tail -f, maintail -f, fg. */
#ifndef APPLETS_SUPERVISORCTL_CTL_FOLLOW_H
#define APPLETS_SUPERVISORCTL_CTL_FOLLOW_H

#include "applets/supervisorctl/ctl.h"

enum follow_end { FOLLOW_ENDED, FOLLOW_FAILED, FOLLOW_INTERRUPTED };

/* The path of a process's log on the server, yours. */
char *ctl_follow_path(const char *name, const char *channel);
/* Copies what the server streams from path to stdout, on a connection of its own, until
 * it ends or a caught SIGINT comes. A failure is told on stderr.
 * Source: upstream http_client.py. */
enum follow_end ctl_follow(struct ctl *c, const char *path);

#endif
