/* What tells this build from every other. */
#ifndef CORE_BASE_BUILD_H
#define CORE_BASE_BUILD_H

/* The first 12 hex digits of the linker's build id, a sum of the whole binary; "unknown"
 * when it was linked without one. */
const char *build_id(void);

#endif
