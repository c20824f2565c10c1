/* The functions behind the rows of rpc_table.c: one shape for all, see rpc_table.h. */
#ifndef APPLETS_SUPERVISORD_API_RPC_METHODS_H
#define APPLETS_SUPERVISORD_API_RPC_METHODS_H

#include "applets/supervisord/api/rpc_reply.h"

/* The version of Supervisor whose behaviour this is: clients compare it. */
#define SUPERVISOR_VERSION "4.4.0"

#define RPC_METHOD(name)                                                                 \
    enum rpc_outcome name(struct rpc_ctx *ctx, const struct rpc_value *args)

/* rpc_super.c: the daemon itself and its groups */
RPC_METHOD(rpc_get_api_version);
RPC_METHOD(rpc_get_supervisor_version);
RPC_METHOD(rpc_get_identification);
RPC_METHOD(rpc_get_state);
RPC_METHOD(rpc_get_pid);
RPC_METHOD(rpc_shutdown);
RPC_METHOD(rpc_restart);
RPC_METHOD(rpc_reload_config);
RPC_METHOD(rpc_add_group);
RPC_METHOD(rpc_remove_group);
RPC_METHOD(rpc_send_event);

/* rpc_upgrade.c: another binary */
RPC_METHOD(rpc_upgrade);
RPC_METHOD(rpc_get_build);

/* rpc_process.c: acting on processes */
RPC_METHOD(rpc_start_process);
RPC_METHOD(rpc_start_group);
RPC_METHOD(rpc_start_all);
RPC_METHOD(rpc_stop_process);
RPC_METHOD(rpc_stop_group);
RPC_METHOD(rpc_stop_all);
RPC_METHOD(rpc_signal_process);
RPC_METHOD(rpc_signal_group);
RPC_METHOD(rpc_signal_all);
RPC_METHOD(rpc_clear_process_logs);
RPC_METHOD(rpc_clear_all_process_logs);
RPC_METHOD(rpc_send_stdin);

/* rpc_info.c: looking at processes */
RPC_METHOD(rpc_get_process_info);
RPC_METHOD(rpc_get_all_process_info);
RPC_METHOD(rpc_get_all_config_info);

/* rpc_logs.c: reading logs */
RPC_METHOD(rpc_read_log);
RPC_METHOD(rpc_clear_log);
RPC_METHOD(rpc_read_stdout_log);
RPC_METHOD(rpc_read_stderr_log);
RPC_METHOD(rpc_tail_stdout_log);
RPC_METHOD(rpc_tail_stderr_log);

/* rpc_system.c, rpc_multicall.c */
RPC_METHOD(rpc_list_methods);
RPC_METHOD(rpc_method_help);
RPC_METHOD(rpc_method_signature);
RPC_METHOD(rpc_multicall);

#endif
