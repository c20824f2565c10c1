/* TAB: see ctl_complete.h. */
#include "applets/supervisorctl/ctl_complete.h"

#include "applets/supervisorctl/ctl_table.h"
#include "core/base/alloc.h"
#include "core/base/signame.h"
#include "core/rules/namespec.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>

size_t ctl_complete_word(const char *line)
{
    size_t at = strlen(line);
    while (at > 0 && !char_is_space(line[at - 1]))
        at--;
    return at;
}

size_t ctl_complete_common(const struct strv *words)
{
    size_t n = words->len > 0 ? strlen(words->items[0]) : 0;
    for (size_t i = 1; i < words->len; i++) {
        size_t k = 0;
        while (k < n && words->items[i][k] == words->items[0][k])
            k++;
        n = k;
    }
    /* not inside a character */
    while (n > 0 && words->len > 1 && ((unsigned char)words->items[0][n] & 0xc0) == 0x80)
        n--;
    return n;
}

static void offer(struct strv *out, const char *word, const char *begun)
{
    if (str_starts(word, begun))
        strv_push(out, word);
}

static void offer_commands(const char *begun, struct strv *out)
{
    const struct ctl_command *row;
    for (size_t i = 0; (row = ctl_table_row(i)); i++)
        if (!row->no_help)
            offer(out, row->name, begun);
}

static void offer_signals(const char *begun, struct strv *out)
{
    for (int number = 1; number < 32; number++) {
        const char *name = signame_from_number(number);
        if (str_starts(name, "SIG")) {
            offer(out, name, begun);
            offer(out, name + 3, begun);
        }
    }
}

/* Every process's name in the forms upstream offers: group:name and group:* where the
 * group has another name or a colon was typed, else the name alone. */
static void offer_process(const struct rpc_value *info, const char *begun,
                          struct strv *out)
{
    const char *group = rpc_get_str(info, "group", "");
    const char *name = rpc_get_str(info, "name", "");
    if (!strchr(begun, ':') && str_eq(group, name)) {
        offer(out, name, begun);
        return;
    }
    char *full = xasprintf("%s:%s", group, name);
    char *whole = xasprintf("%s:*", group);
    offer(out, full, begun);
    offer(out, whole, begun);
    free(full);
    free(whole);
}

static const struct rpc_value *infos(struct ctl *c)
{
    if (!c->infos) {
        struct rpc_reply r;
        if (ctl_call_infos(c, &r)) {
            c->infos = r.value;
            r.value = NULL;
        } else {
            c->infos = rpc_array(); /* asked, and no answer: not again in this line */
        }
        rpc_reply_free(&r);
    }
    return c->infos;
}

static void sort_out(struct strv *words)
{
    size_t kept = 0;
    strv_sort(words);
    for (size_t i = 0; i < words->len; i++) {
        if (kept > 0 && str_eq(words->items[kept - 1], words->items[i]))
            free(words->items[i]);
        else
            words->items[kept++] = words->items[i];
    }
    words->len = kept;
    if (words->items)
        words->items[kept] = NULL;
}

void ctl_complete(struct ctl *c, const char *line, struct strv *out)
{
    const char *begun = line + ctl_complete_word(line);
    while (char_is_space(*line))
        line++;
    size_t n = 0, count = 0; /* bytes of the command; words before the one begun */
    while (line[n] && !char_is_space(line[n]))
        n++;
    for (const char *p = line; p < begun; p++)
        if (!char_is_space(*p) && char_is_space(p[1]))
            count++;
    if (count == 0) {
        offer_commands(begun, out);
        sort_out(out);
        return;
    }
    const struct ctl_command *command = ctl_table_find(line, n);
    enum ctl_complete kind = command ? command->complete : COMPLETE_NOTHING;
    if (kind == COMPLETE_SIGNAL_THEN_PROCESSES && count == 1)
        offer_signals(begun, out);
    else if (kind == COMPLETE_COMMANDS)
        offer_commands(begun, out);
    else if (kind == COMPLETE_GROUPS)
        for (size_t i = 0; i < infos(c)->count; i++)
            offer(out, rpc_get_str(infos(c)->items[i], "group", ""), begun);
    else if (kind != COMPLETE_NOTHING)
        for (size_t i = 0; i < infos(c)->count; i++)
            offer_process(infos(c)->items[i], begun, out);
    sort_out(out);
}
