/* How much of a write is in a log, when the one who wrote it died over it. */
#ifndef CORE_IO_LOG_MATCH_H
#define CORE_IO_LOG_MATCH_H

#include <stddef.h>
#include <stdint.h>

/* fd: the log, readable, written by appending. size_before: its size before the write of
 * n bytes at data. Returns how many of them, from the first on, are in the file. When
 * nobody else touched the file this is what it has grown by; where another program
 * appended too, or somebody cut the file, the bytes themselves are looked for. */
size_t log_match(int fd, int64_t size_before, const void *data, size_t n);

#endif
