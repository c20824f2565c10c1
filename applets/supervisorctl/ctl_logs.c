/* tail, maintail, clear: the logs of processes and of supervisord. */
#include "applets/supervisorctl/ctl_table.h"

#include "applets/supervisorctl/ctl_control.h"
#include "applets/supervisorctl/ctl_follow.h"
#include "core/base/alloc.h"
#include "core/base/num.h"
#include "core/wire/faults.h"
#include <stdlib.h>
#include <string.h>

#define DEFAULT_BYTES 1600

/* What "-f", "-100" or nothing ask for. */
struct amount {
    bool follow;
    int64_t bytes;
};

/* text is "-f" or "-<number>". False, with the complaint printed, if it is neither. */
static bool parse_amount(struct ctl *c, const char *text, struct amount *amount)
{
    amount->follow = str_eq(text, "-f");
    if (amount->follow ||
        (text[0] == '-' &&
         parse_int(text + 1, INT64_MIN / 2, INT64_MAX / 2, &amount->bytes) == 0))
        return true;
    ctl_fail(c, CTL_GENERIC, "Error: bad argument %s", text);
    return false;
}

/* How the faults of reading a log are told; one row each. */
static const struct {
    int code;
    const char *text;
} read_faults[] = {
    {FAULT_NO_FILE, "no log file"},
    {FAULT_FAILED, "unknown error reading log"},
    {FAULT_BAD_NAME, "no such process name"},
};

/* Prints the last bytes that method reads. name NULL: supervisord's own log. */
static enum ctl_end print_last(struct ctl *c, const char *method, const char *name,
                               int64_t bytes)
{
    if (bytes > (int64_t)INT32_MAX + 1 || bytes < -(int64_t)INT32_MAX)
        return ctl_raise(c, "int exceeds XML-RPC limits");
    struct rpc_value *params = rpc_array();
    if (name)
        rpc_push(params, rpc_str(name));
    rpc_push(params, rpc_int(-bytes));
    rpc_push(params, rpc_int(0));
    struct rpc_reply r;
    enum rpc_result result = ctl_call(c, method, params, &r);
    if (result == RPC_OK &&
        (r.value->type == RPC_STRING || r.value->type == RPC_BASE64)) {
        ctl_print_bytes(c, r.value->text, r.value->len);
        ctl_print_bytes(c, "\n", 1);
        rpc_reply_free(&r);
        return CTL_DONE;
    }
    for (size_t i = 0; result == RPC_FAULT && i < array_len(read_faults); i++) {
        if (read_faults[i].code != r.fault_code ||
            (!name && r.fault_code == FAULT_BAD_NAME))
            continue;
        ctl_fail(c, CTL_GENERIC, "%s: ERROR (%s)", name ? name : "supervisord",
                 read_faults[i].text);
        rpc_reply_free(&r);
        return CTL_DONE;
    }
    return ctl_raise_reply(c, &r);
}

/* Streams a log until Ctrl-C or until the server ends it. Failures go to stderr and leave
 * the exit status alone, as upstream has it. */
static enum ctl_end follow(struct ctl *c, const char *path)
{
    ctl_print(c, "==> Press Ctrl-C to exit <==");
    ctl_flush(c);
    bool caught = ctl_sigint_catch(c);
    if (ctl_follow(c, path) == FOLLOW_INTERRUPTED)
        ctl_print(c, "%s", "");
    if (caught)
        ctl_sigint_release(c);
    return CTL_DONE;
}

static enum ctl_end too_few_or_many(struct ctl *c, const struct ctl_line *line,
                                    const char *what)
{
    ctl_fail(c, CTL_GENERIC, "Error: too %s arguments", what);
    ctl_table_print_usage(c, line->command);
    return CTL_DONE;
}

static enum ctl_end bad_channel(struct ctl *c, const char *channel)
{
    struct buf quoted;
    buf_init(&quoted, BUF_NO_LIMIT);
    if (ctl_format_quoted(&quoted, channel) == 0)
        ctl_fail(c, CTL_GENERIC, "Error: bad channel %s", buf_str(&quoted));
    buf_free(&quoted);
    return CTL_DONE;
}

/* [-f | -number] name [stdout | stderr] */
enum ctl_end ctl_do_tail(struct ctl *c, const struct ctl_line *line)
{
    const struct strv *words = &line->words;
    if (words->len < 1)
        return too_few_or_many(c, line, "few");
    if (words->len > 3)
        return too_few_or_many(c, line, "many");
    size_t first = words->items[0][0] == '-' ? 1 : 0;
    if (first == words->len)
        return ctl_fail(c, CTL_GENERIC, "Error: tail requires process name");
    const char *name = words->items[first];
    bool from_stderr = false;
    if (words->len - first > 1) {
        char *channel = words->items[words->len - 1];
        for (char *p = channel; *p; p++)
            *p = char_lower(*p);
        from_stderr = str_eq(channel, "stderr");
        if (!from_stderr && !str_eq(channel, "stdout"))
            return bad_channel(c, channel);
    }
    struct amount amount = {false, DEFAULT_BYTES};
    if (first == 1 && !parse_amount(c, words->items[0], &amount))
        return CTL_DONE;
    if (!amount.follow)
        return print_last(c,
                          from_stderr ? "readProcessStderrLog" : "readProcessStdoutLog",
                          name, amount.bytes);
    char *path = ctl_follow_path(name, from_stderr ? "stderr" : "stdout");
    enum ctl_end end = follow(c, path);
    free(path);
    return end;
}

enum ctl_end ctl_do_maintail(struct ctl *c, const struct ctl_line *line)
{
    struct amount amount = {false, DEFAULT_BYTES};
    if (line->words.len > 1)
        return too_few_or_many(c, line, "many");
    if (line->words.len == 1 && !parse_amount(c, line->words.items[0], &amount))
        return CTL_DONE;
    if (amount.follow)
        return follow(c, "/mainlogtail");
    return print_last(c, "readLog", NULL, amount.bytes);
}

enum ctl_end ctl_do_clear(struct ctl *c, const struct ctl_line *line)
{
    struct rpc_reply r;
    enum ctl_end end = CTL_DONE;
    for (size_t i = 0; i < line->words.len; i++) {
        if (!str_eq(line->words.items[i], "all"))
            continue;
        if (ctl_call(c, "clearAllProcessLogs", NULL, &r) != RPC_OK ||
            r.value->type != RPC_ARRAY)
            return ctl_raise_reply(c, &r);
        end = ctl_print_outcomes(c, VERB_CLEAR, r.value, FAULT_SUCCESS);
        rpc_reply_free(&r);
        return end;
    }
    for (size_t i = 0; i < line->words.len && end == CTL_DONE; i++) {
        const char *name = line->words.items[i];
        ctl_call(c, "clearProcessLogs", ctl_params(name, (char *)NULL), &r);
        end = ctl_print_own_outcome(c, VERB_CLEAR, name, &r, FAULT_SUCCESS);
    }
    return end;
}
