/* What the kernel tells of a process in /proc: processor time and resident memory.
 * Source: proc(5), /proc/PID/stat. */
#ifndef CORE_IO_PROCFS_H
#define CORE_IO_PROCFS_H

#include <stdint.h>
#include <sys/types.h>

struct procfs_usage {
    int64_t cpu_ms; /* user and system time of all its threads, ever */
    int64_t rss_bytes;
};

/* 0; -1 where it is gone or there is no /proc. Two system calls more than a read. */
int procfs_read(pid_t pid, struct procfs_usage *usage);
/* The parser of a stat line, which may hold anything in its second field. 0 or -1. */
int procfs_parse_stat(const char *line, int64_t ticks_per_sec, int64_t page_bytes,
                      struct procfs_usage *usage);

/* What tells one process from another of the same pid, and to whom it belongs. */
struct procfs_identity {
    uint64_t started; /* ticks since the boot; an exec leaves it alone */
    pid_t parent;
    char state; /* 'R', 'S', 'Z' for a zombie, ... */
    uid_t uid;  /* real */
};

/* 0; -1 where it is gone or there is no /proc. */
int procfs_identify(pid_t pid, struct procfs_identity *id);
/* This boot's id, "" where there is no /proc. */
enum { PROCFS_BOOT_ID_SIZE = 40 };
void procfs_boot_id(char id[PROCFS_BOOT_ID_SIZE]);

#endif
