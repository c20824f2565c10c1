#include "applets/supervisord/api/rpc_table.h"

#include "applets/supervisord/api/rpc_methods.h"
#include "core/base/num.h"
#include <stdlib.h>
#include <string.h>

// clang-format off
/* Lines and texts that several methods share. */
#define RETURNS_STATUS \
    "@return array result  one struct {name, group, status, description} per process\n"
#define PARAM_NAME \
    "@param string name  name or group:name; group:* is the whole group\n"
#define PARAM_PROCESS \
    "@param string name  the process, as name or group:name\n"
#define PARAM_GROUP \
    "@param string name  the group\n"
#define PARAM_SIGNAL \
    "@param string signal  a name such as HUP, or a number\n"
#define RETURNS_TRUE \
    "@return boolean result  true, or a fault\n"
#define HELP_CLEAR_LOGS \
    "Empties both log files of one process and opens them again.\n\n" \
    PARAM_PROCESS \
    RETURNS_TRUE
#define HELP_VERSION \
    "Tells the version of this interface.\n\n" \
    "@return string version  such as 3.0\n"
#define HELP_READ_LOG \
    "Reads a piece of the activity log. A negative offset counts from the end and\n" \
    "needs length 0; length 0 means up to the end.\n\n" \
    "@param int offset  where to begin, in bytes\n" \
    "@param int length  how many bytes\n" \
    "@return string result  the text\n"
#define HELP_READ_STDOUT \
    "Reads a piece of a process's stdout log. A negative offset counts from the\n" \
    "end and needs length 0; length 0 means up to the end.\n\n" \
    PARAM_PROCESS \
    "@param int offset  where to begin, in bytes\n" \
    "@param int length  how many bytes\n" \
    "@return string result  the text\n"
#define HELP_TAIL_STDOUT \
    "Reads the end of a process's stdout log, for following it: if more than length\n" \
    "bytes lie after offset, the last ones are given and overflow is set. Ask again\n" \
    "with the offset from the answer.\n\n" \
    PARAM_PROCESS \
    "@param int offset  where the last answer ended, in bytes\n" \
    "@param int length  the most to read\n" \
    "@return array result  [string text, int offset, boolean overflow]\n"

const struct rpc_method rpc_methods[] = {
    {"supervisor.addProcessGroup", "s", false, rpc_add_group,
     "Adds a group that the configuration holds (see reloadConfig) and starts what has\n"
     "autostart in it.\n\n"
     PARAM_GROUP
     RETURNS_TRUE},
    {"supervisor.clearAllProcessLogs", "", false, rpc_clear_all_process_logs,
     "Empties the log files of every process.\n\n"
     RETURNS_STATUS},
    {"supervisor.clearLog", "", false, rpc_clear_log,
     "Removes the activity log and begins it anew.\n\n"
     RETURNS_TRUE},
    {"supervisor.clearProcessLog", "s", false, rpc_clear_process_logs,
     HELP_CLEAR_LOGS},
    {"supervisor.clearProcessLogs", "s", false, rpc_clear_process_logs,
     HELP_CLEAR_LOGS},
    {"supervisor.getAPIVersion", "", false, rpc_get_api_version,
     HELP_VERSION},
    {"supervisor.getAllConfigInfo", "", false, rpc_get_all_config_info,
     "Lists what the configuration says about every process, running or not.\n\n"
     "@return array result  one struct per process\n"},
    {"supervisor.getAllProcessInfo", "", false, rpc_get_all_process_info,
     "Shows every process, sorted by group and name; members as in getProcessInfo.\n\n"
     "@return array result  one struct per process\n"},
    {"supervisor.getBuild", "", true, rpc_get_build,
     "Tells our own version, which build it is, and how many images of it there were\n"
     "since the start: a crash or an upgrade makes the next one.\n\n"
     "@return struct build  string version, string build, int image\n"},
    {"supervisor.getIdentification", "", false, rpc_get_identification,
     "Tells the identifier= of the configuration.\n\n"
     "@return string identifier  free text\n"},
    {"supervisor.getPID", "", false, rpc_get_pid,
     "Tells the process id of supervisord.\n\n"
     "@return int pid  a positive number\n"},
    {"supervisor.getProcessInfo", "s", false, rpc_get_process_info,
     "Shows one process: state, times, pid, logs, and a description for people.\n\n"
     PARAM_PROCESS
     "@return struct result  name, group, start, stop, now, state, statename,\n"
     "spawnerr, exitstatus, logfile, stdout_logfile, stderr_logfile, pid, description\n"},
    {"supervisor.getState", "", false, rpc_get_state,
     "Tells what supervisord itself is doing.\n\n"
     "@return struct state  int statecode, string statename\n"},
    {"supervisor.getSupervisorVersion", "", false, rpc_get_supervisor_version,
     "Tells which version of Supervisor this daemon behaves as.\n\n"
     "@return string version  such as 4.4.0\n"},
    {"supervisor.getVersion", "", false, rpc_get_api_version,
     HELP_VERSION},
    {"supervisor.readLog", "ii", false, rpc_read_log,
     HELP_READ_LOG},
    {"supervisor.readMainLog", "ii", false, rpc_read_log,
     HELP_READ_LOG},
    {"supervisor.readProcessLog", "sii", false, rpc_read_stdout_log,
     HELP_READ_STDOUT},
    {"supervisor.readProcessStderrLog", "sii", false, rpc_read_stderr_log,
     "Reads a piece of a process's stderr log. A negative offset counts from the\n"
     "end and needs length 0; length 0 means up to the end.\n\n"
     PARAM_PROCESS
     "@param int offset  where to begin, in bytes\n"
     "@param int length  how many bytes\n"
     "@return string result  the text\n"},
    {"supervisor.readProcessStdoutLog", "sii", false, rpc_read_stdout_log,
     HELP_READ_STDOUT},
    {"supervisor.reloadConfig", "", false, rpc_reload_config,
     "Reads the configuration file again and compares it with what runs. Nothing that\n"
     "runs changes: add and remove groups by the lists in the answer.\n\n"
     "@return array result  [[added, changed, removed]], each a list of group names\n"},
    {"supervisor.removeProcessGroup", "s", false, rpc_remove_group,
     "Takes a group away whose processes are all stopped.\n\n"
     PARAM_GROUP
     RETURNS_TRUE},
    {"supervisor.restart", "", false, rpc_restart,
     "Stops everything, then begins again with the configuration read anew.\n\n"
     "@return boolean result  true\n"},
    {"supervisor.sendProcessStdin", "sv", false, rpc_send_stdin,
     "Writes text, as UTF-8, to the standard input of a running process.\n\n"
     PARAM_PROCESS
     "@param string chars  what to write\n"
     "@return boolean result  true, or a fault such as NO_FILE: input is closed\n"},
    {"supervisor.sendRemoteCommEvent", "sc", true, rpc_send_event,
     "Sends an event to the listeners that subscribed to REMOTE_COMMUNICATION.\n\n"
     "@param string type  goes to the event's type line\n"
     "@param string data  goes to its body\n"
     "@return boolean result  true\n"},
    {"supervisor.shutdown", "", false, rpc_shutdown,
     "Stops everything and ends supervisord.\n\n"
     "@return boolean result  true\n"},
    {"supervisor.signalAllProcesses", "g", false, rpc_signal_all,
     "Sends a signal to every process that runs.\n\n"
     PARAM_SIGNAL
     RETURNS_STATUS},
    {"supervisor.signalProcess", "sg", false, rpc_signal_process,
     "Sends a signal to a process; its state is not changed by that.\n\n"
     PARAM_NAME
     PARAM_SIGNAL
     RETURNS_TRUE},
    {"supervisor.signalProcessGroup", "sg", false, rpc_signal_group,
     "Sends a signal to every process of a group that runs.\n\n"
     PARAM_GROUP
     PARAM_SIGNAL
     RETURNS_STATUS},
    {"supervisor.startAllProcesses", "|b", false, rpc_start_all,
     "Starts every process that does not run.\n\n"
     "@param boolean wait  answer only when each is up or has failed (the default)\n"
     RETURNS_STATUS},
    {"supervisor.startProcess", "s|b", false, rpc_start_process,
     "Starts a process.\n\n"
     PARAM_NAME
     "@param boolean wait  answer only when it is up or has failed (the default)\n"
     RETURNS_TRUE},
    {"supervisor.startProcessGroup", "s|b", false, rpc_start_group,
     "Starts those processes of a group that do not run.\n\n"
     PARAM_GROUP
     "@param boolean wait  answer only when each is up or has failed (the default)\n"
     RETURNS_STATUS},
    {"supervisor.stopAllProcesses", "|b", false, rpc_stop_all,
     "Stops every process that runs.\n\n"
     "@param boolean wait  answer only when all have ended (the default)\n"
     RETURNS_STATUS},
    {"supervisor.stopProcess", "s|b", false, rpc_stop_process,
     "Stops a process.\n\n"
     PARAM_NAME
     "@param boolean wait  answer only when it has ended (the default)\n"
     RETURNS_TRUE},
    {"supervisor.stopProcessGroup", "s|b", false, rpc_stop_group,
     "Stops those processes of a group that run.\n\n"
     PARAM_GROUP
     "@param boolean wait  answer only when all have ended (the default)\n"
     RETURNS_STATUS},
    {"supervisor.tailProcessLog", "sii", false, rpc_tail_stdout_log,
     HELP_TAIL_STDOUT},
    {"supervisor.tailProcessStderrLog", "sii", false, rpc_tail_stderr_log,
     "Reads the end of a process's stderr log, for following it: if more than length\n"
     "bytes lie after offset, the last ones are given and overflow is set. Ask again\n"
     "with the offset from the answer.\n\n"
     PARAM_PROCESS
     "@param int offset  where the last answer ended, in bytes\n"
     "@param int length  the most to read\n"
     "@return array result  [string text, int offset, boolean overflow]\n"},
    {"supervisor.tailProcessStdoutLog", "sii", false, rpc_tail_stdout_log,
     HELP_TAIL_STDOUT},
    {"supervisor.upgrade", "|s", false, rpc_upgrade,
     "Goes on as another build, with the same processes and pid. The file first makes a\n"
     "trial run with our state; when that fails nothing changes, and a fault tells why.\n"
     "Other requests that wait are answered with a fault.\n\n"
     "@param string path  the binary; the file we were started from by default\n"
     "@return struct build  the one that was, as getBuild tells it, and string next, the\n"
     "version (build) that comes\n"},
    {"system.listMethods", "", true, rpc_list_methods,
     "Lists the names of all methods.\n\n"
     "@return array result  strings\n"},
    {"system.methodHelp", "s", true, rpc_method_help,
     "Explains a method.\n\n"
     "@param string name  its full name\n"
     "@return string result  its description\n"},
    {"system.methodSignature", "s", true, rpc_method_signature,
     "Tells the types of a method: of its result, then of each parameter.\n\n"
     "@param string name  its full name\n"
     "@return array result  strings\n"},
    {"system.multicall", "a", true, rpc_multicall,
     "Makes several calls at once, one after the other.\n\n"
     "@param array calls  structs {methodName, params}\n"
     "@return array result  values, or structs {faultCode, faultString}\n"},
};
// clang-format on
const size_t rpc_method_count = array_len(rpc_methods);

static int compare_method(const void *name, const void *row)
{
    return strcmp(name, ((const struct rpc_method *)row)->name);
}

const struct rpc_method *rpc_method_find(const char *name)
{
    return bsearch(name, rpc_methods, rpc_method_count, sizeof rpc_methods[0],
                   compare_method);
}

/* --- parameters -------------------------------------------------------------------- */

/* A C string: no NUL in between that would hide the rest from us. */
static bool is_plain(const struct rpc_value *v)
{
    return (v->type == RPC_STRING || v->type == RPC_BASE64) && strlen(v->text) == v->len;
}

/* Whole numbers as Python's int() takes them: upstream converts so. */
static bool to_int(const struct rpc_value *v, int64_t *out)
{
    switch (v->type) {
    case RPC_INT:
        *out = v->number;
        return true;
    case RPC_BOOL:
        *out = v->boolean;
        return true;
    case RPC_DOUBLE:
        if (!(v->real > -9e15 && v->real < 9e15))
            return false;
        *out = (int64_t)v->real;
        return true;
    case RPC_STRING:
        return is_plain(v) && parse_int(v->text, INT64_MIN, INT64_MAX, out) == 0;
    case RPC_NIL:
    case RPC_BASE64:
    case RPC_DATETIME:
    case RPC_ARRAY:
    case RPC_STRUCT:
        break;
    }
    return false;
}

static bool fits(char letter, const struct rpc_value *v)
{
    int64_t number;
    switch (letter) {
    case 's':
        return is_plain(v);
    case 'c':
        return v->type == RPC_STRING || v->type == RPC_BASE64;
    case 'i':
        return to_int(v, &number);
    case 'g':
        return v->type == RPC_STRING ? is_plain(v) : to_int(v, &number);
    case 'a':
        return v->type == RPC_ARRAY;
    default:
        return true;
    }
}

static bool count_fits(const char *params, size_t given)
{
    const char *bar = strchr(params, '|');
    size_t all = strlen(params) - (bar ? 1 : 0);
    size_t needed = bar ? (size_t)(bar - params) : all;
    return given >= needed && given <= all;
}

static bool types_fit(const char *params, const struct rpc_value *args)
{
    size_t i = 0;
    for (const char *p = params; *p && i < args->count; p++)
        if (*p != '|' && !fits(*p, args->items[i++]))
            return false;
    return true;
}

enum rpc_outcome rpc_table_call(struct rpc_ctx *ctx, const char *method,
                                const struct rpc_value *params)
{
    const struct rpc_method *row = rpc_method_find(method);
    if (!row)
        return rpc_fault(ctx, FAULT_UNKNOWN_METHOD, NULL);
    if (!count_fits(row->params, params->count))
        return rpc_fault(ctx, FAULT_INCORRECT_PARAMETERS, NULL);
    if (!row->while_stopping && super_mood(ctx->super) < MOOD_RUNNING)
        return rpc_fault(ctx, FAULT_SHUTDOWN_STATE, NULL);
    if (!types_fit(row->params, params))
        return rpc_fault(ctx, FAULT_INCORRECT_PARAMETERS, NULL);
    return row->fn(ctx, params);
}

const char *rpc_arg_str(const struct rpc_value *args, size_t i)
{
    return args->items[i]->text;
}

int64_t rpc_arg_int(const struct rpc_value *args, size_t i)
{
    int64_t number = 0;
    to_int(args->items[i], &number);
    return number;
}

bool rpc_arg_true(const struct rpc_value *args, size_t i, bool fallback)
{
    if (i >= args->count)
        return fallback;
    const struct rpc_value *v = args->items[i];
    switch (v->type) {
    case RPC_NIL:
        return false;
    case RPC_BOOL:
        return v->boolean;
    case RPC_INT:
        return v->number != 0;
    case RPC_DOUBLE:
        return v->real < 0 || v->real > 0;
    case RPC_STRING:
    case RPC_BASE64:
    case RPC_DATETIME:
        return v->len > 0;
    case RPC_ARRAY:
    case RPC_STRUCT:
        break;
    }
    return v->count > 0;
}
