/* Formatting: see ctl_format.h. */
#include "applets/supervisorctl/ctl_format.h"

#include "core/base/utf8.h"
#include "core/rules/namespec.h"
#include "core/wire/faults.h"
#include <string.h>

/* Columns a text takes: one per character, as Python counts; a stray byte is one. */
static size_t text_columns(const char *text, size_t n)
{
    size_t columns = 0;
    while (n > 0) {
        uint32_t rune;
        size_t used = (unsigned char)*text < 0x80 ? 1 : utf8_decode(text, n, &rune);
        if (used == 0)
            used = 1;
        text += used;
        n -= used;
        columns++;
    }
    return columns;
}

static int put_padded(struct buf *out, const char *text, size_t n, size_t width)
{
    static const char blanks[] = "                                ";
    if (buf_append(out, text, n) < 0)
        return -1;
    size_t columns = text_columns(text, n);
    for (size_t left = columns < width ? width - columns : 0; left > 0;) {
        size_t piece = left < sizeof blanks - 1 ? left : sizeof blanks - 1;
        if (buf_append(out, blanks, piece) < 0)
            return -1;
        left -= piece;
    }
    return 0;
}

static int put_namespec(struct buf *out, const struct rpc_value *info)
{
    return namespec_format(out, rpc_get_str(info, "group", ""),
                           rpc_get_str(info, "name", ""));
}

int ctl_format_statuses(struct buf *out, const struct rpc_value *const *infos,
                        size_t count)
{
    struct buf name;
    size_t width = 30;
    int rc = -1;
    buf_init(&name, BUF_NO_LIMIT);
    for (size_t i = 0; i < count; i++) {
        buf_truncate(&name, 0);
        if (put_namespec(&name, infos[i]) < 0)
            goto out;
        size_t columns = text_columns(buf_data(&name), name.len);
        if (columns > width)
            width = columns;
    }
    for (size_t i = 0; i < count; i++) {
        const char *state = rpc_get_str(infos[i], "statename", "");
        buf_truncate(&name, 0);
        if (put_namespec(&name, infos[i]) < 0 ||
            put_padded(out, buf_data(&name), name.len, width + 3) < 0 ||
            put_padded(out, state, strlen(state), 10) < 0 ||
            buf_puts(out, rpc_get_str(infos[i], "description", "")) < 0 ||
            buf_putc(out, '\n') < 0)
            goto out;
    }
    rc = 0;
out:
    buf_free(&name);
    return rc;
}

/* A number or a boolean: clients of both kinds are about. */
static bool is_true(const struct rpc_value *st, const char *name)
{
    const struct rpc_value *v = rpc_get(st, name);
    return v && ((v->type == RPC_BOOL && v->boolean) ||
                 (v->type == RPC_INT && v->number != 0));
}

int ctl_format_config(struct buf *out, const struct rpc_value *info)
{
    const char *use = is_true(info, "inuse") ? "in use" : "avail";
    const char *start = is_true(info, "autostart") ? "auto" : "manual";
    struct buf name;
    buf_init(&name, BUF_NO_LIMIT);
    int rc = -1;
    if (put_namespec(&name, info) == 0 &&
        put_padded(out, buf_data(&name), name.len, 32) == 0)
        rc = buf_printf(out, " %-9s %-9s %lld:%lld\n", use, start,
                        (long long)rpc_get_int(info, "group_prio", 0),
                        (long long)rpc_get_int(info, "process_prio", 0));
    buf_free(&name);
    return rc;
}

/* One row per fault a verb may meet. */
static const struct {
    enum ctl_verb verb;
    int code;
    const char *text; /* NULL: the fault's own text, alone */
} outcomes[] = {
    {VERB_START, FAULT_BAD_NAME, "no such process"},
    {VERB_START, FAULT_NO_FILE, "no such file"},
    {VERB_START, FAULT_NOT_EXECUTABLE, "file is not executable"},
    {VERB_START, FAULT_ALREADY_STARTED, "already started"},
    {VERB_START, FAULT_SPAWN_ERROR, "spawn error"},
    {VERB_START, FAULT_ABNORMAL_TERMINATION, "abnormal termination"},
    {VERB_STOP, FAULT_BAD_NAME, "no such process"},
    {VERB_STOP, FAULT_BAD_SIGNAL, "bad signal name"},
    {VERB_STOP, FAULT_NOT_RUNNING, "not running"},
    {VERB_STOP, FAULT_FAILED, NULL},
    {VERB_SIGNAL, FAULT_BAD_NAME, "no such process"},
    {VERB_SIGNAL, FAULT_BAD_SIGNAL, "bad signal name"},
    {VERB_SIGNAL, FAULT_NOT_RUNNING, "not running"},
    {VERB_SIGNAL, FAULT_FAILED, NULL},
    {VERB_CLEAR, FAULT_BAD_NAME, "no such process"},
    {VERB_CLEAR, FAULT_FAILED, "failed"},
};

static const char *const done_words[] = {
    [VERB_START] = "started",
    [VERB_STOP] = "stopped",
    [VERB_SIGNAL] = "signalled",
    [VERB_CLEAR] = "cleared",
};

int ctl_format_outcome(struct buf *out, enum ctl_verb verb, const char *group,
                       const char *process, int code, const char *description)
{
    /* Upstream has no name for the processes of "group:*" and prints its null. */
    if (!process)
        process = "None";
    if (code == FAULT_SUCCESS) {
        if (namespec_format(out, group, process) < 0)
            return -1;
        return buf_printf(out, ": %s\n", done_words[verb]);
    }
    for (size_t i = 0; i < array_len(outcomes); i++) {
        if (outcomes[i].verb != verb || outcomes[i].code != code)
            continue;
        if (!outcomes[i].text)
            return buf_printf(out, "%s\n", description);
        if (namespec_format(out, group, process) < 0)
            return -1;
        return buf_printf(out, ": ERROR (%s)\n", outcomes[i].text);
    }
    return 1;
}

/* Width of the column that begins with word `first`, of `rows` words. */
static size_t column_width(const struct strv *words, size_t first, size_t rows)
{
    size_t width = 0;
    for (size_t i = first; i < first + rows && i < words->len; i++) {
        size_t columns = text_columns(words->items[i], strlen(words->items[i]));
        if (columns > width)
            width = columns;
    }
    return width;
}

static bool rows_fit(const struct strv *words, size_t rows, size_t width)
{
    size_t total = 0;
    for (size_t first = 0; first < words->len; first += rows)
        total += column_width(words, first, rows) + (first > 0 ? 2 : 0);
    return total <= width;
}

int ctl_format_columns(struct buf *out, const struct strv *words, size_t width)
{
    size_t rows = 1;
    while (rows < words->len && !rows_fit(words, rows, width))
        rows++;
    for (size_t row = 0; row < rows && row < words->len; row++) {
        for (size_t i = row; i < words->len; i += rows) {
            const char *word = words->items[i];
            /* the last column is padded too, but not a single one */
            size_t pad = rows < words->len ? column_width(words, i - row, rows) : 0;
            if ((i > row && buf_puts(out, "  ") < 0) ||
                put_padded(out, word, strlen(word), pad) < 0)
                return -1;
        }
        if (buf_putc(out, '\n') < 0)
            return -1;
    }
    return 0;
}

int ctl_format_quoted(struct buf *out, const char *text)
{
    char quote = strchr(text, '\'') && !strchr(text, '"') ? '"' : '\'';
    if (buf_putc(out, quote) < 0)
        return -1;
    for (const char *p = text; *p; p++) {
        unsigned char ch = (unsigned char)*p;
        int rc;
        if (ch == '\n')
            rc = buf_puts(out, "\\n");
        else if (ch == '\t')
            rc = buf_puts(out, "\\t");
        else if (ch == '\r')
            rc = buf_puts(out, "\\r");
        else if (ch < 0x20 || ch == 0x7f)
            rc = buf_printf(out, "\\x%02x", ch);
        else if (*p == quote || ch == '\\')
            rc = buf_printf(out, "\\%c", *p);
        else
            rc = buf_putc(out, *p);
        if (rc < 0)
            return -1;
    }
    return buf_putc(out, quote);
}
