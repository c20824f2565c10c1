/* Messages to the system's log: datagrams to /dev/log, over one socket for all. Never
 * blocks and never fails its caller: a message that the log does not take is dropped and
 * counted, and the next one connects anew. Facility user, level info, sent as
 * "<14>Nov 21 09:17:03 supervisord: text", which is what upstream's syslog.syslog(text)
 * becomes. Source: RFC 3164; upstream loggers.py, SyslogHandler. */
#ifndef CORE_IO_SYSLOG_H
#define CORE_IO_SYSLOG_H

#include "core/base/util.h"

/* Sends each line of data as a message of its own, with prefix (NULL: none) before it.
 * Newlines at the end make no message; empty lines before them do. Keeps errno. */
void syslog_send_lines(const char *prefix, const char *data, size_t n);
/* Messages lost since the last call. */
uint64_t syslog_take_lost(void);
void syslog_close(void); /* the socket; the next message opens it again */
/* For tests: another socket's path (borrowed). */
void syslog_set_path(const char *path);

#endif
