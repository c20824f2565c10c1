#include "applets/supervisord/checkpoint.h"

#include "applets/supervisord/super_save.h"
#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/base/log.h"

enum { COMPLAIN_MS = 60 * 1000 };
/* A base is seldom, and more than malloc keeps: it goes back to the kernel at once. */
enum { BASE_ROOM_BYTES = 160 * 1024 };

static int write_frame(struct checkpoint *c, bool base, const struct record_writer *w,
                       const struct journal_mark *mark, struct err *err)
{
    /* Descriptors above those of the start are named here for the first time. */
    journal_note_fd(w->max_fd);
    if (state_store_write(c->store, base, buf_data(&c->text), c->text.len, mark, err) <
        0) {
        super_want_base(c->super);
        return -1;
    }
    journal_facts()->record_sequence = c->store->sequence;
    journal_clear(mark);
    c->position = mark->position;
    return 0;
}

int checkpoint_base(struct checkpoint *c, struct buf *copy, struct err *err)
{
    struct record_writer w = {.out = &c->text};
    struct journal_mark mark;
    char *room;
    journal_mark(&mark);
    buf_truncate(&c->text, 0);
    (void)buf_reserve(&c->text, BASE_ROOM_BYTES, &room); /* if not: the appends tell */
    super_save_all(c->super, &w);
    c->save_more(c->arg, &w);
    if (w.failed || (copy && buf_append(copy, buf_data(&c->text), c->text.len) < 0)) {
        super_want_base(c->super);
        return err_set(err, ERR_LIMIT, "no memory for the record of the state");
    }
    int rc = write_frame(c, true, &w, &mark, err);
    alloc_wipe(buf_data(&c->text), c->text.len); /* the rest was never touched */
    buf_free(&c->text);
    return rc;
}

/* 0 also when nothing had to be written. */
static int write_changes(struct checkpoint *c, struct err *err)
{
    struct record_writer w = {.out = &c->text};
    struct journal_mark mark;
    if (state_store_wants_base(c->store))
        return checkpoint_base(c, NULL, err);
    journal_mark(&mark);
    buf_truncate(&c->text, 0);
    switch (super_save_changes(c->super, &w)) {
    case SUPER_NEEDS_BASE:
        return checkpoint_base(c, NULL, err);
    case SUPER_UNCHANGED:
        if (mark.position == c->position) {
            journal_clear(&mark); /* of a chunk that changed nothing */
            return 0;
        }
        break; /* something came to nothing: the journal need not keep it */
    case SUPER_CHANGED:
        break;
    }
    if (w.failed) {
        super_want_base(c->super);
        return err_set(err, ERR_LIMIT, "no memory for the record of the state");
    }
    return write_frame(c, false, &w, &mark, err);
}

int checkpoint_now(struct checkpoint *c)
{
    struct err err; /* filled where it is read: every turn comes here */
    if (write_changes(c, &err) == 0) {
        if (c->failing)
            log_warn("the record of the state is written again");
        c->failing = false;
        return 0;
    }
    if (!c->failing || mono_ms() - c->complained_ms >= COMPLAIN_MS) {
        log_crit("until it can be written, a crash would lose what changes now: %s",
                 err.text);
        c->complained_ms = mono_ms();
    }
    c->failing = true;
    return -1;
}

static void on_turn(void *arg)
{
    checkpoint_now(arg);
}

void checkpoint_start(struct checkpoint *c)
{
    struct engine *engine = super_engine(c->super);
    checkpoint_stop(c);
    loop_add_hook(engine->loop, HOOK_END, &c->at_end, on_turn, c);
    journal_set_checkpoint(on_turn, c);
}

void checkpoint_stop(struct checkpoint *c)
{
    if (!c->at_end.fn)
        return;
    loop_del_hook(&c->at_end);
    c->at_end.fn = NULL;
    journal_set_checkpoint(NULL, NULL);
}
