/* Intrusive doubly linked ring: a struct list is a head, or a member of what is listed.
 * A head and a member that is in no list point at themselves. */
#ifndef CORE_BASE_LIST_H
#define CORE_BASE_LIST_H

#include "core/base/util.h"

struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_insert(struct list *at, struct list *item) /* after at */
{
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): the analyzer cannot follow a ring */
    item->prev = at;
    item->next = at->next;
    at->next->prev = item;
    at->next = item;
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
}

static inline void list_append(struct list *head, struct list *item)
{
    list_insert(head->prev, item);
}

/* Takes item out of its list; harmless on one that is in none. */
static inline void list_del(struct list *item)
{
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): as above */
    item->prev->next = item->next;
    item->next->prev = item->prev;
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
    list_init(item);
}

/* The body may delete it (not its successor). */
#define list_each(it, head)                                                              \
    for (struct list *it = (head)->next, *it##_next = it->next; it != (head);            \
         it = it##_next, it##_next = it->next)

#define list_item(ptr, type, member) container_of(ptr, type, member)

#endif
