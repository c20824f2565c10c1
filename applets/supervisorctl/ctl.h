/* The client's state, shared by every command: which server, what was printed, the exit
 * status so far. A command is a function that calls the server, prints, and says how it
 * ended; whatever it cannot deal with it *raises*, and ctl_run prints that as one
 * "error:" line. Source: Supervisor manual, "supervisorctl"; upstream supervisorctl.py.
 */
#ifndef APPLETS_SUPERVISORCTL_CTL_H
#define APPLETS_SUPERVISORCTL_CTL_H

#include "core/base/buf.h"
#include "core/base/str.h"
#include "core/http/rpc_client.h"

/* Exit statuses that scripts rely on (named after LSB's init scripts). */
enum ctl_status {
    CTL_SUCCESS = 0,
    CTL_GENERIC = 1,
    CTL_INVALID_ARGS = 2,
    CTL_UNIMPLEMENTED = 3,
    CTL_REFUSED = 4,
    CTL_NOT_INSTALLED = 5,
    CTL_NOT_RUNNING = 7,
    /* of `status` alone: */
    CTL_STATUS_STOPPED = 3,
    CTL_STATUS_UNKNOWN = 4
};

enum ctl_end {
    CTL_DONE,  /* also with an error that was printed */
    CTL_QUIT,  /* leave the shell */
    CTL_RAISED /* c->raised tells what; ctl_run prints it */
};

struct ctl_input; /* where lines come from: ctl_input.h */

struct ctl {
    char *serverurl, *username, *password;                 /* owned */
    const char *ssl_ca_certs, *ssl_certfile, *ssl_keyfile; /* borrowed */
    const char *conf_path;                                 /* or NULL: none was read */
    bool interactive;
    int exit_status;
    struct buf out;             /* printed, not yet written */
    struct http_client *client; /* made by the first call */
    bool up_checked;            /* in this line already */
    char *raised;               /* text of what a command could not deal with */
    int raised_http;            /* its HTTP status, or 0 */
    int raised_errno;           /* or 0 */
    struct rpc_value *infos;    /* for completion; forgotten after each line */
    struct rpc_reply kept;      /* what status has shown: see ctl_do_status */
    struct ctl_input *input;    /* NULL before the shell runs */
    int sigint_fd;              /* a signalfd for SIGINT, or -1 */
    bool interrupted;           /* Ctrl-C was typed while a call waited */
};

void ctl_init(struct ctl *c);
void ctl_clear(struct ctl *c);

/* --- output: gathered, written before each call and at the end --------------------- */

void ctl_print(struct ctl *c, const char *fmt, ...) PRINTF_LIKE(2, 3); /* adds \n */
void ctl_print_bytes(struct ctl *c, const char *data, size_t n);       /* as they are */
void ctl_flush(struct ctl *c);
/* A line for stderr, after what was printed. */
void ctl_warn(struct ctl *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* --- calls ------------------------------------------------------------------------- */

/* A new connection with the present server, user and password; NULL with err. */
struct http_client *ctl_connect(struct ctl *c, struct err *err);
/* Calls "supervisor.<method>"; params as in rpc_call, freed here. The reply must be
 * freed, or handed to ctl_raise. */
enum rpc_result ctl_call(struct ctl *c, const char *method, struct rpc_value *params,
                         struct rpc_reply *reply);
/* getAllProcessInfo with the members that commands look at (group, name, state,
 * statename, description, pid). True if an array came; the reply is the caller's in any
 * case. */
bool ctl_call_infos(struct ctl *c, struct rpc_reply *reply);
/* Parameters: strings, ended by NULL. */
struct rpc_value *ctl_params(const char *first, ...) __attribute__((sentinel));
/* Forgets the connection: the server or the credentials have changed. */
void ctl_disconnect(struct ctl *c);
/* True if a usable supervisord answers; else says why and sets the exit status, or
 * raises. *end is what the command then returns. */
bool ctl_up_check(struct ctl *c, enum ctl_end *end);
/* If stderr is a terminal: what a person may look at when there is no connection. */
void ctl_explain_no_server(struct ctl *c, int error_number);

/* From here to the release SIGINT no longer kills: it ends a waiting call or stream and
 * sets c->interrupted. True if this call began it (the caller then releases). */
bool ctl_sigint_catch(struct ctl *c);
void ctl_sigint_release(struct ctl *c);
/* Forgets one that came while nothing waited. */
void ctl_sigint_drain(struct ctl *c);

/* --- raising ----------------------------------------------------------------------- */

enum ctl_end ctl_raise(struct ctl *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
enum ctl_end ctl_raise_reply(struct ctl *c, struct rpc_reply *reply); /* frees it */

/* Failing with a plain message: prints it and sets the exit status. */
enum ctl_end ctl_fail(struct ctl *c, int status, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* --- lines ------------------------------------------------------------------------- */

/* Runs one line as typed. Returns CTL_DONE or CTL_QUIT. */
enum ctl_end ctl_run(struct ctl *c, const char *line);

#endif
