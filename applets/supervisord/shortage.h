/* What runs short: memory and descriptors. Both have a reserve (core/base/alloc.h,
 * core/io/fd.h) which lets programs be reaped, restarted, stopped and logged while there
 * is nothing else. This says so, once when it begins and once when it is over, and takes
 * the reserves again as soon as there is something to take. */
#ifndef APPLETS_SUPERVISORD_SHORTAGE_H
#define APPLETS_SUPERVISORD_SHORTAGE_H

#include "core/io/loop.h"

struct shortage_kind {
    bool told;
    int64_t last_ms; /* when it was last seen */
};

struct shortage {
    struct loop *loop;
    struct loop_hook at_end;
    struct timer retry;
    struct shortage_kind memory, descriptors;
};

/* Takes the reserves and watches over them from now on. */
void shortage_begin(struct shortage *s, struct loop *loop);
void shortage_end(struct shortage *s);

#endif
