#include "core/base/json.h"

#include "core/base/utf8.h"

#include <string.h>

void json_init(struct json *j, struct buf *out)
{
    *j = (struct json){.out = out};
}

static void put(struct json *j, const char *data, size_t n)
{
    if (!j->failed && buf_append(j->out, data, n) < 0)
        j->failed = true;
}

static void put_value(struct json *j, const char *data, size_t n)
{
    if (j->comma)
        put(j, ",", 1);
    put(j, data, n);
    j->comma = true;
}

static void open_with(struct json *j, const char *bracket)
{
    put_value(j, bracket, 1);
    j->comma = false;
}

static void close_with(struct json *j, const char *bracket)
{
    put(j, bracket, 1);
    j->comma = true;
}

void json_object_begin(struct json *j)
{
    open_with(j, "{");
}

void json_object_end(struct json *j)
{
    close_with(j, "}");
}

void json_array_begin(struct json *j)
{
    open_with(j, "[");
}

void json_array_end(struct json *j)
{
    close_with(j, "]");
}

void json_key(struct json *j, const char *name)
{
    put_value(j, "\"", 1);
    put(j, name, strlen(name));
    put(j, "\":", 2);
    j->comma = false;
}

void json_null(struct json *j)
{
    put_value(j, "null", 4);
}

void json_bool(struct json *j, bool v)
{
    put_value(j, v ? "true" : "false", v ? 4 : 5);
}

void json_int(struct json *j, int64_t v)
{
    put_value(j, "", 0);
    if (!j->failed && buf_put_int(j->out, v) < 0)
        j->failed = true;
}

void json_milli(struct json *j, int64_t v)
{
    int64_t rest = v % 1000;
    char digits[] = {'.', '0', '0', '0'};
    size_t n = sizeof digits;

    if (v < 0 && v > -1000)
        put_value(j, "-0", 2);
    else
        json_int(j, v / 1000);
    rest = rest < 0 ? -rest : rest;
    digits[1] = (char)('0' + rest / 100);
    digits[2] = (char)('0' + rest / 10 % 10);
    digits[3] = (char)('0' + rest % 10);
    while (n > 1 && digits[n - 1] == '0')
        n--;
    if (n > 1)
        put(j, digits, n);
}

/* True for what a string cannot hold as it is, or should not. */
static bool is_special(unsigned char c)
{
    return c < 0x20 || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' ||
           c == '&';
}

static void put_escape(struct json *j, unsigned rune)
{
    static const char hex[] = "0123456789abcdef";
    static const char shorts[][2] = {
        {'"', '"'}, {'\\', '\\'}, {'\n', 'n'}, {'\t', 't'}, {'\r', 'r'}};
    for (size_t i = 0; i < array_len(shorts); i++)
        if (rune == (unsigned char)shorts[i][0]) {
            put(j, "\\", 1);
            put(j, &shorts[i][1], 1);
            return;
        }
    put(j, "\\u", 2);
    for (int shift = 12; shift >= 0; shift -= 4)
        put(j, &hex[(rune >> shift) & 15], 1);
}

/* One character that is special. Returns its length. */
static size_t put_special(struct json *j, const char *p, size_t n)
{
    uint32_t rune;
    size_t length = utf8_decode(p, n, &rune);
    if (length == 0) {
        put(j, "\xef\xbf\xbd", 3);
        return utf8_step(p, n);
    }
    if (rune < 0x80 || rune == 0x2028 || rune == 0x2029)
        put_escape(j, rune);
    else
        put(j, p, length);
    return length;
}

void json_text(struct json *j, const char *text, size_t n)
{
    put_value(j, "\"", 1);
    for (size_t i = 0; i < n;) {
        size_t run = i;
        while (run < n && !is_special((unsigned char)text[run]))
            run++;
        put(j, text + i, run - i);
        i = run;
        if (i < n)
            i += put_special(j, text + i, n - i);
    }
    put(j, "\"", 1);
}

void json_str(struct json *j, const char *text)
{
    if (text)
        json_text(j, text, strlen(text));
    else
        json_null(j);
}

void json_put_int(struct json *j, const char *name, int64_t v)
{
    json_key(j, name);
    json_int(j, v);
}

void json_put_bool(struct json *j, const char *name, bool v)
{
    json_key(j, name);
    json_bool(j, v);
}

void json_put_str(struct json *j, const char *name, const char *text)
{
    json_key(j, name);
    json_str(j, text);
}
