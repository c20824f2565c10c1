/* The XML tokenizer. The one idea: between two tags all pieces of text (plain runs,
 * references, CDATA) are gathered into one buffer; tags are checked against a stack of
 * the open names. What expat, which upstream reads with, calls not well-formed is refused
 * here too; references to anything but a character or the five names cannot exist,
 * because a document type, which alone could declare more, is refused. */
#include "core/wire/xml.h"

#include "core/base/num.h"
#include "core/base/utf8.h"

#include <errno.h>
#include <string.h>

void xml_init(struct xml *x, const char *data, size_t n, size_t max_text_bytes)
{
    /* Not two kilobytes of error text and stack, which are filled before they are read.
     */
    memset(x, 0, offsetof(struct xml, err));
    x->err.code = ERR_NONE;
    x->at = x->begin = data;
    x->end = data + n;
    buf_init(&x->text, max_text_bytes);
    if (n >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
        x->at += 3; /* a byte order mark */
}

void xml_free(struct xml *x)
{
    buf_free(&x->text);
}

static int refuse(struct xml *x, enum err_code code, const char *what)
{
    return err_set(&x->err, code, "%s at byte %zu", what, (size_t)(x->at - x->begin));
}

static int bad(struct xml *x, const char *what)
{
    return refuse(x, ERR_SYNTAX, what);
}

static size_t left(const struct xml *x)
{
    return (size_t)(x->end - x->at);
}

/* A macro for speed: the length is known when it is compiled, and most answers are no at
 * the first byte. */
#define starts(x, prefix)                                                                \
    (left(x) >= sizeof(prefix) - 1 && *(x)->at == (prefix)[0] &&                         \
     memcmp((x)->at, (prefix), sizeof(prefix) - 1) == 0)

/* Moves behind the next mark, or to nowhere with an error. */
static int skip_past(struct xml *x, const char *mark, const char *otherwise)
{
    const char *found = memmem(x->at, left(x), mark, strlen(mark));

    if (!found)
        return bad(x, otherwise);
    x->at = found + strlen(mark);
    return 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool skip_blank(struct xml *x)
{
    const char *from = x->at;

    while (x->at < x->end && is_blank(*x->at))
        x->at++;
    return x->at > from;
}

/* XML 1.0, production 2. */
static bool is_xml_char(uint32_t rune)
{
    if (rune < 0x20)
        return rune == '\t' || rune == '\n' || rune == '\r';
    return rune < 0xd800 || (rune >= 0xe000 && rune < 0xfffe) ||
           (rune >= 0x10000 && rune <= 0x10ffff);
}

/* Bytes of the character at p if XML can carry it, or 0. */
static size_t xml_char_len(const char *p, size_t n)
{
    uint32_t rune;
    size_t len = utf8_decode(p, n, &rune);

    return len > 0 && is_xml_char(rune) ? len : 0;
}

static int put(struct xml *x, const char *text, size_t n)
{
    if (buf_append(&x->text, text, n) == 0)
        return 0;
    return refuse(x, ERR_LIMIT, errno == ENOBUFS ? "text too long" : "out of memory");
}

/* A reference: &name; or &#10; or &#xA;. Appends what it stands for if keep. */
static int take_reference(struct xml *x, bool keep)
{
    static const struct {
        const char *name, *text;
    } entities[] = {
        {"lt", "<"}, {"gt", ">"}, {"amp", "&"}, {"quot", "\""}, {"apos", "'"}};
    size_t room = left(x) < 34 ? left(x) : 34;
    const char *end = memchr(x->at, ';', room);
    struct span name;
    uint64_t rune;
    char coded[4];

    if (!end)
        return bad(x, "reference without an end");
    name = (struct span){x->at + 1, (size_t)(end - x->at) - 1};
    if (span_starts(name, "#")) {
        bool hex = span_starts(name, "#x");
        size_t skip = hex ? 2 : 1;
        if (parse_digits(name.ptr + skip, name.len - skip, hex ? 16 : 10, 0x10ffff,
                         &rune) < 0 ||
            !is_xml_char((uint32_t)rune))
            return bad(x, "reference to no character");
        x->at = end + 1;
        return keep ? put(x, coded, utf8_encode((uint32_t)rune, coded)) : 0;
    }
    for (size_t i = 0; i < array_len(entities); i++)
        if (span_eq(name, entities[i].name)) {
            x->at = end + 1;
            return keep ? put(x, entities[i].text, 1) : 0;
        }
    return bad(x, "unknown entity");
}

/* One run of characters up to ']', unless raw to markup, or to a line end, which becomes
 * LF. */
static int take_run(struct xml *x, bool raw)
{
    const char *from = x->at;

    while (x->at < x->end) {
        char c = *x->at;
        if ((c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t') {
            if (c == ']' || ((c == '<' || c == '&') && !raw))
                break;
            x->at++;
            continue;
        }
        if (c == '\r')
            break;
        size_t len = xml_char_len(x->at, left(x));
        if (len == 0)
            return bad(x, "invalid character");
        x->at += len;
    }
    if (put(x, from, (size_t)(x->at - from)) < 0)
        return -1;
    if (x->at < x->end && *x->at == '\r') {
        x->at++;
        if (x->at == x->end || *x->at != '\n')
            return put(x, "\n", 1);
    }
    return 0;
}

static int take_cdata(struct xml *x)
{
    x->at += strlen("<![CDATA[");
    while (!starts(x, "]]>")) {
        if (x->at == x->end)
            return bad(x, "CDATA without an end");
        if (*x->at == ']') {
            if (put(x, x->at++, 1) < 0)
                return -1;
        } else if (take_run(x, true) < 0) {
            return -1;
        }
    }
    x->at += 3;
    return 0;
}

static int skip_comment(struct xml *x)
{
    x->at += strlen("<!--");
    if (skip_past(x, "--", "comment without an end") < 0)
        return -1;
    if (!starts(x, ">"))
        return bad(x, "-- within a comment");
    x->at++;
    return 0;
}

/* Comments, instructions and the declaration. 1: skipped one; 0: something else; -1. */
static int skip_misc(struct xml *x)
{
    if (starts(x, "<?xml ") && x->declared)
        return bad(x, "declaration not at the beginning");
    x->declared = true;
    if (starts(x, "<?"))
        return skip_past(x, "?>", "instruction without an end") < 0 ? -1 : 1;
    if (starts(x, "<!--"))
        return skip_comment(x) < 0 ? -1 : 1;
    if (starts(x, "<!DOCTYPE"))
        return bad(x, "document type not allowed");
    return 0;
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' ||
           (unsigned char)c >= 0x80;
}

static bool is_name_char(char c)
{
    return is_name_start(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

static int take_name(struct xml *x, struct span *name)
{
    const char *from = x->at, *at = from, *end = x->end, *letters;

    if (at == end || !is_name_start(*at))
        return bad(x, "name expected");
    while (at < end && (unsigned)((*at | 0x20) - 'a') < 26)
        at++;
    letters = at; /* nearly always all of it */
    while (at < end && is_name_char(*at))
        at++;
    x->at = at;
    *name = (struct span){from, (size_t)(at - from)};
    return at == letters || utf8_valid(from, name->len) ? 0 : bad(x, "name expected");
}

static int skip_attribute(struct xml *x)
{
    struct span name;
    char quote;

    if (take_name(x, &name) < 0)
        return -1;
    skip_blank(x);
    if (!starts(x, "="))
        return bad(x, "= expected");
    x->at++;
    skip_blank(x);
    if (!starts(x, "\"") && !starts(x, "'"))
        return bad(x, "quote expected");
    quote = *x->at++;
    while (x->at < x->end && *x->at != quote) {
        size_t len = xml_char_len(x->at, left(x));
        if (*x->at == '<' || len == 0)
            return bad(x, "invalid character");
        if (*x->at != '&')
            x->at += len;
        else if (take_reference(x, false) < 0)
            return -1;
    }
    if (x->at == x->end)
        return bad(x, "attribute without an end");
    x->at++;
    return 0;
}

static enum xml_token take_open(struct xml *x)
{
    x->at++;
    if (x->depth == XML_MAX_DEPTH) {
        refuse(x, ERR_LIMIT, "nested too deeply");
        return XML_ERROR;
    }
    if (take_name(x, &x->name) < 0)
        return XML_ERROR;
    while (skip_blank(x) && x->at < x->end && *x->at != '>' && *x->at != '/')
        if (skip_attribute(x) < 0)
            return XML_ERROR;
    if (starts(x, "/>")) {
        x->empty_element = true;
        x->at++;
    }
    if (!starts(x, ">")) {
        bad(x, "> expected");
        return XML_ERROR;
    }
    x->at++;
    x->stack[x->depth++] = x->name;
    return XML_OPEN;
}

static enum xml_token take_close(struct xml *x)
{
    struct span open = x->stack[x->depth - 1];

    x->at += strlen("</");
    if (left(x) < open.len || memcmp(x->at, open.ptr, open.len) != 0) {
        bad(x, "mismatched tag");
        return XML_ERROR;
    }
    x->name = (struct span){x->at, open.len};
    x->at += open.len;
    skip_blank(x); /* a longer name has no > here */
    if (!starts(x, ">")) {
        bad(x, "> expected");
        return XML_ERROR;
    }
    x->at++;
    x->depth--;
    return XML_CLOSE;
}

/* Before and after the root. 1: the root begins here; 0: all is over; -1. */
static int take_outside(struct xml *x)
{
    for (;;) {
        int rc;
        if (skip_blank(x))
            x->declared = true;
        if (x->at == x->end)
            return x->name.ptr ? 0 : bad(x, "no element");
        rc = skip_misc(x);
        if (rc < 0)
            return -1;
        if (rc > 0)
            continue;
        if (*x->at != '<' || starts(x, "</") || starts(x, "<!"))
            return bad(x, "element expected");
        return x->name.ptr ? bad(x, "second root") : 1;
    }
}

/* Gathers text up to the next tag. 0 or -1. */
static int take_text(struct xml *x)
{
    buf_truncate(&x->text, 0);
    while (x->at < x->end) {
        int rc;
        if (*x->at == '&') {
            rc = take_reference(x, true);
        } else if (*x->at == '<') {
            if (left(x) < 2 || (x->at[1] != '!' && x->at[1] != '?'))
                return 0; /* a tag, as nearly always */
            if (starts(x, "<![CDATA["))
                rc = take_cdata(x);
            else if ((rc = skip_misc(x)) == 0)
                return bad(x, "element expected");
        } else if (*x->at == ']') {
            if (starts(x, "]]>"))
                return bad(x, "]]> in text");
            rc = put(x, x->at++, 1);
        } else {
            rc = take_run(x, false);
        }
        if (rc < 0)
            return -1;
    }
    return bad(x, "element without an end");
}

enum xml_token xml_next_tag(struct xml *x)
{
    const char *at = x->at;
    enum xml_token token;

    /* nearly all such space is one newline: not worth a text of its own */
    if (x->depth > 0 && !x->tag_next && !x->empty_element) {
        while (at < x->end && is_blank(*at))
            at++;
        if (at < x->end && *at == '<')
            x->at = at;
    }
    token = xml_next(x);
    if (token == XML_TEXT &&
        span_trim((struct span){buf_data(&x->text), x->text.len}).len == 0)
        token = xml_next(x);
    return token;
}

enum xml_token xml_next(struct xml *x)
{
    if (x->err.code != ERR_NONE)
        return XML_ERROR;
    if (x->empty_element) {
        x->empty_element = false;
        x->depth--;
        buf_truncate(&x->text, 0);
        return XML_CLOSE;
    }
    if (x->depth == 0) {
        int rc = take_outside(x);
        return rc < 0 ? XML_ERROR : rc == 0 ? XML_END : take_open(x);
    }
    if (!x->tag_next) {
        if (take_text(x) < 0)
            return XML_ERROR;
        x->tag_next = x->text.len > 0;
        if (x->tag_next)
            return XML_TEXT;
    }
    x->tag_next = false;
    return starts(x, "</") ? take_close(x) : take_open(x);
}

/* True for the bytes that cannot be copied as they are. */
static bool is_special(unsigned char c)
{
    return c >= 0x80 || c == '&' || c == '<' || c == '>' ||
           (c < 0x20 && c != '\n' && c != '\t');
}

/* 0x80 in each byte of word that is less than n (n <= 128), for words without high bits
 * set; others may be marked too, which the caller looks at byte by byte. */
static uint64_t bytes_below(uint64_t word, unsigned n)
{
    return (word - 0x0101010101010101u * n) & ~word & 0x8080808080808080u;
}

static uint64_t bytes_equal(uint64_t word, char c)
{
    return bytes_below(word ^ 0x0101010101010101u * (unsigned char)c, 1);
}

/* Eight at a time while nothing special is near. */
size_t xml_plain_run(const char *p, size_t n)
{
    size_t i = 0;

    for (;;) {
        while (n - i >= 8) {
            uint64_t word;
            memcpy(&word, p + i, 8);
            if ((word & 0x8080808080808080u) | bytes_below(word, 0x20) |
                bytes_equal(word, '&') | bytes_equal(word & ~0x0202020202020202u, '<'))
                break;
            i += 8;
        }
        size_t stop = n - i > 8 ? i + 8 : n;
        while (i < stop && !is_special((unsigned char)p[i]))
            i++;
        if (i < stop || i == n)
            return i;
    }
}

int xml_write_text(struct buf *out, const char *text, size_t n)
{
    size_t before = out->len, i = 0;

    while (i < n) {
        const char *instead = "\xef\xbf\xbd"; /* U+FFFD */
        size_t run = xml_plain_run(text + i, n - i);
        if (buf_append(out, text + i, run) < 0)
            goto full;
        i += run;
        if (i == n)
            break;
        char c = text[i];
        size_t len = (unsigned char)c >= 0x80 ? xml_char_len(text + i, n - i) : 0;
        if (len > 0) {
            if (buf_append(out, text + i, len) < 0)
                goto full;
            i += len;
            continue;
        }
        if (c == '&' || c == '<' || c == '>' || c == '\r')
            instead = c == '&'   ? "&amp;"
                      : c == '<' ? "&lt;"
                      : c == '>' ? "&gt;"
                                 : "&#13;";
        if (buf_puts(out, instead) < 0)
            goto full;
        i += utf8_step(text + i, n - i);
    }
    return 0;
full:
    buf_truncate(out, before);
    return -1;
}
