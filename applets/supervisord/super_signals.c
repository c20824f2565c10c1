#include "applets/supervisord/super_priv.h"

#include "core/base/log.h"
#include "core/base/signame.h"

#include <signal.h>

static void on_exit_request(struct super *s, const char *name)
{
    log_warn("received %s indicating exit request", name);
    super_shutdown(s);
}

static void on_restart_request(struct super *s, const char *name)
{
    if (s->mood == MOOD_SHUTDOWN) {
        log_warn("ignored %s indicating restart request (shutdown in progress)", name);
        return;
    }
    log_warn("received %s indicating restart request", name);
    super_restart(s, &(struct err){0});
}

static void on_child(struct super *s, const char *name)
{
    log_debug("received %s indicating a child quit", name);
    s->child_died = true;
}

static void on_reopen_request(struct super *s, const char *name)
{
    log_info("received %s indicating log reopen request", name);
    super_reopen_logs(s);
}

static const struct {
    int number;
    void (*act)(struct super *s, const char *name);
} rows[] = {
    {SIGTERM, on_exit_request},   {SIGINT, on_exit_request}, {SIGQUIT, on_exit_request},
    {SIGHUP, on_restart_request}, {SIGCHLD, on_child},       {SIGUSR2, on_reopen_request},
};

void super_on_signal(struct super *s, int number)
{
    const char *name = signame_from_number(number);
    for (size_t i = 0; i < array_len(rows); i++) {
        if (rows[i].number == number) {
            rows[i].act(s, name);
            return;
        }
    }
    log_blather("received %s indicating nothing", name);
}
