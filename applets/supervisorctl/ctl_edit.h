/* A line being typed: bytes from the keyboard in, text and a picture of the line out.
 * Pure: the terminal belongs to the caller. Keys are those of readline's Emacs mode. */
#ifndef APPLETS_SUPERVISORCTL_CTL_EDIT_H
#define APPLETS_SUPERVISORCTL_CTL_EDIT_H

#include "applets/supervisorctl/ctl_history.h"
#include "core/base/buf.h"

#define EDIT_LINE_MAX 16384

enum edit_event {
    EDIT_MORE,     /* go on; draw again */
    EDIT_LINE,     /* Enter: e->text is the line */
    EDIT_EOF,      /* Ctrl-D on an empty line */
    EDIT_CANCEL,   /* Ctrl-C */
    EDIT_COMPLETE, /* TAB */
    EDIT_REDRAW,   /* Ctrl-L: on an empty screen */
    EDIT_SUSPEND   /* Ctrl-Z */
};

struct edit {
    const struct history *history; /* borrowed */
    struct buf text;               /* the line; never consumed from the head */
    size_t cursor;                 /* in bytes, at the start of a character */
    size_t place;                  /* history line shown; history->lines.len: none */
    char *draft;                   /* what was typed before going through history */
    struct buf killed;             /* for Ctrl-Y */
    struct buf escape;             /* an escape sequence begun */
    bool searching;                /* Ctrl-R */
    struct buf part;               /* searched for */
    int found;                     /* its history line, or -1 */
};

/* Begins an empty line. */
void edit_init(struct edit *e, const struct history *history);
void edit_free(struct edit *e);
/* Empties the line for the next one; what was killed stays. */
void edit_reset(struct edit *e);

enum edit_event edit_feed(struct edit *e, char key);
/* Puts text in at the cursor; nothing when it would be too long. */
void edit_insert(struct edit *e, const char *text, size_t n);

/* Appends what draws prompt and line on one row of a terminal `columns` wide, cursor in
 * place; a long line is shown around its cursor. 0 or -1 as buf. */
int edit_draw(const struct edit *e, const char *prompt, size_t columns, struct buf *out);

#endif
