/* supervisorctl: arguments and configuration, then one command or the shell.
 * Source: Supervisor manual, "Running supervisorctl"; upstream options.py, ClientOptions.
 */
#include "applets/applet.h"
#include "applets/supervisorctl/ctl.h"
#include "applets/supervisorctl/ctl_format.h"
#include "applets/supervisorctl/ctl_input.h"
#include "applets/supervisorctl/ctl_shell.h"
#include "config/args.h"
#include "config/conf_load.h"
#include "config/help.h"
#include "core/base/alloc.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_SERVERURL "http://localhost:9001"
#define DEFAULT_PROMPT    "supervisor"

struct options {
    bool help, interactive;
    const char *configuration, *serverurl, *username, *password, *history_file;
};

#define O(member) offsetof(struct options, member)
// clang-format off
static const struct arg args[] = {
    { 'c', "configuration", ARG_TEXT, O(configuration) },
    { 'h', "help", ARG_FLAG, O(help) },
    { '?', NULL, ARG_FLAG, O(help) },
    { 'i', "interactive", ARG_FLAG, O(interactive) },
    { 's', "serverurl", ARG_TEXT, O(serverurl) },
    { 'u', "username", ARG_TEXT, O(username) },
    { 'p', "password", ARG_TEXT, O(password) },
    { 'r', "history_file", ARG_TEXT, O(history_file) },
};
// clang-format on

static int usage_error(const char *program, const char *text)
{
    fprintf(stderr, "Error: %s\nFor help, use %s -h\n", text, program);
    return CTL_INVALID_ARGS;
}

/* What upstream's datatypes.url accepts: "scheme:" and something after it. */
static bool is_url(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                            "0123456789+-.");
    return n > 0 && text[n] == ':' && text[n + 1] != '\0' && !str_eq(text + n, "://");
}

static int bad_url(const char *program, const char *url)
{
    struct buf quoted;
    buf_init(&quoted, BUF_NO_LIMIT);
    if (ctl_format_quoted(&quoted, url) < 0)
        buf_truncate(&quoted, 0);
    char *text = xasprintf("invalid value for -s %s: value %s is not a URL",
                           buf_str(&quoted), buf_str(&quoted));
    int status = usage_error(program, text);
    free(text);
    buf_free(&quoted);
    return status;
}

/* The command line over the configuration over the defaults. */
static void set_up(struct ctl *c, const struct options *o, const struct conf *conf)
{
    const char *url = o->serverurl ? o->serverurl : conf->ctl.serverurl;
    c->serverurl = xstrdup(url ? url : DEFAULT_SERVERURL);
    c->username = xstrdup(o->username ? o->username : conf->ctl.username);
    c->password = xstrdup(o->password ? o->password : conf->ctl.password);
    c->ssl_ca_certs = conf->ctl.ssl_ca_certs;
    c->ssl_certfile = conf->ctl.ssl_certfile;
    c->ssl_keyfile = conf->ctl.ssl_keyfile;
    c->conf_path = conf->path;
}

/* One action from the command line, or the shell. Returns the exit status. */
static int run(struct ctl *c, const struct options *o, const struct conf *conf,
               char *const *words)
{
    c->interactive = o->interactive || !words[0];
    if (!words[0]) {
        ctl_shell(c, conf->ctl.prompt ? conf->ctl.prompt : DEFAULT_PROMPT,
                  o->history_file ? o->history_file : conf->ctl.history_file);
        return CTL_SUCCESS; /* whatever happened inside */
    }
    struct buf line;
    buf_init(&line, BUF_NO_LIMIT);
    for (size_t i = 0; words[i]; i++)
        if ((i > 0 && buf_putc(&line, ' ') < 0) || buf_puts(&line, words[i]) < 0)
            return CTL_GENERIC;
    ctl_run(c, buf_str(&line));
    ctl_flush(c);
    buf_free(&line);
    return c->exit_status;
}

/* The configuration, or NULL with the error printed. */
static struct conf *load(const char *program, const char *named)
{
    struct err err = {0};
    char *found = named ? xstrdup(named) : conf_find(program, &err);
    struct conf *conf = conf_load_ctl(found, &err); /* none found: the defaults */
    if (!conf)
        usage_error(program, err.text);
    free(found);
    return conf;
}

int supervisorctl_main(int argc, char **argv)
{
    struct options options = {0};
    struct err err = {0};
    int rest;
    if (args_parse(args, array_len(args), argc, argv, &options, &rest, &err) < 0)
        return usage_error(argv[0], err.text);
    if (options.help) {
        help_print(stdout, "supervisorctl", argv[0]);
        return CTL_SUCCESS;
    }
    if (options.serverurl && !is_url(options.serverurl))
        return bad_url(argv[0], options.serverurl);
    struct conf *conf = load(argv[0], options.configuration);
    if (!conf)
        return CTL_INVALID_ARGS;
    static struct ctl c;
    ctl_init(&c);
    set_up(&c, &options, conf);
    int status = run(&c, &options, conf, argv + rest);
    ctl_input_free(c.input);
    ctl_clear(&c);
    conf_unref(conf);
    return status;
}
