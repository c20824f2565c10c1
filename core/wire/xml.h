/* A pull tokenizer for the XML that XML-RPC uses: elements, text, CDATA, comments and the
 * declaration skipped; the five named entities and character references decoded; DOCTYPE
 * and any other entity refused (no expansion, no bombs). Whole document in memory. */
#ifndef CORE_WIRE_XML_H
#define CORE_WIRE_XML_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"

#define XML_MAX_DEPTH 64

enum xml_token { XML_OPEN, XML_CLOSE, XML_TEXT, XML_END, XML_ERROR };

struct xml {
    const char *at, *end;
    struct span name; /* of OPEN and CLOSE; attributes are checked and dropped */
    /* Of TEXT: decoded; adjacent pieces and CDATA joined. Still there while the token
     * after it is at hand; empty where an OPEN was followed by its CLOSE at once. */
    struct buf text;
    size_t depth;
    bool empty_element; /* <a/>: the CLOSE comes next by itself */
    bool tag_next;      /* the text before it was given */
    bool declared;      /* past the one place of the declaration */
    const char *begin;
    struct err err;                   /* of ERROR: says what and at which byte */
    struct span stack[XML_MAX_DEPTH]; /* of the open names */
};

/* Borrows data for the whole walk. max_text_bytes bounds one text. */
void xml_init(struct xml *x, const char *data, size_t n, size_t max_text_bytes);
enum xml_token
xml_next(struct xml *x); /* checks nesting; END only after the root closed */
/* The same between elements that hold no text: white space before a tag is not given. */
enum xml_token xml_next_tag(struct xml *x);
void xml_free(struct xml *x);

/* Appends text with & < > escaped, CR as &#13;, what XML 1.0 cannot carry and invalid
 * UTF-8 as U+FFFD. 0 or -1 as buf. Fast path: plain runs are copied whole. */
int xml_write_text(struct buf *out, const char *text, size_t n);
/* How many bytes at text xml_write_text copies unchanged; ASCII only. */
size_t xml_plain_run(const char *text, size_t n);

#endif
