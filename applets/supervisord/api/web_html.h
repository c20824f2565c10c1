/* Writing HTML: text that is never markup, and templates. Pure.
 *
 * A template is a file of the web folder with {{name}} marks; a table says which function
 * writes what stands there, so the page can be read as a page and the code holds no
 * layout. */
#ifndef APPLETS_SUPERVISORD_API_WEB_HTML_H
#define APPLETS_SUPERVISORD_API_WEB_HTML_H

#include "core/base/buf.h"
#include "core/base/str.h"

/* Appends any bytes as text, safe in an element and in a quoted attribute; what is not
 * UTF-8 becomes U+FFFD. 0, or -1 as buf. */
int html_text(struct buf *out, const char *text, size_t n);
int html_str(struct buf *out, const char *text); /* NULL writes nothing */

struct html_mark {
    const char *name;
    int (*put)(struct buf *out, void *arg); /* 0, or -1 as buf */
};

/* Appends the template with its marks (ending in a row with name NULL) filled in; a mark
 * without a row stays as it is. 0, or -1 as buf or if text.ptr is NULL. */
int html_template(struct buf *out, struct span text, const struct html_mark *marks,
                  void *arg);

/* "1.5 MB", "0.3 %": what people read. */
int html_bytes(struct buf *out, int64_t bytes);
int html_percent(struct buf *out, int64_t milli_percent);
/* "3 d 4 h", "4 h 5 min", "5 min 6 s", "7 s". */
int html_duration(struct buf *out, int64_t secs);

#endif
