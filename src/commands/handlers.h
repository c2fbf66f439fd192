// Every handler the command table points to, in the order of the families. Which file defines one follows from its
// name.
#pragma once

#include "commands/context.h"

namespace millrace::commands {

// Streams.
void xadd_command(CommandContext& context);
void xlen_command(CommandContext& context);
void xrange_command(CommandContext& context);
void xrevrange_command(CommandContext& context);
void xread_command(CommandContext& context);
void xreadgroup_command(CommandContext& context);
void xdel_command(CommandContext& context);
void xdelex_command(CommandContext& context);
void xtrim_command(CommandContext& context);
void xsetid_command(CommandContext& context);
void xack_command(CommandContext& context);
void xackdel_command(CommandContext& context);
void xnack_command(CommandContext& context);
void xpending_command(CommandContext& context);
void xclaim_command(CommandContext& context);
void xautoclaim_command(CommandContext& context);
void xcfgset_command(CommandContext& context);
void xidmprecord_command(CommandContext& context);
void xinfo_stream_command(CommandContext& context);
void xinfo_groups_command(CommandContext& context);
void xinfo_consumers_command(CommandContext& context);
void xinfo_help_command(CommandContext& context);
void xgroup_create_command(CommandContext& context);
void xgroup_setid_command(CommandContext& context);
void xgroup_destroy_command(CommandContext& context);
void xgroup_createconsumer_command(CommandContext& context);
void xgroup_delconsumer_command(CommandContext& context);
void xgroup_help_command(CommandContext& context);

// Pub/sub.
void subscribe_command(CommandContext& context);
void unsubscribe_command(CommandContext& context);
void psubscribe_command(CommandContext& context);
void punsubscribe_command(CommandContext& context);
void ssubscribe_command(CommandContext& context);
void sunsubscribe_command(CommandContext& context);
void publish_command(CommandContext& context);
void spublish_command(CommandContext& context);
void pubsub_channels_command(CommandContext& context);
void pubsub_numpat_command(CommandContext& context);
void pubsub_numsub_command(CommandContext& context);
void pubsub_shardchannels_command(CommandContext& context);
void pubsub_shardnumsub_command(CommandContext& context);
void pubsub_help_command(CommandContext& context);

// Strings.
void get_command(CommandContext& context);
void mget_command(CommandContext& context);
void strlen_command(CommandContext& context);
void getrange_command(CommandContext& context);
void getdel_command(CommandContext& context);
void getex_command(CommandContext& context);
void set_command(CommandContext& context);
void setnx_command(CommandContext& context);
void setex_command(CommandContext& context);
void psetex_command(CommandContext& context);
void getset_command(CommandContext& context);
void mset_command(CommandContext& context);
void msetnx_command(CommandContext& context);
void incr_command(CommandContext& context);
void decr_command(CommandContext& context);
void incrby_command(CommandContext& context);
void decrby_command(CommandContext& context);
void incrbyfloat_command(CommandContext& context);
void append_command(CommandContext& context);
void setrange_command(CommandContext& context);
void lcs_command(CommandContext& context);

// Keys.
void del_command(CommandContext& context);
void unlink_command(CommandContext& context);
void exists_command(CommandContext& context);
void type_command(CommandContext& context);
void touch_command(CommandContext& context);
void expire_command(CommandContext& context);
void pexpire_command(CommandContext& context);
void expireat_command(CommandContext& context);
void pexpireat_command(CommandContext& context);
void ttl_command(CommandContext& context);
void pttl_command(CommandContext& context);
void expiretime_command(CommandContext& context);
void pexpiretime_command(CommandContext& context);
void persist_command(CommandContext& context);
void keys_command(CommandContext& context);
void scan_command(CommandContext& context);
void randomkey_command(CommandContext& context);
void dbsize_command(CommandContext& context);
void rename_command(CommandContext& context);
void renamenx_command(CommandContext& context);
void copy_command(CommandContext& context);
void dump_command(CommandContext& context);
void restore_command(CommandContext& context);
void move_command(CommandContext& context);
void flushdb_command(CommandContext& context);
void flushall_command(CommandContext& context);
void object_encoding_command(CommandContext& context);
void object_freq_command(CommandContext& context);
void object_idletime_command(CommandContext& context);
void object_refcount_command(CommandContext& context);
void object_help_command(CommandContext& context);

// Transactions.
void multi_command(CommandContext& context);
void exec_command(CommandContext& context);
void discard_command(CommandContext& context);
void watch_command(CommandContext& context);
void unwatch_command(CommandContext& context);

// The connection.
void ping_command(CommandContext& context);
void echo_command(CommandContext& context);
void hello_command(CommandContext& context);
void auth_command(CommandContext& context);
void select_command(CommandContext& context);
void monitor_command(CommandContext& context);
void quit_command(CommandContext& context);
void reset_command(CommandContext& context);
void client_id_command(CommandContext& context);
void client_info_command(CommandContext& context);
void client_list_command(CommandContext& context);
void client_getname_command(CommandContext& context);
void client_setname_command(CommandContext& context);
void client_setinfo_command(CommandContext& context);
void client_kill_command(CommandContext& context);
void client_unblock_command(CommandContext& context);
void client_reply_command(CommandContext& context);
void client_no_evict_command(CommandContext& context);
void client_no_touch_command(CommandContext& context);
void client_pause_command(CommandContext& context);
void client_unpause_command(CommandContext& context);
void client_tracking_command(CommandContext& context);
void client_caching_command(CommandContext& context);
void client_getredir_command(CommandContext& context);
void client_trackinginfo_command(CommandContext& context);
void client_help_command(CommandContext& context);

// Users and their rules.
void acl_cat_command(CommandContext& context);
void acl_deluser_command(CommandContext& context);
void acl_dryrun_command(CommandContext& context);
void acl_genpass_command(CommandContext& context);
void acl_getuser_command(CommandContext& context);
void acl_list_command(CommandContext& context);
void acl_load_command(CommandContext& context);
void acl_log_command(CommandContext& context);
void acl_save_command(CommandContext& context);
void acl_setuser_command(CommandContext& context);
void acl_users_command(CommandContext& context);
void acl_whoami_command(CommandContext& context);
void acl_help_command(CommandContext& context);

// The server.
void info_command(CommandContext& context);
void config_get_command(CommandContext& context);
void config_set_command(CommandContext& context);
void config_resetstat_command(CommandContext& context);
void config_rewrite_command(CommandContext& context);
void config_help_command(CommandContext& context);
void time_command(CommandContext& context);
void shutdown_command(CommandContext& context);
void save_command(CommandContext& context);
void bgsave_command(CommandContext& context);
void bgrewriteaof_command(CommandContext& context);
void wait_command(CommandContext& context);
void waitaof_command(CommandContext& context);
void lastsave_command(CommandContext& context);
void debug_command(CommandContext& context);
void memory_usage_command(CommandContext& context);
void memory_stats_command(CommandContext& context);
void memory_doctor_command(CommandContext& context);
void memory_purge_command(CommandContext& context);
void memory_malloc_stats_command(CommandContext& context);
void memory_help_command(CommandContext& context);
void lolwut_command(CommandContext& context);
void swapdb_command(CommandContext& context);

// What took long.
void slowlog_get_command(CommandContext& context);
void slowlog_len_command(CommandContext& context);
void slowlog_reset_command(CommandContext& context);
void slowlog_help_command(CommandContext& context);
void latency_doctor_command(CommandContext& context);
void latency_graph_command(CommandContext& context);
void latency_histogram_command(CommandContext& context);
void latency_history_command(CommandContext& context);
void latency_latest_command(CommandContext& context);
void latency_reset_command(CommandContext& context);
void latency_help_command(CommandContext& context);

// Several servers, and modules.
void role_command(CommandContext& context);
void replicaof_command(CommandContext& context);
void failover_command(CommandContext& context);
void cluster_disabled_command(CommandContext& context);
void module_list_command(CommandContext& context);
void module_load_command(CommandContext& context);
void module_unload_command(CommandContext& context);
void module_help_command(CommandContext& context);

// The command table itself.
void command_command(CommandContext& context);
void command_count_command(CommandContext& context);
void command_list_command(CommandContext& context);
void command_info_command(CommandContext& context);
void command_docs_command(CommandContext& context);
void command_getkeys_command(CommandContext& context);
void command_getkeysandflags_command(CommandContext& context);
void command_help_command(CommandContext& context);

}  // namespace millrace::commands
