/* Keys into the shell's line editor: the cursor stays inside the line, the picture can
 * always be drawn, and what is typed comes back out. */
#include "applets/supervisorctl/ctl_edit.h"

#include <stdlib.h>
#include <string.h>

static void check(const struct edit *e)
{
    struct buf picture;

    if (e->cursor > e->text.len || strlen(buf_str(&e->text)) != e->text.len)
        abort();
    buf_init(&picture, BUF_NO_LIMIT);
    if (edit_draw(e, "supervisor> ", 40, &picture) < 0 || picture.len == 0)
        abort();
    buf_free(&picture);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct history history = {0};
    struct edit e;

    history_add(&history, "status");
    history_add(&history, "tail -f \xc3\xa4:*");
    edit_init(&e, &history);
    for (size_t i = 0; i < size; i++) {
        enum edit_event event = edit_feed(&e, (char)data[i]);
        check(&e);
        if (event == EDIT_LINE) {
            history_add(&history, buf_str(&e.text));
            edit_reset(&e);
        } else if (event == EDIT_COMPLETE) {
            edit_insert(&e, "word ", 5);
        } else if (event == EDIT_EOF || event == EDIT_CANCEL) {
            edit_reset(&e);
        }
    }
    edit_free(&e);
    history_free(&history);
    return 0;
}
