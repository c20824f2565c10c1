/* The rows: see ctl_table.h. config/help.txt explains each. */
#include "applets/supervisorctl/ctl_table.h"

#include "applets/supervisorctl/ctl_format.h"
#include "config/help.h"

#include <string.h>

static ctl_command_fn do_help, do_quit;

// clang-format off
static const struct ctl_command commands[] = {
    { .name = "EOF", .run = do_quit, .unlisted = true, .no_help = true },
    { .name = "add", .run = ctl_do_add, .complete = COMPLETE_GROUPS },
    { .name = "avail", .run = ctl_do_avail, .no_words = true },
    { .name = "clear", .run = ctl_do_clear, .up_check = true,
      .missing_name = CTL_GENERIC, .complete = COMPLETE_PROCESSES },
    { .name = "exit", .run = do_quit },
    { .name = "fg", .run = ctl_do_fg, .up_check = true,
      .complete = COMPLETE_PROCESSES },
    { .name = "help", .run = do_help, .unlisted = true, .complete = COMPLETE_COMMANDS },
    { .name = "maintail", .run = ctl_do_maintail, .up_check = true },
    { .name = "open", .run = ctl_do_open },
    { .name = "pid", .run = ctl_do_pid, .up_check = true,
      .complete = COMPLETE_PROCESSES },
    { .name = "quit", .run = do_quit },
    { .name = "reload", .run = ctl_do_reload, .no_words = true },
    { .name = "remove", .run = ctl_do_remove, .complete = COMPLETE_GROUPS },
    { .name = "reread", .run = ctl_do_reread, .no_words = true },
    { .name = "restart", .run = ctl_do_restart, .up_check = true,
      .missing_name = CTL_GENERIC, .complete = COMPLETE_PROCESSES },
    { .name = "shutdown", .run = ctl_do_shutdown, .no_words = true },
    { .name = "signal", .run = ctl_do_signal, .up_check = true,
      .complete = COMPLETE_SIGNAL_THEN_PROCESSES },
    { .name = "start", .run = ctl_do_start, .up_check = true,
      .missing_name = CTL_INVALID_ARGS, .complete = COMPLETE_PROCESSES },
    { .name = "status", .run = ctl_do_status, .complete = COMPLETE_PROCESSES },
    { .name = "stop", .run = ctl_do_stop, .up_check = true,
      .missing_name = CTL_GENERIC, .complete = COMPLETE_PROCESSES },
    { .name = "tail", .run = ctl_do_tail, .up_check = true,
      .complete = COMPLETE_PROCESSES },
    { .name = "update", .run = ctl_do_update, .complete = COMPLETE_GROUPS },
    { .name = "upgrade", .run = ctl_do_upgrade, .up_check = true },
    { .name = "version", .run = ctl_do_version, .no_words = true, .up_check = true },
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
    struct buf text;
    buf_init(&text, BUF_NO_LIMIT);
    if (help_text(&text, command->name, "") == 0 && text.len > 0)
        ctl_print(c, "%.*s", (int)text.len - 1, buf_str(&text));
    buf_free(&text);
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
    if (topic && !topic->no_help)
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
