/* The shell: see ctl_shell.h. */
#include "applets/supervisorctl/ctl_shell.h"

#include "applets/supervisorctl/ctl_input.h"
#include "core/base/alloc.h"
#include <stdlib.h>

static void run_lines(struct ctl *c, struct ctl_input *in, const char *prompt)
{
    enum ctl_end end = ctl_run(c, "status");
    while (end != CTL_QUIT) {
        char *line;
        switch (ctl_input_read(c, in, prompt, true, &line)) {
        case INPUT_LINE:
            if (ctl_input_is_terminal(in))
                history_add(ctl_input_history(in), line);
            end = ctl_run(c, line);
            free(line);
            break;
        case INPUT_EOF:
            end = ctl_run(c, "EOF");
            break;
        case INPUT_CANCELLED:
            break;
        case INPUT_LEFT:
            end = CTL_QUIT;
            break;
        }
        ctl_flush(c);
    }
}

void ctl_shell(struct ctl *c, const char *prompt, const char *history_file)
{
    struct ctl_input *in = ctl_input_get(c);
    char *full_prompt = xasprintf("%s> ", prompt);
    bool keep = history_file && *history_file && ctl_input_is_terminal(in);
    if (keep)
        history_load(ctl_input_history(in), history_file);
    bool caught = ctl_input_is_terminal(in) && ctl_sigint_catch(c);
    run_lines(c, in, full_prompt);
    if (caught)
        ctl_sigint_release(c);
    if (keep && history_save(ctl_input_history(in), history_file) < 0)
        ctl_warn(c, "cannot keep the history in %s", history_file);
    free(full_prompt);
}
