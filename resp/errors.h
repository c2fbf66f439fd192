// Every client-visible error text that is generic or used in more than one place, byte for byte as Redis spells it.
//
// Texts are what ReplyWriter::error() takes: without a leading '-' they are sent under the code ERR; with it the first
// word is the code. A text with a variable part is a function. Where releases differ, stream commands use the newest
// wording and everything else that of 7.0.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace millrace::resp {

// ---- any command
inline constexpr std::string_view kWrongType = "-WRONGTYPE Operation against a key holding the wrong kind of value";
inline constexpr std::string_view kSyntax = "syntax error";
inline constexpr std::string_view kNotInteger = "value is not an integer or out of range";
inline constexpr std::string_view kNoSuchKey = "no such key";
inline constexpr std::string_view kTimeoutNotInteger = "timeout is not an integer or out of range";
inline constexpr std::string_view kTimeoutNegative = "timeout is negative";

// ---- gate: refused before the handler runs
inline constexpr std::string_view kNoAuth = "-NOAUTH Authentication required.";
inline constexpr std::string_view kKeyDenied = "-NOPERM No permissions to access a key";
inline constexpr std::string_view kChannelDenied = "-NOPERM No permissions to access a channel";
// The wording before 7.2.
inline constexpr std::string_view kKeyDeniedBefore72 =
    "-NOPERM this user has no permissions to access one of the keys used as arguments";
inline constexpr std::string_view kChannelDeniedBefore72 =
    "-NOPERM this user has no permissions to access one of the channels used as arguments";
inline constexpr std::string_view kReplicaKeyspace = "Replica can't interact with the keyspace";
inline constexpr std::string_view kOutOfMemory = "-OOM command not allowed when used memory > 'maxmemory'.";
inline constexpr std::string_view kSnapshotsFail =
    "-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that "
    "may "
    "modify the data set are disabled, because this instance is configured to report errors during writes if RDB "
    "snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB "
    "error.";
inline constexpr std::string_view kIsLoading = "-LOADING Redis is loading the dataset in memory";
inline constexpr std::string_view kNoMemoryForRequest = "-OOM not enough memory for the request";
inline constexpr std::string_view kNotInTransaction = "Command not allowed inside a transaction";
inline constexpr std::string_view kProtectedMode =
    "-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the "
    "default user. In this mode connections are only accepted from the loopback interface. If you want to connect from "
    "external computers to Redis you may adopt one of the following solutions: 1) Just disable protected mode sending "
    "the command 'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the same host "
    "the server is running, however MAKE SURE Redis is not publicly accessible from internet if you do so. Use CONFIG "
    "REWRITE to make this change permanent. 2) Alternatively you can just disable the protected mode by editing the "
    "Redis configuration file, and setting the protected mode option to 'no', and then restarting the server. 3) If "
    "you started the server manually just for testing, restart it with the '--protected-mode no' option. 4) Setup a "
    "an authentication password for the default user. NOTE: You only need to do one of the above things in order for "
    "the server to start accepting connections from the outside.";
inline constexpr std::string_view kMaxClients = "-ERR max number of clients reached";

// ---- connection
inline constexpr std::string_view kNoProto = "-NOPROTO unsupported protocol version";
inline constexpr std::string_view kProtocolNotInteger = "Protocol version is not an integer or out of range";
inline constexpr std::string_view kWrongPass = "-WRONGPASS invalid username-password pair or user is disabled.";
inline constexpr std::string_view kNoPasswordConfigured =
    "AUTH <password> called without any password configured for the default user. Are you sure your configuration is "
    "correct?";
inline constexpr std::string_view kHelloNoAuth =
    "-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option "
    "can be used to authenticate the client and select the RESP protocol version at the same time";
inline constexpr std::string_view kInvalidClientName =
    "Client names cannot contain spaces, newlines or special characters.";
inline constexpr std::string_view kInvalidDbIndex = "DB index is out of range";
inline constexpr std::string_view kNoSuchClient = "No such client";
inline constexpr std::string_view kInvalidClientId = "Invalid client ID";
inline constexpr std::string_view kClientIdNotPositive = "client-id should be greater than 0";
inline constexpr std::string_view kMaxAgeNotInteger = "maxage is not an integer or out of range";
inline constexpr std::string_view kMaxAgeNotPositive = "maxage should be greater than 0";
inline constexpr std::string_view kClientPauseMode = "CLIENT PAUSE mode must be WRITE or ALL";
inline constexpr std::string_view kClientUnblockReason = "CLIENT UNBLOCK reason should be TIMEOUT or ERROR";
inline constexpr std::string_view kUnblockedByClient = "-UNBLOCKED client unblocked via CLIENT UNBLOCK";

// ---- transactions
inline constexpr std::string_view kNestedMulti = "MULTI calls can not be nested";
inline constexpr std::string_view kWatchInMulti = "WATCH inside MULTI is not allowed";
inline constexpr std::string_view kExecWithoutMulti = "EXEC without MULTI";
inline constexpr std::string_view kDiscardWithoutMulti = "DISCARD without MULTI";
inline constexpr std::string_view kExecAbort = "-EXECABORT Transaction discarded because of previous errors.";
inline constexpr std::string_view kMonitorDenied = "MONITOR isn't allowed for DENY BLOCKING client";
inline constexpr std::string_view kSsubscribeDenied = "SSUBSCRIBE isn't allowed for a DENY BLOCKING client";

// ---- ACL
inline constexpr std::string_view kUserNameCharacters = "Usernames can't contain spaces or null characters";
inline constexpr std::string_view kDefaultUserStays = "The 'default' user cannot be removed";
inline constexpr std::string_view kGenpassBits =
    "ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096";
inline constexpr std::string_view kNoAclFile =
    "This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER "
    "command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store "
    "users in the Redis configuration.";
inline constexpr std::string_view kAclSaveFailed =
    "There was an error trying to save the ACLs. Please check the server logs for more information";

// ---- WAIT and WAITAOF
inline constexpr std::string_view kNotZeroOrOne = "value is out of range, value must between 0 and 1";
inline constexpr std::string_view kNotPositive = "value is out of range, must be positive";
inline constexpr std::string_view kNoJournalToWaitFor =
    "WAITAOF cannot be used when numlocal is set but appendonly is disabled.";

// ---- client-side caching
inline constexpr std::string_view kTrackingTwoRedirects = "A client can only redirect to a single other client";
inline constexpr std::string_view kTrackingNoRedirect = "The client ID you want redirect to does not exist";
inline constexpr std::string_view kTrackingPrefixNeedsBroadcast = "PREFIX option requires BCAST mode to be enabled";
inline constexpr std::string_view kTrackingSwitchBroadcast =
    "You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a "
    "different mode.";
inline constexpr std::string_view kTrackingOptBroadcast = "OPTIN and OPTOUT are not compatible with BCAST";
inline constexpr std::string_view kTrackingOptBoth = "You can't specify both OPTIN mode and OPTOUT mode";
inline constexpr std::string_view kTrackingSwitchOpt =
    "You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a "
    "different mode.";
inline constexpr std::string_view kCachingNotTracking =
    "CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled";
inline constexpr std::string_view kCachingYesNotOptIn =
    "CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.";
inline constexpr std::string_view kCachingNoNotOptOut =
    "CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.";

// ---- keys
inline constexpr std::string_view kSameObject = "source and destination objects are the same";
// RESTORE.
inline constexpr std::string_view kBusyKey = "-BUSYKEY Target key name already exists.";
inline constexpr std::string_view kInvalidTtl = "Invalid TTL value, must be >= 0";
inline constexpr std::string_view kInvalidIdleTime = "Invalid IDLETIME value, must be >= 0";
inline constexpr std::string_view kInvalidFrequency = "Invalid FREQ value, must be >= 0 and <= 255";
inline constexpr std::string_view kBadDump = "DUMP payload version or checksum are wrong";
inline constexpr std::string_view kBadDumpValue = "Bad data format";
inline constexpr std::string_view kInvalidCursor = "invalid cursor";
// EXPIRE and its family.
inline constexpr std::string_view kNxXxGtLt = "NX and XX, GT or LT options at the same time are not compatible";
inline constexpr std::string_view kGtLt = "GT and LT options at the same time are not compatible";
// Strings.
inline constexpr std::string_view kStringTooLong = "string exceeds maximum allowed size (proto-max-bulk-len)";
inline constexpr std::string_view kOffsetOutOfRange = "offset is out of range";
inline constexpr std::string_view kCountOverflows = "increment or decrement would overflow";
inline constexpr std::string_view kDecrementOverflows = "decrement would overflow";
inline constexpr std::string_view kNotFloat = "value is not a valid float";
inline constexpr std::string_view kNotFinite = "increment would produce NaN or Infinity";
inline constexpr std::string_view kLcsNeedsStrings = "The specified keys must contain string values";
inline constexpr std::string_view kLcsLengthAndIndexes =
    "If you want both the length and indexes, please just use IDX.";
inline constexpr std::string_view kLcsTooLong = "String too long for LCS";
inline constexpr std::string_view kLcsNeedsMemory =
    "Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
inline constexpr std::string_view kLfuNotSelected =
    "An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between "
    "policies at runtime LRU and LFU data will take some time to adjust.";

// ---- server
inline constexpr std::string_view kPurgeFailed = "Error purging dirty pages";
inline constexpr std::string_view kSaveInProgress = "Background save already in progress";
inline constexpr std::string_view kRewriteBeforeSave =
    "Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a BGSAVE "
    "whenever possible.";
inline constexpr std::string_view kRewriteInProgress = "Background append only file rewriting already in progress";
inline constexpr std::string_view kRewriteFailed =
    "Can't execute an AOF background rewriting. Please check the server logs for more information.";
inline constexpr std::string_view kSaveFailed = "-ERR";
inline constexpr std::string_view kLoadFailed = "Error trying to load the RDB dump";
inline constexpr std::string_view kJournalLoadFailed = "Error trying to load the append only file";
inline constexpr std::string_view kReloadOptions = "DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.";
inline constexpr std::string_view kShutdownFailed = "Errors trying to SHUTDOWN. Check logs.";
inline constexpr std::string_view kNoShutdownInProgress = "No shutdown in progress.";
inline constexpr std::string_view kSlowlogCount = "count should be greater than or equal to -1";
inline constexpr std::string_view kInvalidFirstDb = "invalid first DB index";
inline constexpr std::string_view kInvalidSecondDb = "invalid second DB index";
inline constexpr std::string_view kInvalidCommandSpecified = "Invalid command specified";
inline constexpr std::string_view kInvalidArgumentCount = "Invalid number of arguments specified for command";
inline constexpr std::string_view kCommandHasNoKeys = "The command has no key arguments";

// ---- several servers, and modules
inline constexpr std::string_view kClusterDisabled = "This instance has cluster support disabled";
inline constexpr std::string_view kInvalidMasterPort = "Invalid master port";
inline constexpr std::string_view kNoReplication = "Replication is not supported: only REPLICAOF NO ONE is accepted";
inline constexpr std::string_view kNoFailover = "No failover in progress.";
inline constexpr std::string_view kFailoverTimeout = "FAILOVER timeout must be greater than 0";
inline constexpr std::string_view kFailoverNeedsReplicas = "FAILOVER requires connected replicas.";
inline constexpr std::string_view kModuleLoad = "Error loading the extension. Please check the server logs.";
inline constexpr std::string_view kModuleUnload = "Error unloading module: no such module with that name";

// ---- streams: ids, XADD, XTRIM
inline constexpr std::string_view kInvalidStreamId = "Invalid stream ID specified as stream command argument";
inline constexpr std::string_view kTrimBothStrategies =
    "syntax error, MAXLEN and MINID options at the same time are not compatible";
inline constexpr std::string_view kNegativeMaxLen = "The MAXLEN argument must be >= 0.";
inline constexpr std::string_view kNegativeTrimLimit = "The LIMIT argument must be >= 0.";
inline constexpr std::string_view kLimitWithoutStrategy =
    "syntax error, LIMIT cannot be used without specifying a trimming strategy";
inline constexpr std::string_view kLimitWithoutTilde =
    "syntax error, LIMIT cannot be used without the special ~ option";
inline constexpr std::string_view kTrimWithoutStrategy = "syntax error, XTRIM must be called with a trimming strategy";
inline constexpr std::string_view kIdmpTwice = "syntax error, IDMP/IDMPAUTO specified multiple times";
inline constexpr std::string_view kIdmpAutoEmptyProducer = "syntax error, IDMPAUTO requires a non-empty producer ID";
inline constexpr std::string_view kIdmpEmptyProducer = "syntax error, IDMP requires a non-empty producer ID";
inline constexpr std::string_view kIdmpEmptyId = "syntax error, IDMP requires a non-empty idempotent ID";
inline constexpr std::string_view kIdmpNeedsAutoId =
    "syntax error, IDMP/IDMPAUTO can be used only with auto-generated IDs";
inline constexpr std::string_view kXaddZeroId = "The ID specified in XADD must be greater than 0-0";
inline constexpr std::string_view kXaddExhausted =
    "The stream has exhausted the last possible ID, unable to add more items";
inline constexpr std::string_view kXaddIdTooSmall =
    "The ID specified in XADD is equal or smaller than the target stream top item";
inline constexpr std::string_view kXaddTooLarge = "Elements are too large to be stored";

// ---- streams: XDELEX, XACKDEL, XNACK
inline constexpr std::string_view kIdCountNotPositive = "Number of IDs must be a positive integer";
inline constexpr std::string_view kIdCountMismatch = "The `numids` parameter must match the number of arguments";
inline constexpr std::string_view kIdsRequired = "IDS option is required";
inline constexpr std::string_view kXnackMode = "mode must be SILENT, FAIL, or FATAL";
inline constexpr std::string_view kXnackIdCountNotPositive = "numids must be a positive integer";
inline constexpr std::string_view kXnackIdCountMismatch = "number of IDs doesn't match numids";
inline constexpr std::string_view kXnackRetryCount = "Invalid RETRYCOUNT value, must be >= 0";
inline constexpr std::string_view kXnackNoIds = "syntax error, expected IDS keyword";

// ---- streams: XREAD, XREADGROUP
inline constexpr std::string_view kClaimOnlyInGroup =
    "The CLAIM option is only supported by XREADGROUP. You called XREAD instead.";
inline constexpr std::string_view kGroupOnlyInGroup =
    "The GROUP option is only supported by XREADGROUP. You called XREAD instead.";
inline constexpr std::string_view kNoAckOnlyInGroup =
    "The NOACK option is only supported by XREADGROUP. You called XREAD instead.";
inline constexpr std::string_view kMinIdleNotInteger = "min-idle-time is not an integer or out of range";
inline constexpr std::string_view kMinIdleNegative = "min-idle-time must be a positive integer";
inline constexpr std::string_view kMaxCountNotPositive = "MAXCOUNT must be a positive integer";
inline constexpr std::string_view kMaxSizeNotPositive = "MAXSIZE must be a positive integer";
inline constexpr std::string_view kMaxCountBelowCount = "MAXCOUNT must be greater than or equal to COUNT";
inline constexpr std::string_view kUnbalancedXread =
    "Unbalanced 'xread' list of streams: for each stream key an ID, '+', or '$' must be specified.";
inline constexpr std::string_view kUnbalancedXreadgroup =
    "Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified.";
inline constexpr std::string_view kMissingGroup = "Missing GROUP option for XREADGROUP";
inline constexpr std::string_view kDollarInGroup =
    "The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying "
    "a "
    "proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.";
inline constexpr std::string_view kPlusInGroup =
    "The + ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying "
    "a "
    "proper ID, or use the > ID to get new messages. The + ID would just return an empty result set.";
inline constexpr std::string_view kNewOnlyInGroup =
    "The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.";

// ---- streams: XCFGSET, XIDMPRECORD
inline constexpr std::string_view kIdmpDurationTwice = "IDMP-DURATION specified multiple times";
inline constexpr std::string_view kIdmpMaxSizeTwice = "IDMP-MAXSIZE specified multiple times";
inline constexpr std::string_view kIdmpDurationRange = "IDMP-DURATION must be between 1 and 86400 seconds";
inline constexpr std::string_view kIdmpMaxSizeRange = "IDMP-MAXSIZE must be between 1 and 10000 entries";
inline constexpr std::string_view kXcfgsetNothing = "At least one parameter must be specified";
inline constexpr std::string_view kEmptyProducerId = "producer ID must be non-empty";
inline constexpr std::string_view kEmptyIdempotentId = "idempotent ID must be non-empty";
inline constexpr std::string_view kNoSuchMessage = "No such message in stream";
inline constexpr std::string_view kIdempotentIdTaken =
    "IID already exists for this producer with a different stream ID";

// ---- streams: XRANGE, XPENDING, XCLAIM, XAUTOCLAIM, XGROUP, XSETID
inline constexpr std::string_view kInvalidRangeStart = "invalid start ID for the interval";
inline constexpr std::string_view kInvalidRangeEnd = "invalid end ID for the interval";
inline constexpr std::string_view kXclaimMinIdle = "Invalid min-idle-time argument for XCLAIM";
inline constexpr std::string_view kXclaimIdle = "Invalid IDLE option argument for XCLAIM";
inline constexpr std::string_view kXclaimTime = "Invalid TIME option argument for XCLAIM";
inline constexpr std::string_view kXclaimRetryCount = "Invalid RETRYCOUNT option argument for XCLAIM";
inline constexpr std::string_view kXautoclaimMinIdle = "Invalid min-idle-time argument for XAUTOCLAIM";
inline constexpr std::string_view kCountNotPositive = "COUNT must be > 0";
inline constexpr std::string_view kBusyGroup = "-BUSYGROUP Consumer Group name already exists";
inline constexpr std::string_view kXgroupNeedsKey =
    "The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to "
    "create an empty stream automatically.";
inline constexpr std::string_view kEntriesRead = "value for ENTRIESREAD must be positive or -1";
inline constexpr std::string_view kEntriesAddedNegative = "entries_added must be positive";
inline constexpr std::string_view kXsetidBelowGivenMaxDeleted =
    "The ID specified in XSETID is smaller than the provided max_deleted_entry_id";
inline constexpr std::string_view kXsetidBelowMaxDeleted =
    "The ID specified in XSETID is smaller than current max_deleted_entry_id";
inline constexpr std::string_view kXsetidBelowTop =
    "The ID specified in XSETID is smaller than the target stream top item";
inline constexpr std::string_view kXsetidBelowLength =
    "The entries_added specified in XSETID is smaller than the target stream length";

// ---- texts with a variable part
// `command` is the full lower-case name: "xadd", "xgroup|create".
std::string journal_fails(std::string_view why);
// EXEC, of a command whose permission was taken away after it was queued.
std::string rules_changed(std::string_view reason);
std::string exec_refused(std::string_view error);  // EXEC, had it been any other command
std::string wrong_arity(std::string_view command);
std::string invalid_expire(std::string_view command);
// `subcommand` as the client wrote it, `container` in upper case.
std::string unknown_subcommand(std::string_view subcommand, std::string_view container);
std::string unknown_subcommand_or_arity(std::string_view subcommand, std::string_view container);
// args[0] is the name. Redis cuts the name and the list of arguments at 128 bytes each.
std::string unknown_command(std::span<const std::string_view> args);
std::string no_group(std::string_view key, std::string_view group);  // XCLAIM, XPENDING, XNACK, ...
std::string no_group_in_xreadgroup(std::string_view key, std::string_view group);
std::string no_consumer_group(std::string_view group, std::string_view key);  // XGROUP, XINFO
std::string unrecognized_xclaim_option(std::string_view word);
std::string unrecognized_xnack_option(std::string_view word);
std::string unsupported_option(std::string_view word);  // EXPIRE
std::string only_in_subscriber_mode(std::string_view command);
std::string no_latency_samples(std::string_view event);  // LATENCY GRAPH
std::string hello_option(std::string_view word);
std::string unknown_client_type(std::string_view type);
std::string no_such_user(std::string_view name);
// ACL. `who` is "User alice", or "this user".
std::string command_denied(std::string_view who, std::string_view command);
std::string argument_denied(std::string_view who, std::string_view argument, std::string_view kind);
std::string unmatched_parenthesis(std::string_view beginning);
std::string unknown_category(std::string_view name);
std::string user_not_found(std::string_view name);
std::string command_not_found(std::string_view name);
std::string debug_not_allowed(std::string_view command, std::string_view option);
std::string client_attribute_characters(std::string_view attribute);  // CLIENT SETINFO
std::string unrecognized_attribute(std::string_view attribute);
// CLIENT TRACKING; `kind` is "an existing" or "another provided".
std::string overlapping_prefix(std::string_view prefix, std::string_view kind, std::string_view other);

}  // namespace millrace::resp
