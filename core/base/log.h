/* supervisord's own log: levels, one line per fact, sinks. A line is
 * "2026-11-21 09:17:03,123 INFO text\n" in local time. Logging keeps errno, never blocks
 * and never fails its caller. Control characters in the text, newlines included, are
 * written as \xNN unless they stand in the fixed format, so that foreign text cannot
 * forge a line. Source for levels, names and format: Supervisor manual, "Activity log".
 */
#ifndef CORE_BASE_LOG_H
#define CORE_BASE_LOG_H

#include "core/base/util.h"

enum log_level { /* upstream's numbers */
                 LOG_LEVEL_BLAT = 3,
                 LOG_LEVEL_TRAC = 5,
                 LOG_LEVEL_DEBG = 10,
                 LOG_LEVEL_INFO = 20,
                 LOG_LEVEL_WARN = 30,
                 LOG_LEVEL_ERRO = 40,
                 LOG_LEVEL_CRIT = 50
};

/* line ends in a newline and is borrowed for the call; text is the same line without time
 * stamp, level and newline (for syslog). */
typedef void log_sink_fn(void *arg, enum log_level level, const char *line, size_t n,
                         const char *text);

/* Registers fn; at most 4. Lines written before the first sink exists are kept (64 KiB at
 * the most) and handed to it. Returns a handle for log_remove_sink. */
int log_add_sink(log_sink_fn *fn, void *arg);
void log_remove_sink(int handle);
void log_drop_early(void);                /* forgets the lines kept for a first sink */
void log_set_level(enum log_level level); /* lines below it are not made; default INFO */
bool log_wants(enum log_level level);
/* The level for "info", "debug" ... in any case, or -1. "critical", "error", "warn",
 * "info", "debug", "trace", "blather", and the 4-letter forms. */
int log_level_parse(const char *text);
const char *log_level_name(enum log_level level); /* "INFO" */

void log_at(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A heading and below it data as it is, but for control characters other than newline and
 * tab: output of programs, at debug level, as upstream shows it. */
void log_block(enum log_level level, const char *heading, const char *data, size_t n);
#define log_crit(...)    log_at(LOG_LEVEL_CRIT, __VA_ARGS__)
#define log_error(...)   log_at(LOG_LEVEL_ERRO, __VA_ARGS__)
#define log_warn(...)    log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)    log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_at(LOG_LEVEL_DEBG, __VA_ARGS__)
#define log_trace(...)   log_at(LOG_LEVEL_TRAC, __VA_ARGS__)
#define log_blather(...) log_at(LOG_LEVEL_BLAT, __VA_ARGS__)

#endif
