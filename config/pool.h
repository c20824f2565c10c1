/* The memory of one configuration: everything in it is taken from a pool and given back
 * at once. Equal texts (and other byte values) are kept once: a thousand processes share
 * one "/var/log". What comes out is never freed or changed by its users. */
#ifndef CONFIG_POOL_H
#define CONFIG_POOL_H

#include "core/base/str.h"

struct pool;

struct pool *pool_new(void);
void pool_free(struct pool *p);                   /* NULL is fine */
void *pool_alloc(struct pool *p, size_t n);       /* zeroed, aligned for anything */
char *pool_str(struct pool *p, const char *text); /* shared; NULL gives NULL */
/* The shared copy of n bytes, aligned for anything. */
void *pool_blob(struct pool *p, const void *data, size_t n);
/* What was found out once, by topic (user names ...), while the pool is being filled: the
 * value given to pool_remember, or NULL. Values lie in the pool. */
void *pool_recall(const struct pool *p, const char *topic);
void pool_remember(struct pool *p, const char *topic, void *value);
/* Nothing more will be shared: gives the tables back. The pool can still grow.
 */
void pool_seal(struct pool *p);
size_t pool_bytes(const struct pool *p); /* taken from the system so far */

#endif
