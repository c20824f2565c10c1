/* Where lines come from: see ctl_input.h. The terminal is in raw mode only while a line
 * is typed, so that Ctrl-C is a signal during commands. */
#include "applets/supervisorctl/ctl_input.h"

#include "applets/supervisorctl/ctl_complete.h"
#include "applets/supervisorctl/ctl_edit.h"
#include "applets/supervisorctl/ctl_format.h"
#include "core/base/alloc.h"
#include "core/io/fd.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define LINE_MAX_BYTES (1u << 20)

struct ctl_input {
    bool terminal; /* stdin and stdout are one, and it can move its cursor */
    bool ended;
    struct buf pending; /* read, not yet used */
    struct history history;
    struct edit edit;
    struct termios before;
    bool tabbed; /* the last key was a TAB that changed nothing */
};

struct ctl_input *ctl_input_get(struct ctl *c)
{
    if (c->input)
        return c->input;
    struct ctl_input *in = xcalloc(1, sizeof *in);
    const char *term = getenv("TERM");
    in->terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term && *term &&
                   !str_eq(term, "dumb");
    buf_init(&in->pending, LINE_MAX_BYTES);
    edit_init(&in->edit, &in->history);
    c->input = in;
    return in;
}

void ctl_input_free(struct ctl_input *in)
{
    if (!in)
        return;
    edit_free(&in->edit);
    history_free(&in->history);
    buf_free(&in->pending);
    free(in);
}

bool ctl_input_is_terminal(const struct ctl_input *in)
{
    return in->terminal;
}

struct history *ctl_input_history(struct ctl_input *in)
{
    return &in->history;
}

/* Reads what there is into pending. False at the end of input or when SIGINT came. */
static bool fill(struct ctl *c, struct ctl_input *in)
{
    char *room;
    if (in->ended || buf_reserve(&in->pending, 4096, &room) < 0) {
        in->ended = true;
        return false;
    }
    for (;;) {
        struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                                {.fd = c->sigint_fd, .events = POLLIN}};
        if (poll(fds, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            break;
        }
        if (fds[1].revents) {
            ctl_sigint_drain(c);
            c->interrupted = true;
            return false;
        }
        ssize_t n = read(STDIN_FILENO, room, 4096);
        if (n > 0) {
            buf_commit(&in->pending, (size_t)n);
            return true;
        }
        if (n == 0 || (errno != EINTR && errno != EAGAIN))
            break;
    }
    in->ended = true;
    return false;
}

/* --- plain lines ------------------------------------------------------------------- */

char *ctl_input_plain(struct ctl *c, struct ctl_input *in)
{
    size_t seen = 0;
    for (;;) {
        const char *data = buf_data(&in->pending);
        const char *end = memchr(data + seen, '\n', in->pending.len - seen);
        if (end || (in->ended && in->pending.len > 0)) {
            size_t n = end ? (size_t)(end - data) : in->pending.len;
            char *line = xstrndup(data, n);
            buf_consume(&in->pending, end ? n + 1 : n);
            if (n > 0 && line[n - 1] == '\r')
                line[n - 1] = '\0';
            return line;
        }
        seen = in->pending.len;
        if (!fill(c, in) && (c->interrupted || in->pending.len == 0))
            return NULL;
    }
}

/* --- the terminal ------------------------------------------------------------------ */

static bool raw_on(int fd, struct termios *before)
{
    if (tcgetattr(fd, before) < 0)
        return false;
    struct termios raw = *before;
    raw.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | IGNCR | IXON);
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    return tcsetattr(fd, TCSADRAIN, &raw) == 0;
}

static void raw_off(int fd, const struct termios *before)
{
    tcsetattr(fd, TCSADRAIN, before);
}

static size_t terminal_columns(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

static void draw(struct ctl *c, struct ctl_input *in, const char *prompt)
{
    if (edit_draw(&in->edit, prompt, terminal_columns(), &c->out) == 0)
        ctl_flush(c);
}

static void list_words(struct ctl *c, const struct strv *words)
{
    struct buf columns;
    buf_init(&columns, BUF_NO_LIMIT);
    if (ctl_format_columns(&columns, words, terminal_columns() - 1) == 0) {
        ctl_print(c, "%s", "");
        ctl_print_bytes(c, buf_data(&columns), columns.len);
    }
    buf_free(&columns);
}

/* TAB: puts in what is certain; a second TAB lists what is possible. */
static void complete_word(struct ctl *c, struct ctl_input *in)
{
    char *head = xstrndup(buf_data(&in->edit.text), in->edit.cursor);
    struct strv words = {0};
    raw_off(STDIN_FILENO, &in->before); /* the server may be slow: Ctrl-C then helps */
    ctl_complete(c, head, &words);
    c->interrupted = false;
    raw_on(STDIN_FILENO, &in->before);
    size_t begun = strlen(head) - ctl_complete_word(head);
    size_t common = ctl_complete_common(&words);
    bool changed = common > begun || words.len == 1;
    if (common > begun)
        edit_insert(&in->edit, words.items[0] + begun, common - begun);
    if (words.len == 1)
        edit_insert(&in->edit, " ", 1);
    else if (!changed && in->tabbed && words.len > 0)
        list_words(c, &words);
    else if (!changed)
        ctl_print_bytes(c, "\a", 1);
    in->tabbed = !changed;
    strv_free(&words);
    free(head);
}

static void suspend(struct ctl_input *in)
{
    raw_off(STDIN_FILENO, &in->before);
    raise(SIGTSTP);
    raw_on(STDIN_FILENO, &in->before);
}

/* Deals with keys until one ends the line. */
static enum edit_event edit_line(struct ctl *c, struct ctl_input *in, const char *prompt,
                                 bool complete)
{
    for (;;) {
        if (in->pending.len == 0) {
            draw(c, in, prompt); /* once per piece of input, not per key */
            if (!fill(c, in))
                return c->interrupted ? EDIT_CANCEL : EDIT_EOF;
        }
        char key = buf_data(&in->pending)[0];
        buf_consume(&in->pending, 1);
        if (key == '\t' && !complete)
            continue;
        enum edit_event event = edit_feed(&in->edit, key);
        if (event == EDIT_COMPLETE)
            complete_word(c, in);
        else
            in->tabbed = false;
        if (event == EDIT_SUSPEND)
            suspend(in);
        else if (event == EDIT_REDRAW)
            ctl_print_bytes(c, "\033[H\033[2J", 7);
        else if (event == EDIT_LINE || event == EDIT_EOF || event == EDIT_CANCEL)
            return event;
    }
}

static enum input_end read_terminal(struct ctl *c, struct ctl_input *in,
                                    const char *prompt, bool complete, char **line)
{
    edit_reset(&in->edit);
    in->tabbed = false;
    if (!raw_on(STDIN_FILENO, &in->before))
        return INPUT_EOF;
    enum edit_event event = edit_line(c, in, prompt, complete);
    bool typed = in->edit.text.len > 0;
    in->edit.cursor = in->edit.text.len;
    in->edit.searching = false;
    draw(c, in, prompt);
    if (event == EDIT_CANCEL && typed)
        ctl_print_bytes(c, "^C", 2);
    /* the end of input is answered by the command EOF, which prints a newline itself */
    if (event != EDIT_EOF)
        ctl_print(c, "%s", "");
    ctl_flush(c);
    raw_off(STDIN_FILENO, &in->before);
    if (event == EDIT_EOF)
        return INPUT_EOF;
    if (event == EDIT_CANCEL)
        return typed ? INPUT_CANCELLED : INPUT_LEFT;
    *line = xstrndup(buf_data(&in->edit.text), in->edit.text.len);
    return INPUT_LINE;
}

enum input_end ctl_input_read(struct ctl *c, struct ctl_input *in, const char *prompt,
                              bool complete, char **line)
{
    *line = NULL;
    c->interrupted = false;
    if (in->terminal)
        return read_terminal(c, in, prompt, complete, line);
    ctl_print_bytes(c, prompt, strlen(prompt));
    ctl_flush(c);
    *line = ctl_input_plain(c, in);
    if (*line)
        return INPUT_LINE;
    if (!c->interrupted)
        return INPUT_EOF;
    ctl_print(c, "%s", "");
    return INPUT_LEFT;
}

char *ctl_input_line(struct ctl *c, struct ctl_input *in, const char *prompt)
{
    char *line;
    enum input_end end = ctl_input_read(c, in, prompt, false, &line);
    c->interrupted = end == INPUT_CANCELLED || end == INPUT_LEFT;
    return line;
}

/* Reads up to Enter from a raw terminal. NULL on Ctrl-C, Ctrl-D and hang-up. */
static char *read_secret(int fd)
{
    struct buf text;
    buf_init(&text, 4096);
    for (;;) {
        char key;
        ssize_t n = read(fd, &key, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || key == 3 || (key == 4 && text.len == 0)) {
            buf_free(&text);
            return NULL;
        }
        if (key == '\r' || key == '\n')
            return buf_detach(&text);
        if (key == 127 || key == 8)
            buf_truncate(&text, text.len > 0 ? text.len - 1 : 0);
        else if (buf_putc(&text, key) < 0)
            continue; /* longer than any password: the rest is dropped */
    }
}

char *ctl_input_secret(struct ctl *c, struct ctl_input *in, const char *prompt)
{
    ctl_flush(c);
    int fd = fd_open("/dev/tty", O_RDWR | O_NOCTTY, 0);
    struct termios before;
    if (fd < 0 || !raw_on(fd, &before)) {
        fd_close(&fd);
        return ctl_input_line(c, in, prompt);
    }
    (void)fd_write_all(fd, prompt, strlen(prompt)); /* a lost prompt is no failure */
    char *secret = read_secret(fd);
    (void)fd_write_all(fd, "\r\n", 2);
    raw_off(fd, &before);
    fd_close(&fd);
    return secret;
}
