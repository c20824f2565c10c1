/* Signal names and numbers, from one table. */
#ifndef CORE_BASE_SIGNAME_H
#define CORE_BASE_SIGNAME_H

/* "SIGTERM" for SIGTERM; "signal 42" (a static text, valid until the next call) for a
 * number without a name here. */
const char *signame_from_number(int number);
/* "TERM", "term", "SIGTERM" or "15" to a number (0 too, which only probes); -1 if it
 * names no signal here: of the real-time ones only 34 and 64 (RTMIN, RTMAX) have names.
 * Source: upstream's signal_number. */
int signame_parse(const char *text);

#endif
