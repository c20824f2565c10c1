/* A line being typed: see ctl_edit.h. */
#include "applets/supervisorctl/ctl_edit.h"

#include "core/base/alloc.h"
#include <stdlib.h>
#include <string.h>

#define CTRL(letter) ((char)((letter)&0x1f))
#define ESC          '\033'
#define BACKSPACE    '\177'

void edit_init(struct edit *e, const struct history *history)
{
    memset(e, 0, sizeof *e);
    e->history = history;
    buf_init(&e->text, EDIT_LINE_MAX);
    buf_init(&e->killed, EDIT_LINE_MAX);
    buf_init(&e->escape, 32);
    buf_init(&e->part, EDIT_LINE_MAX);
    edit_reset(e);
}

void edit_free(struct edit *e)
{
    buf_free(&e->text);
    buf_free(&e->killed);
    buf_free(&e->escape);
    buf_free(&e->part);
    free(e->draft);
}

void edit_reset(struct edit *e)
{
    buf_truncate(&e->text, 0);
    buf_truncate(&e->escape, 0);
    buf_truncate(&e->part, 0);
    e->cursor = 0;
    e->place = e->history->lines.len;
    e->searching = false;
    e->found = -1;
    free(e->draft);
    e->draft = NULL;
}

/* --- the text ---------------------------------------------------------------------- */

static bool continues(const struct edit *e, size_t at) /* a later byte of UTF-8 */
{
    return at < e->text.len && ((unsigned char)buf_data(&e->text)[at] & 0xc0) == 0x80;
}

static size_t before(const struct edit *e, size_t at)
{
    if (at > 0)
        at--;
    while (at > 0 && continues(e, at))
        at--;
    return at;
}

static size_t after(const struct edit *e, size_t at)
{
    if (at < e->text.len)
        at++;
    while (continues(e, at))
        at++;
    return at;
}

static bool is_blank(const struct edit *e, size_t at)
{
    return char_is_space(buf_data(&e->text)[at]);
}

static size_t word_before(const struct edit *e, size_t at)
{
    while (at > 0 && is_blank(e, at - 1))
        at--;
    while (at > 0 && !is_blank(e, at - 1))
        at--;
    return at;
}

static size_t word_after(const struct edit *e, size_t at)
{
    while (at < e->text.len && is_blank(e, at))
        at++;
    while (at < e->text.len && !is_blank(e, at))
        at++;
    return at;
}

void edit_insert(struct edit *e, const char *text, size_t n)
{
    char *room;
    if (buf_reserve(&e->text, n, &room) < 0)
        return;
    buf_commit(&e->text, n);
    char *at = buf_data(&e->text) + e->cursor;
    memmove(at + n, at, e->text.len - n - e->cursor);
    memcpy(at, text, n);
    e->cursor += n;
}

static void set_text(struct edit *e, const char *text)
{
    buf_truncate(&e->text, 0);
    e->cursor = 0;
    edit_insert(e, text, strlen(text));
}

/* Takes out from..to; keep puts it where Ctrl-Y finds it. */
static void cut(struct edit *e, size_t from, size_t to, bool keep)
{
    char *data = buf_data(&e->text);
    if (from >= to)
        return;
    if (keep) {
        buf_truncate(&e->killed, 0);
        (void)buf_append(&e->killed, data + from, to - from); /* fits: same maximum */
    }
    memmove(data + from, data + to, e->text.len - to);
    buf_truncate(&e->text, e->text.len - (to - from));
    e->cursor = from;
}

/* Exchanges the character before the cursor with the one at it (at the end: the two
 * before it) and moves on. */
static void transpose(struct edit *e)
{
    size_t middle = e->cursor == e->text.len ? before(e, e->cursor) : e->cursor;
    size_t from = before(e, middle), to = after(e, middle);
    if (from == middle || middle == to)
        return;
    char *data = buf_data(&e->text);
    char left[8];
    size_t left_bytes = middle - from;
    if (left_bytes > sizeof left)
        return;
    memcpy(left, data + from, left_bytes);
    memmove(data + from, data + middle, to - middle);
    memcpy(data + from + (to - middle), left, left_bytes);
    e->cursor = to;
}

static void show_history(struct edit *e, size_t place)
{
    if (place == e->place)
        return;
    if (e->place == e->history->lines.len) {
        free(e->draft);
        e->draft = xstrdup(buf_str(&e->text));
    }
    e->place = place;
    set_text(e,
             place < e->history->lines.len ? e->history->lines.items[place] : e->draft);
}

/* --- keys -------------------------------------------------------------------------- */

enum action {
    TO_START,
    TO_END,
    LEFT,
    RIGHT,
    WORD_LEFT,
    WORD_RIGHT,
    OLDER,
    NEWER,
    OLDEST,
    NEWEST,
    CUT_LEFT,
    CUT_RIGHT,
    CUT_TO_START,
    CUT_TO_END,
    CUT_WORD_LEFT,
    CUT_WORD_RIGHT,
    YANK,
    TRANSPOSE
};

static void act(struct edit *e, enum action action)
{
    size_t end = e->text.len, at = e->cursor;
    switch (action) {
    case TO_START:
        e->cursor = 0;
        break;
    case TO_END:
        e->cursor = end;
        break;
    case LEFT:
        e->cursor = before(e, at);
        break;
    case RIGHT:
        e->cursor = after(e, at);
        break;
    case WORD_LEFT:
        e->cursor = word_before(e, at);
        break;
    case WORD_RIGHT:
        e->cursor = word_after(e, at);
        break;
    case OLDER:
        show_history(e, e->place > 0 ? e->place - 1 : 0);
        break;
    case NEWER:
        if (e->place < e->history->lines.len)
            show_history(e, e->place + 1);
        break;
    case OLDEST:
        show_history(e, 0);
        break;
    case NEWEST:
        show_history(e, e->history->lines.len);
        break;
    case CUT_LEFT:
        cut(e, before(e, at), at, false);
        break;
    case CUT_RIGHT:
        cut(e, at, after(e, at), false);
        break;
    case CUT_TO_START:
        cut(e, 0, at, true);
        break;
    case CUT_TO_END:
        cut(e, at, end, true);
        break;
    case CUT_WORD_LEFT:
        cut(e, word_before(e, at), at, true);
        break;
    case CUT_WORD_RIGHT:
        cut(e, at, word_after(e, at), true);
        break;
    case YANK:
        edit_insert(e, buf_data(&e->killed), e->killed.len);
        break;
    case TRANSPOSE:
        transpose(e);
        break;
    }
}

static const struct {
    char key;
    enum action action;
} control_keys[] = {
    {CTRL('A'), TO_START},     {CTRL('E'), TO_END},     {CTRL('B'), LEFT},
    {CTRL('F'), RIGHT},        {CTRL('P'), OLDER},      {CTRL('N'), NEWER},
    {CTRL('H'), CUT_LEFT},     {BACKSPACE, CUT_LEFT},   {CTRL('D'), CUT_RIGHT},
    {CTRL('U'), CUT_TO_START}, {CTRL('K'), CUT_TO_END}, {CTRL('W'), CUT_WORD_LEFT},
    {CTRL('Y'), YANK},         {CTRL('T'), TRANSPOSE},
};

static const struct { /* after ESC */
    const char *keys;
    enum action action;
} escape_keys[] = {
    {"[A", OLDER},        {"[B", NEWER},         {"[C", RIGHT},
    {"[D", LEFT},         {"OA", OLDER},         {"OB", NEWER},
    {"OC", RIGHT},        {"OD", LEFT},          {"[H", TO_START},
    {"[F", TO_END},       {"OH", TO_START},      {"OF", TO_END},
    {"[1~", TO_START},    {"[4~", TO_END},       {"[7~", TO_START},
    {"[8~", TO_END},      {"[3~", CUT_RIGHT},    {"[1;5C", WORD_RIGHT},
    {"[1;5D", WORD_LEFT}, {"[1;3C", WORD_RIGHT}, {"[1;3D", WORD_LEFT},
    {"[5~", OLDEST},      {"[6~", NEWEST},       {"f", WORD_RIGHT},
    {"b", WORD_LEFT},     {"d", CUT_WORD_RIGHT}, {"\177", CUT_WORD_LEFT},
    {"<", OLDEST},        {">", NEWEST},
};

static const struct { /* keys the caller deals with */
    char key;
    enum edit_event event;
} event_keys[] = {
    {'\r', EDIT_LINE},     {'\n', EDIT_LINE},        {CTRL('C'), EDIT_CANCEL},
    {'\t', EDIT_COMPLETE}, {CTRL('L'), EDIT_REDRAW}, {CTRL('Z'), EDIT_SUSPEND},
};

/* One more byte of an escape sequence: ESC, then either one byte, or '[' or 'O' with
 * parameters up to a letter or '~'. */
static void feed_escape(struct edit *e, char key)
{
    bool first = e->escape.len == 1;
    (void)buf_putc(&e->escape, key); /* what is longer than any key matches none */
    if (first && (key == '[' || key == 'O'))
        return;
    if (!first && ((key >= '0' && key <= '9') || key == ';'))
        return;
    for (size_t i = 0; i < array_len(escape_keys); i++)
        if (str_eq(escape_keys[i].keys, buf_str(&e->escape) + 1))
            act(e, escape_keys[i].action);
    buf_truncate(&e->escape, 0);
}

static void search_on(struct edit *e, size_t from)
{
    int found = history_search(e->history, from, buf_str(&e->part));
    if (found < 0)
        return;
    e->found = found;
    set_text(e, e->history->lines.items[found]);
}

/* A key while Ctrl-R searches. True if it was one of the search. */
static bool feed_search(struct edit *e, char key)
{
    size_t end = e->history->lines.len;
    if (key == CTRL('R')) {
        search_on(e, e->found >= 0 ? (size_t)e->found : end);
    } else if (key == BACKSPACE || key == CTRL('H')) {
        buf_truncate(&e->part, e->part.len > 0 ? e->part.len - 1 : 0);
        search_on(e, end);
    } else if (key == CTRL('G')) {
        e->searching = false;
        set_text(e, e->draft ? e->draft : "");
    } else if ((unsigned char)key >= ' ' && key != BACKSPACE) {
        if (buf_putc(&e->part, key) == 0)
            search_on(e, e->found >= 0 ? (size_t)e->found + 1 : end);
    } else {
        e->searching = false; /* the key then acts on the line that was found */
        if (e->found >= 0)
            e->place = (size_t)e->found;
        return false;
    }
    return true;
}

static void begin_search(struct edit *e)
{
    free(e->draft);
    e->draft = xstrdup(buf_str(&e->text));
    e->searching = true;
    e->found = -1;
    buf_truncate(&e->part, 0);
}

enum edit_event edit_feed(struct edit *e, char key)
{
    if (e->searching && feed_search(e, key))
        return EDIT_MORE;
    if (e->escape.len > 0) {
        feed_escape(e, key);
        return EDIT_MORE;
    }
    if (key == ESC) {
        (void)buf_putc(&e->escape, key); /* an empty buffer takes one byte */
        return EDIT_MORE;
    }
    if (key == CTRL('D') && e->text.len == 0)
        return EDIT_EOF;
    if (key == CTRL('R')) {
        begin_search(e);
        return EDIT_MORE;
    }
    for (size_t i = 0; i < array_len(event_keys); i++)
        if (event_keys[i].key == key)
            return event_keys[i].event;
    for (size_t i = 0; i < array_len(control_keys); i++)
        if (control_keys[i].key == key) {
            act(e, control_keys[i].action);
            return EDIT_MORE;
        }
    if ((unsigned char)key >= ' ')
        edit_insert(e, &key, 1);
    return EDIT_MORE;
}

/* --- drawing ----------------------------------------------------------------------- */

static size_t columns_between(const struct edit *e, size_t from, size_t to)
{
    size_t columns = 0;
    while (from < to) {
        from = after(e, from);
        columns++;
    }
    return columns;
}

static size_t columns_of(const char *text)
{
    size_t columns = 0;
    for (; *text; text++)
        if (((unsigned char)*text & 0xc0) != 0x80)
            columns++;
    return columns;
}

int edit_draw(const struct edit *e, const char *prompt, size_t columns, struct buf *out)
{
    struct buf label;
    buf_init(&label, BUF_NO_LIMIT);
    int rc = e->searching
                 ? buf_printf(&label, "(reverse-i-search)'%s': ", buf_str(&e->part))
                 : buf_puts(&label, prompt);
    size_t label_columns = columns_of(buf_str(&label));
    /* the last column stays free: writing there would wrap */
    size_t room = columns > label_columns + 10 ? columns - label_columns - 1 : 10;
    size_t from = 0;
    while (columns_between(e, from, e->cursor) > room)
        from = after(e, from);
    size_t to = from;
    for (size_t used = 0; used < room && to < e->text.len; used++)
        to = after(e, to);
    if (rc == 0)
        rc = buf_putc(out, '\r');
    if (rc == 0)
        rc = buf_append(out, buf_data(&label), label.len);
    if (rc == 0)
        rc = buf_append(out, buf_data(&e->text) + from, to - from);
    size_t at = label_columns + columns_between(e, from, e->cursor);
    if (rc == 0)
        rc = buf_puts(out, "\033[K\r");
    if (rc == 0 && at > 0) /* 0 would move by one */
        rc = buf_printf(out, "\033[%zuC", at);
    buf_free(&label);
    return rc;
}
