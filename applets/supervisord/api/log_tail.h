/* Follows a log over a streamed answer: /logtail/NAME[/CHANNEL] and /mainlogtail. Begins
 * with the last kilobyte, follows truncation and rotation, reads no faster than the
 * client takes: memory is bounded by the exchange. A timer looks for news, only while a
 * tail is open. Source: upstream http.py, tail_f_producer. */
#ifndef APPLETS_SUPERVISORD_API_LOG_TAIL_H
#define APPLETS_SUPERVISORD_API_LOG_TAIL_H

#include "applets/supervisord/super.h"
#include "core/http/http_exchange.h"

struct log_tails;

struct log_tails *log_tails_new(struct super *super); /* super is borrowed */
/* Ends every tail after sending what its log holds by now. */
void log_tails_end(struct log_tails *ts);
void log_tails_free(struct log_tails *ts); /* NULL is fine */

/* Handlers of core/http/http_server.h; arg is the struct log_tails. */
void log_tail_process(struct http_exchange *x, void *arg);
void log_tail_main(struct http_exchange *x, void *arg);

#endif
