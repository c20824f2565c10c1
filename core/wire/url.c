/* Percent coding, query strings, server addresses. The one idea: texts are spans with a
 * length, so that a %-sequence cut at the end is seen, never read past. */
#include "core/wire/url.h"

#include "core/base/alloc.h"
#include "core/base/num.h"

#include <stdlib.h>
#include <string.h>

int url_decode(struct buf *out, struct span text, bool plus)
{
    char *to;
    size_t made = 0;

    if (buf_reserve(out, text.len, &to) < 0)
        return -1;
    for (size_t i = 0; i < text.len; i++) {
        uint64_t byte;
        char c = text.ptr[i];
        if (c == '%' && text.len - i > 2 &&
            parse_digits(text.ptr + i + 1, 2, 16, 255, &byte) == 0) {
            c = (char)byte;
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        to[made++] = c;
    }
    buf_commit(out, made);
    return 0;
}

/* RFC 3986, section 2.3. */
static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '.' || c == '_' || c == '~';
}

int url_encode(struct buf *out, struct span text, const char *keep)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t before = out->len;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        char coded[3] = {'%', digits[(unsigned char)c >> 4],
                         digits[(unsigned char)c & 15]};
        bool plain = is_unreserved(c) || (c != '\0' && strchr(keep, c));
        if (buf_append(out, plain ? &c : coded, plain ? 1 : 3) < 0) {
            buf_truncate(out, before);
            return -1;
        }
    }
    return 0;
}

/* The decoded text as a C string, or NULL if it holds a NUL or memory is short. */
static char *decode_dup(struct span text, bool plus)
{
    struct buf out;
    char *copy = NULL;

    buf_init(&out, text.len);
    if (url_decode(&out, text, plus) == 0 && !memchr(buf_data(&out), '\0', out.len))
        copy = buf_detach(&out);
    buf_free(&out);
    return copy;
}

char *query_get(struct span query, const char *name)
{
    struct span pair, key;

    while (span_split(&query, '&', &pair)) {
        char *decoded;
        bool same;
        if (!span_split(&pair, '=', &key) || !pair.ptr)
            continue;
        decoded = decode_dup(key, true);
        same = str_eq(decoded, name);
        free(decoded);
        if (same)
            return decode_dup(pair, true);
    }
    return NULL;
}

void url_clear(struct url *url)
{
    free(url->host);
    free(url->path);
    free(url->user);
    free(url->password);
    *url = (struct url){0};
}

/* user:password, percent-coded. 0 or -1. */
static int take_userinfo(struct url *url, struct span s)
{
    struct span user;

    span_split(&s, ':', &user);
    url->user = decode_dup(user, false);
    if (!url->user)
        return -1;
    if (s.ptr) {
        url->password = decode_dup(s, false);
        if (!url->password)
            return -1;
    }
    return 0;
}

/* host, host:port, [v6], [v6]:port. 0 or -1. */
static int take_host(struct url *url, struct span s)
{
    const char *end, *colon;
    uint64_t port;

    if (span_starts(s, "[")) {
        end = memchr(s.ptr, ']', s.len);
        if (!end)
            return -1;
        url->host = xstrndup(s.ptr + 1, (size_t)(end - s.ptr) - 1);
        colon = end + 1;
    } else {
        colon = s.len ? memchr(s.ptr, ':', s.len) : NULL;
        if (!colon)
            colon = s.ptr + s.len;
        url->host = xstrndup(s.ptr, (size_t)(colon - s.ptr));
    }
    if (url->host[0] == '\0')
        return -1;
    for (char *c = url->host; *c; c++)
        *c = char_lower(*c);
    end = s.ptr + s.len;
    if (colon == end)
        return 0;
    if (*colon != ':')
        return -1;
    if (++colon == end) /* "host:" has the default port, as in Python */
        return 0;
    if (parse_digits(colon, (size_t)(end - colon), 10, 65535, &port) < 0 || port == 0)
        return -1;
    url->port = (int)port;
    return 0;
}

/* What follows http:// or https://. 0 or -1. */
static int take_authority(struct url *url, const char *text)
{
    struct span s = {text, strcspn(text, "/?#")}, rest = {text + s.len, 0};

    for (const char *c = text; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            return -1;
    rest.len = strcspn(rest.ptr, "#");
    url->path =
        xasprintf("%s%.*s", span_starts(rest, "/") ? "" : "/", (int)rest.len, rest.ptr);
    for (size_t i = s.len; i > 0; i--)
        if (text[i - 1] == '@') { /* the last one: a password may hold others */
            if (take_userinfo(url, (struct span){text, i - 1}) < 0)
                return -1;
            s = (struct span){text + i, s.len - i};
            break;
        }
    return take_host(url, s);
}

int url_parse(struct url *url, const char *text, struct err *err)
{
    static const struct {
        const char *prefix;
        enum url_scheme scheme;
        int port;
    } schemes[] = {{"unix://", URL_UNIX, 0},
                   {"http://", URL_HTTP, 80},
                   {"https://", URL_HTTPS, 443}};

    *url = (struct url){0};
    for (size_t i = 0; i < array_len(schemes); i++) {
        size_t n = strlen(schemes[i].prefix);
        if (strnlen(text, n) < n ||
            !span_eq_nocase((struct span){text, n}, schemes[i].prefix))
            continue;
        url->scheme = schemes[i].scheme;
        url->port = schemes[i].port;
        if (url->scheme == URL_UNIX && text[n] != '\0') {
            url->path = xstrdup(text + n); /* as it stands: upstream decodes nothing */
            return 0;
        }
        if (url->scheme != URL_UNIX && strlen(text) < 65536 &&
            take_authority(url, text + n) == 0)
            return 0;
        url_clear(url);
        return err_set(err, ERR_SYNTAX, "value '%s' is not a URL", text);
    }
    return err_set(err, ERR_SYNTAX, "Unknown protocol for serverurl %s", text);
}
