/* State, output, calls and lines of the client: see ctl.h. */
#include "applets/supervisorctl/ctl.h"

#include "applets/supervisorctl/ctl_format.h"
#include "applets/supervisorctl/ctl_input.h"
#include "applets/supervisorctl/ctl_table.h"
#include "core/base/alloc.h"
#include "core/io/fd.h"
#include "core/wire/faults.h"
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* The version that supervisor.getVersion must answer; it never changed since 3.0. */
#define API_VERSION "3.0"

void ctl_init(struct ctl *c)
{
    memset(c, 0, sizeof *c);
    buf_init(&c->out, BUF_NO_LIMIT);
    c->sigint_fd = -1;
}

void ctl_clear(struct ctl *c)
{
    ctl_disconnect(c);
    rpc_free(c->infos);
    buf_free(&c->out);
    free(c->raised);
    free(c->serverurl);
    free(c->username);
    alloc_wipe_text(c->password);
    free(c->password);
}

/* --- output ------------------------------------------------------------------------ */

static NORETURN void die_of_memory(void)
{
    fputs("supervisorctl: out of memory\n", stderr);
    exit(CTL_GENERIC);
}

void ctl_print_bytes(struct ctl *c, const char *data, size_t n)
{
    if (buf_append(&c->out, data, n) < 0)
        die_of_memory();
}

static void print_v(struct ctl *c, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    char *room;
    if (n < 0 || buf_reserve(&c->out, (size_t)n + 1, &room) < 0)
        die_of_memory();
    vsnprintf(room, (size_t)n + 1, fmt, args);
    room[n] = '\n';
    buf_commit(&c->out, (size_t)n + 1);
}

void ctl_print(struct ctl *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    print_v(c, fmt, args);
    va_end(args);
}

void ctl_flush(struct ctl *c)
{
    if (c->out.len == 0)
        return;
    if (fd_write_all(STDOUT_FILENO, buf_data(&c->out), c->out.len) < 0)
        exit(CTL_GENERIC); /* nobody reads on: as a broken pipe ends other tools */
    buf_truncate(&c->out, 0);
}

void ctl_warn(struct ctl *c, const char *fmt, ...)
{
    ctl_flush(c);
    va_list args;
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
}

/* --- raising ----------------------------------------------------------------------- */

enum ctl_end ctl_raise(struct ctl *c, const char *fmt, ...)
{
    char text[2048];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    free(c->raised);
    c->raised = xstrdup(text);
    c->raised_http = c->raised_errno = 0;
    return CTL_RAISED;
}

enum ctl_end ctl_raise_reply(struct ctl *c, struct rpc_reply *r)
{
    struct buf quoted;
    buf_init(&quoted, BUF_NO_LIMIT);
    switch (r->result) {
    case RPC_FAULT:
        if (ctl_format_quoted(&quoted, r->fault_text) < 0)
            die_of_memory();
        ctl_raise(c, "<Fault %d: %s>", r->fault_code, buf_str(&quoted));
        break;
    case RPC_HTTP:
        ctl_raise(c, "<ProtocolError for 127.0.0.1/RPC2: %d %s>", r->http_status,
                  r->http_reason);
        c->raised_http = r->http_status;
        break;
    case RPC_NO_ANSWER:
        if (r->err.code == ERR_SYS && r->err.sys != 0)
            ctl_raise(c, "[Errno %d] %s", r->err.sys, r->err.text);
        else
            ctl_raise(c, "%s", r->err.text);
        c->raised_errno = r->err.sys;
        break;
    case RPC_OK: /* the answer has another shape than the method's */
        ctl_raise(c, "the server's answer is not understood");
        break;
    }
    buf_free(&quoted);
    rpc_reply_free(r);
    return CTL_RAISED;
}

enum ctl_end ctl_fail(struct ctl *c, int status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    print_v(c, fmt, args);
    va_end(args);
    c->exit_status = status;
    return CTL_DONE;
}

/* --- calls ------------------------------------------------------------------------- */

void ctl_sigint_drain(struct ctl *c)
{
    struct signalfd_siginfo info;
    while (c->sigint_fd >= 0 && read(c->sigint_fd, &info, sizeof info) > 0)
        ;
}

/* SIGINT came while a call or a stream waited. */
static bool on_sigint(void *arg)
{
    struct ctl *c = arg;
    ctl_sigint_drain(c);
    c->interrupted = true;
    return false;
}

bool ctl_sigint_catch(struct ctl *c)
{
    sigset_t mask;
    if (c->sigint_fd >= 0)
        return false;
    sigemptyset(&mask);
    sigaddset(&mask, SIGINT);
    c->sigint_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (c->sigint_fd < 0)
        return false;
    sigprocmask(SIG_BLOCK, &mask, NULL);
    if (c->client)
        http_client_also_poll(c->client, c->sigint_fd, on_sigint, c);
    return true;
}

void ctl_sigint_release(struct ctl *c)
{
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGINT);
    ctl_sigint_drain(c);
    if (c->client)
        http_client_also_poll(c->client, -1, NULL, NULL);
    fd_close(&c->sigint_fd);
    sigprocmask(SIG_UNBLOCK, &mask, NULL);
}

struct http_client *ctl_connect(struct ctl *c, struct err *err)
{
    struct http_client_opts opts = {
        .serverurl = c->serverurl,
        .username = c->username,
        .password = c->password,
        .ssl_ca_certs = c->ssl_ca_certs,
        .ssl_certfile = c->ssl_certfile,
        .ssl_keyfile = c->ssl_keyfile,
        .timeout_ms = 0, /* a start or a stop may take as long as it is configured to */
    };
    if (!str_starts(c->serverurl, "http://") && !str_starts(c->serverurl, "https://") &&
        !str_starts(c->serverurl, "unix://")) {
        err_set(err, ERR_USAGE, "Unknown protocol for serverurl %s", c->serverurl);
        return NULL;
    }
    struct http_client *client = http_client_new(&opts, err);
    if (client && c->sigint_fd >= 0)
        http_client_also_poll(client, c->sigint_fd, on_sigint, c);
    return client;
}

void ctl_disconnect(struct ctl *c)
{
    http_client_free(c->client);
    c->client = NULL;
    c->up_checked = false;
}

struct rpc_value *ctl_params(const char *first, ...)
{
    struct rpc_value *params = rpc_array();
    va_list args;
    va_start(args, first);
    for (const char *text = first; text; text = va_arg(args, const char *))
        rpc_push(params, rpc_str(text));
    va_end(args);
    return params;
}

static enum rpc_result call_only(struct ctl *c, const char *method,
                                 struct rpc_value *params, const char *const *only,
                                 struct rpc_reply *reply)
{
    char name[64];
    snprintf(name, sizeof name, "supervisor.%s", method);
    ctl_flush(c); /* what is done so far shows while this waits */
    memset(reply, 0, sizeof *reply);
    if (!c->client)
        c->client = ctl_connect(c, &reply->err);
    if (!c->client) {
        rpc_free(params);
        reply->result = RPC_NO_ANSWER;
        return RPC_NO_ANSWER;
    }
    return rpc_call_only(c->client, name, params, only, reply);
}

enum rpc_result ctl_call(struct ctl *c, const char *method, struct rpc_value *params,
                         struct rpc_reply *reply)
{
    return call_only(c, method, params, NULL, reply);
}

bool ctl_call_infos(struct ctl *c, struct rpc_reply *reply)
{
    static const char *const members[] = {"group",       "name", "statename", "state",
                                          "description", "pid",  NULL};
    return call_only(c, "getAllProcessInfo", NULL, members, reply) == RPC_OK &&
           reply->value->type == RPC_ARRAY;
}

/* Why a server may not be there, by errno: one row each. */
static const struct {
    int number;
    const char *unix_hint, *inet_hint;
} hints[] = {
    {ENOENT,
     "the socket file is missing: supervisord is not running, or is "
     "configured with another socket",
     NULL},
    {ECONNREFUSED,
     "the socket file is stale: nobody listens on it any more; start "
     "supervisord again",
     "nothing listens at that address: is supervisord running, and does it have an "
     "[inet_http_server]?"},
    {EACCES,
     "this user may not use the socket: see chmod= and chown= of "
     "[unix_http_server], or run as a permitted user",
     NULL},
};

void ctl_explain_no_server(struct ctl *c, int error_number)
{
    bool is_unix = str_starts(c->serverurl, "unix://");
    if (!isatty(STDERR_FILENO)) /* programs get upstream's words alone */
        return;
    for (size_t i = 0; i < array_len(hints); i++) {
        const char *hint = is_unix ? hints[i].unix_hint : hints[i].inet_hint;
        if (hints[i].number == error_number && hint)
            ctl_warn(c, "%s (configuration: %s)", hint,
                     c->conf_path ? c->conf_path : "none");
    }
}

bool ctl_up_check(struct ctl *c, enum ctl_end *end)
{
    *end = CTL_DONE;
    if (c->up_checked)
        return true;
    struct rpc_reply r;
    enum rpc_result result = ctl_call(c, "getVersion", NULL, &r);
    if (result == RPC_OK && r.value->type == RPC_STRING) {
        c->up_checked = str_eq(r.value->text, API_VERSION);
        if (!c->up_checked)
            ctl_fail(c, CTL_NOT_INSTALLED,
                     "Sorry, this version of supervisorctl expects to talk to a server "
                     "with API version %s, but the remote version is %s.",
                     API_VERSION, r.value->text);
    } else if (result == RPC_FAULT && r.fault_code == FAULT_UNKNOWN_METHOD) {
        ctl_fail(c, CTL_UNIMPLEMENTED,
                 "Sorry, supervisord responded but did not recognize the supervisor "
                 "namespace commands that supervisorctl uses to control it.  Please "
                 "check that the [rpcinterface:supervisor] section is enabled in the "
                 "configuration file (see sample.conf).");
    } else if (result == RPC_NO_ANSWER && r.err.sys == ECONNREFUSED) {
        ctl_fail(c, CTL_REFUSED, "%s refused connection", c->serverurl);
        ctl_explain_no_server(c, ECONNREFUSED);
    } else if (result == RPC_NO_ANSWER && r.err.sys == ENOENT) {
        ctl_fail(c, CTL_NOT_RUNNING, "%s no such file", c->serverurl);
        ctl_explain_no_server(c, ENOENT);
    } else {
        *end = ctl_raise_reply(c, &r);
        return false;
    }
    rpc_reply_free(&r);
    return c->up_checked;
}

/* --- lines ------------------------------------------------------------------------- */

/* Cuts a line into its command's name, which ends where letters, digits and underscores
 * end, and the rest; "?x" is "help x". False for what cannot be a command.
 * Source: Python's cmd.parseline. */
static bool split_line(const char *line, struct span *name, struct span *rest)
{
    struct span s = span_trim(span_of(line));
    if (s.len == 0 || s.ptr[0] == '!')
        return false;
    if (s.ptr[0] == '?') {
        *name = span_of("help");
        *rest = span_trim((struct span){s.ptr + 1, s.len - 1});
        return true;
    }
    size_t n = 0;
    while (n < s.len && ((char_lower(s.ptr[n]) >= 'a' && char_lower(s.ptr[n]) <= 'z') ||
                         (s.ptr[n] >= '0' && s.ptr[n] <= '9') || s.ptr[n] == '_'))
        n++;
    *name = (struct span){s.ptr, n};
    *rest = span_trim((struct span){s.ptr + n, s.len - n});
    return n > 0;
}

static void split_words(const char *text, struct strv *words)
{
    while (*text) {
        while (char_is_space(*text))
            text++;
        size_t n = 0;
        while (text[n] && !char_is_space(text[n]))
            n++;
        if (n > 0)
            strv_take(words, xstrndup(text, n));
        text += n;
    }
}

static enum ctl_end run_command(struct ctl *c, const struct ctl_line *line)
{
    const struct ctl_command *command = line->command;
    enum ctl_end end = CTL_DONE;
    if (command->no_words && line->words.len > 0) {
        ctl_fail(c, CTL_GENERIC, "Error: %s accepts no arguments", command->name);
        ctl_table_print_usage(c, command);
        return CTL_DONE;
    }
    if (command->up_check && !ctl_up_check(c, &end))
        return end;
    if (command->missing_name != 0 && line->words.len == 0) {
        ctl_fail(c, command->missing_name, "Error: %s requires a process name",
                 command->name);
        ctl_table_print_usage(c, command);
        return CTL_DONE;
    }
    return command->run(c, line);
}

/* What a command raised: asks for credentials and answers true if the line is to run
 * again, or prints it. */
static bool settle_raised(struct ctl *c)
{
    if (c->interrupted) {
        ctl_disconnect(c); /* its answer would come into the next call */
        ctl_print(c, "%s", "");
        return false;
    }
    c->exit_status = CTL_GENERIC;
    if (c->raised_http != 401) {
        ctl_print(c, "error: %s", c->raised);
        ctl_explain_no_server(c, c->raised_errno);
        return false;
    }
    ctl_print(c, "Server requires authentication");
    if (!c->interactive)
        return false;
    struct ctl_input *input = ctl_input_get(c);
    free(c->username);
    alloc_wipe_text(c->password);
    free(c->password);
    c->username = ctl_input_line(c, input, "Username:");
    c->password = ctl_input_secret(c, input, "Password:");
    ctl_disconnect(c);
    ctl_print(c, "%s", "");
    return c->username && c->password;
}

enum ctl_end ctl_run(struct ctl *c, const char *text)
{
    struct span name, rest;
    if (span_trim(span_of(text)).len == 0)
        return CTL_DONE;
    struct ctl_line line = {0};
    if (split_line(text, &name, &rest))
        line.command = ctl_table_find(name.ptr, name.len);
    if (!line.command) {
        struct span trimmed = span_trim(span_of(text));
        return ctl_fail(c, CTL_GENERIC, "*** Unknown syntax: %.*s", (int)trimmed.len,
                        trimmed.ptr);
    }
    char *rest_text = span_dup(rest);
    line.rest = rest_text;
    split_words(rest_text, &line.words);
    enum ctl_end end;
    do {
        ctl_sigint_drain(c);
        c->up_checked = false;
        c->interrupted = false;
        end = run_command(c, &line);
    } while (end == CTL_RAISED && settle_raised(c));
    rpc_free(c->infos);
    c->infos = NULL;
    strv_free(&line.words);
    free(rest_text);
    return end == CTL_QUIT ? CTL_QUIT : CTL_DONE;
}
