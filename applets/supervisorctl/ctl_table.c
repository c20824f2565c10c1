/* The rows: see ctl_table.h. The synopses are upstream's. */
#include "applets/supervisorctl/ctl_table.h"

#include "applets/supervisorctl/ctl_format.h"
#include <string.h>

static ctl_command_fn do_help, do_quit;

// clang-format off
static const struct ctl_command commands[] = {
    { .name = "EOF", .run = do_quit, .unlisted = true },
    { .name = "add", .run = ctl_do_add, .complete = COMPLETE_GROUPS, .usage = {
        { "add <name> [...]", "Take configured groups into service" } } },
    { .name = "avail", .run = ctl_do_avail, .no_words = true, .usage = {
        { "avail", "List every configured process" } } },
    { .name = "clear", .run = ctl_do_clear, .up_check = true,
      .missing_name = CTL_GENERIC, .complete = COMPLETE_PROCESSES, .usage = {
        { "clear <name>", "Empty the log files of a process" },
        { "clear <name> <name>", "The same for several processes" },
        { "clear all", "The same for all processes" } } },
    { .name = "exit", .run = do_quit, .usage = {
        { "exit", "Leave the shell" } } },
    { .name = "fg", .run = ctl_do_fg, .up_check = true,
      .complete = COMPLETE_PROCESSES, .usage = {
        { "fg <process>", "Show a process's output and type into its stdin" },
        { "", "Ctrl-C ends it" } } },
    { .name = "help", .run = do_help, .unlisted = true, .complete = COMPLETE_COMMANDS,
      .usage = {
        { "help", "List the commands" },
        { "help <action>", "Explain one of them" } } },
    { .name = "maintail", .run = ctl_do_maintail, .up_check = true, .usage = {
        { "maintail -f", "Follow supervisord's own log (Ctrl-C ends it)" },
        { "maintail -100", "The last 100 *bytes* of it" },
        { "maintail", "The last 1600 *bytes* of it" } } },
    { .name = "open", .run = ctl_do_open, .usage = {
        { "open <url>", "Control another supervisord from now on" },
        { "", "(http://host:port, or unix:///path/to/socket)" } } },
    { .name = "pid", .run = ctl_do_pid, .up_check = true,
      .complete = COMPLETE_PROCESSES, .usage = {
        { "pid", "Process id of supervisord" },
        { "pid <name>", "Process id of one process" },
        { "pid all", "Process ids of all processes, a line each" } } },
    { .name = "quit", .run = do_quit, .usage = {
        { "quit", "Leave the shell" } } },
    { .name = "reload", .run = ctl_do_reload, .no_words = true, .usage = {
        { "reload", "Restart supervisord itself, with all its processes" } } },
    { .name = "remove", .run = ctl_do_remove, .complete = COMPLETE_GROUPS, .usage = {
        { "remove <name> [...]", "Take stopped groups out of service" } } },
    { .name = "reread", .run = ctl_do_reread, .no_words = true, .usage = {
        { "reread", "Read the configuration again and tell what changed, without acting" } } },
    { .name = "restart", .run = ctl_do_restart, .up_check = true,
      .missing_name = CTL_GENERIC, .complete = COMPLETE_PROCESSES, .usage = {
        { "restart <name>", "Stop and start a process" },
        { "restart <gname>:*", "All processes of a group" },
        { "restart <name> <name>", "Several processes or groups" },
        { "restart all", "All processes (their configuration is not read again:" },
        { "", "see reread and update)" } } },
    { .name = "shutdown", .run = ctl_do_shutdown, .no_words = true, .usage = {
        { "shutdown", "Stop all processes and supervisord" } } },
    { .name = "signal", .run = ctl_do_signal, .up_check = true,
      .complete = COMPLETE_SIGNAL_THEN_PROCESSES, .usage = {
        { "signal <signal name> <name>", "Send a signal to a process" },
        { "signal <signal name> <gname>:*", "To all processes of a group" },
        { "signal <signal name> <name> <name>", "To several processes or groups" },
        { "signal <signal name> all", "To all processes" } } },
    { .name = "start", .run = ctl_do_start, .up_check = true,
      .missing_name = CTL_INVALID_ARGS, .complete = COMPLETE_PROCESSES, .usage = {
        { "start <name>", "Start a process" },
        { "start <gname>:*", "All processes of a group" },
        { "start <name> <name>", "Several processes or groups" },
        { "start all", "All processes" } } },
    { .name = "status", .run = ctl_do_status, .complete = COMPLETE_PROCESSES, .usage = {
        { "status <name>", "State of a process" },
        { "status <gname>:*", "Of all processes of a group" },
        { "status <name> <name>", "Of several processes or groups" },
        { "status", "Of all processes" } } },
    { .name = "stop", .run = ctl_do_stop, .up_check = true,
      .missing_name = CTL_GENERIC, .complete = COMPLETE_PROCESSES, .usage = {
        { "stop <name>", "Stop a process" },
        { "stop <gname>:*", "All processes of a group" },
        { "stop <name> <name>", "Several processes or groups" },
        { "stop all", "All processes" } } },
    { .name = "tail", .run = ctl_do_tail, .up_check = true,
      .complete = COMPLETE_PROCESSES, .usage = {
        { "tail [-f] <name> [stdout|stderr]", "The log of a process (stdout by default)" },
        { "tail -f <name>", "Follow it (Ctrl-C ends it)" },
        { "tail -100 <name>", "The last 100 *bytes* of its stdout" },
        { "tail <name> stderr", "The last 1600 *bytes* of its stderr" } } },
    { .name = "update", .run = ctl_do_update, .complete = COMPLETE_GROUPS, .usage = {
        { "update", "Read the configuration again; add, remove and restart what changed" },
        { "update all", "The same" },
        { "update <gname> [...]", "The same for these groups only" } } },
    { .name = "upgrade", .run = ctl_do_upgrade, .up_check = true, .usage = {
        { "upgrade", "Go on as the build that supervisord's file holds now; no process is touched" },
        { "upgrade <path>", "Go on as the build in this file" } } },
    { .name = "version", .run = ctl_do_version, .no_words = true, .up_check = true,
      .usage = {
        { "version", "Version of the supervisord that answers" } } },
};
// clang-format on

const struct ctl_command *ctl_table_find(const char *name, size_t n)
{
    for (size_t i = 0; i < array_len(commands); i++)
        if (strlen(commands[i].name) == n && memcmp(commands[i].name, name, n) == 0)
            return &commands[i];
    return NULL;
}

const struct ctl_command *ctl_table_row(size_t i)
{
    return i < array_len(commands) ? &commands[i] : NULL;
}

void ctl_table_print_usage(struct ctl *c, const struct ctl_command *command)
{
    int width = 0;
    for (size_t i = 0; i < array_len(command->usage); i++)
        if (command->usage[i].synopsis && (int)strlen(command->usage[i].synopsis) > width)
            width = (int)strlen(command->usage[i].synopsis);
    for (size_t i = 0; i < array_len(command->usage) && command->usage[i].synopsis; i++)
        ctl_print(c, "%-*s  %s", width, command->usage[i].synopsis,
                  command->usage[i].text);
}

void ctl_table_print_list(struct ctl *c)
{
    static const char header[] = "default commands (type help <topic>):";
    static const char ruler[] = "=====================================";
    _Static_assert(sizeof header == sizeof ruler, "the ruler is as long as the header");
    struct strv names = {0};
    struct buf columns;
    buf_init(&columns, BUF_NO_LIMIT);
    for (size_t i = 0; i < array_len(commands); i++)
        if (!commands[i].unlisted)
            strv_push(&names, commands[i].name);
    ctl_print(c, "\n%s\n%s", header, ruler);
    if (ctl_format_columns(&columns, &names, 79) == 0)
        ctl_print(c, "%s", buf_str(&columns));
    buf_free(&columns);
    strv_free(&names);
}

static enum ctl_end do_help(struct ctl *c, const struct ctl_line *line)
{
    if (line->words.len == 0) {
        ctl_table_print_list(c);
        return CTL_DONE;
    }
    const struct ctl_command *topic = ctl_table_find(line->rest, strlen(line->rest));
    if (topic && topic->usage[0].synopsis)
        ctl_table_print_usage(c, topic);
    else
        ctl_print(c, "*** No help on %s", line->rest);
    return CTL_DONE;
}

static enum ctl_end do_quit(struct ctl *c, const struct ctl_line *line)
{
    UNUSED(line);
    ctl_print(c, "%s", "");
    return CTL_QUIT;
}
