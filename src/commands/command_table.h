// The command table: one row per command and subcommand, from which everything else derives - dispatch, arity and
// refusals (executor.h), key extraction, COMMAND in all its forms, HELP texts, ACL categories.
//
// Rows live in tables_*.cc, one file per family, beside nothing else: facts and our own words. Immutable after start.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "commands/context.h"
#include "commands/name_index.h"
#include "commands/syntax.h"

namespace millrace::commands {

// Redis's command flags (COMMAND INFO prints them in this order).
enum Flag : uint32_t {
  kWrite = 1u << 0,
  kReadonly = 1u << 1,
  kDenyOom = 1u << 2,
  kAdmin = 1u << 3,
  kPubsub = 1u << 4,
  kNoScript = 1u << 5,
  kBlocking = 1u << 6,
  kLoading = 1u << 7,
  kStale = 1u << 8,
  kSkipMonitor = 1u << 9,
  kSkipSlowlog = 1u << 10,
  kAsking = 1u << 11,
  kFast = 1u << 12,
  kNoAuth = 1u << 13,
  kMayReplicate = 1u << 14,
  kSentinel = 1u << 15,
  kOnlySentinel = 1u << 16,
  kNoMandatoryKeys = 1u << 17,
  kProtected = 1u << 18,
  kModule = 1u << 19,
  kNoAsyncLoading = 1u << 20,
  kNoMulti = 1u << 21,
  kMovableKeys = 1u << 22,
  kAllowBusy = 1u << 23,
};

// Which partitions the executor holds while the handler runs.
enum class Locking : uint8_t {
  kKeys,  // those of the command's keys (none if it has none)
  kAll,   // every partition: the command looks at whole databases at once
  kSelf,  // none: the handler locks what it needs through context.locks, one partition at a time (all inside EXEC)
  kNone,  // none, and none are needed: the command must not keep a key locked
  kTransaction,  // EXEC: those of the client's watched keys and of all its queued commands
};

// What becomes of a command after MULTI.
enum class InMulti : uint8_t {
  kQueued,
  kRuns,  // at once: to be told that it is not allowed there
  kEnds,  // at once: the transaction ends
};

// Where the keys are, in Redis's key specification scheme.
struct KeySpec {
  enum class Begin : uint8_t { kIndex, kKeyword };
  enum class Find : uint8_t { kRange, kKeyNum };

  std::string_view flags{};  // "RO access", as COMMAND INFO prints them
  Begin begin = Begin::kIndex;
  int begin_index = 1;         // kIndex: position; kKeyword: where to start looking
  std::string_view keyword{};  // kKeyword
  Find find = Find::kRange;
  int last = 0;         // kRange: relative to the first key; negative counts from the end of the arguments
  int count_index = 0;  // kKeyNum: where the number of keys stands, and
  int first_key = 0;    // ... where the first key, both relative to what begin says
  int step = 1;
  int limit = 0;
  bool incomplete = false;
  // What it does to a key may depend on an option behind the key's value (SET ... GET): the flags of a call without it.
  std::string_view option{};
  std::string_view flags_without{};
  std::string_view notes{};
};

// Which arguments name channels that the client wants to publish or listen to.
enum class Channels : uint8_t {
  kNone,
  kFirst,     // the first argument
  kAll,       // every argument
  kPatterns,  // every argument, and each is a pattern
};

// Finds the positions of the keys where options may stand in between (XREAD, XREADGROUP). False: the arguments are
// wrong.
using KeyFinder = bool (*)(std::span<const std::string_view> args, std::vector<uint32_t>& positions);

class CommandTable;

struct CommandSpec {
  std::string_view name{};  // lower case; a subcommand's own word
  int arity = 0;            // counts the name (and a subcommand's container); negative = minimum
  uint32_t flags = 0;
  // Extra ACL categories, "stream dangerous"; @read, @write, @fast, @slow, ... follow from the flags.
  std::string_view categories{};
  std::string_view group{};  // "stream", "generic", "connection", "server"
  std::string_view since{};
  std::string_view complexity{};
  std::string_view summary{};
  std::string_view syntax{};  // arguments, in the notation of syntax.h; COMMAND DOCS derives from it
  std::string_view tips{};    // comma separated command tips
  std::vector<KeySpec> keys{};
  KeyFinder find_keys = nullptr;
  Channels channels = Channels::kNone;
  Locking locking = Locking::kKeys;
  Handler handler = nullptr;  // nullptr: a container without a body of its own
  std::vector<CommandSpec> subcommands{};
  std::string_view doc_flags{};  // "syscmd", "deprecated": as COMMAND DOCS prints them
  std::string_view deprecated_since{};
  std::string_view replaced_by{};   // "`REPLICAOF`"
  bool in_subscriber_mode = false;  // a RESP2 client that listens to something may still call it
  InMulti in_multi = InMulti::kQueued;

  // Filled in by CommandTable.
  uint32_t index = 0;       // dense, for statistics
  std::string full_name{};  // "client|id"
  uint32_t only_key = 0;    // it has this key, whatever its arguments are, and no other; 0: that depends on them
  const CommandSpec* parent = nullptr;
  const CommandTable* table = nullptr;
  std::vector<Argument> arguments{};  // syntax, parsed
};

class CommandTable {
 public:
  CommandTable();  // all rows of the server
  explicit CommandTable(std::vector<CommandSpec> rows);
  CommandTable(const CommandTable&) = delete;
  CommandTable& operator=(const CommandTable&) = delete;

  // Any case. The row itself, not a subcommand's.
  const CommandSpec* find(std::string_view name) const;
  const CommandSpec* find_subcommand(const CommandSpec& container, std::string_view name) const;
  // "xadd" or "client|kill".
  const CommandSpec* find_named(std::string_view full_name) const;
  // The row that a whole command, name first, would run; nullptr if there is no such command or subcommand.
  const CommandSpec* find_called(std::span<const std::string_view> args) const;
  const std::vector<CommandSpec>& rows() const { return rows_; }
  size_t count() const { return count_; }  // rows and subcommands: size of statistics tables
  const CommandSpec& by_index(uint32_t index) const;

 private:
  void settle(CommandSpec& spec, const CommandSpec* parent);

  std::vector<CommandSpec> rows_;
  std::vector<const CommandSpec*> by_index_;
  NameIndex names_;  // rows under kNoContainer, subcommands under their container's index
  size_t count_ = 0;
};

inline bool is_exec(const CommandSpec& spec) {
  return spec.locking == Locking::kTransaction;
}
// That many words, names included, can be a call of it.
inline bool arity_fits(const CommandSpec& spec, size_t count) {
  return spec.arity > 0 ? count == static_cast<size_t>(spec.arity) : count >= static_cast<size_t>(-spec.arity);
}
// All categories there are, in Redis's order.
std::span<const std::string_view> all_acl_categories();
// The ACL categories of a command, with those that its flags imply, in Redis's order and without '@'.
std::vector<std::string_view> acl_categories(const CommandSpec& spec);
// "write", "fast": as COMMAND INFO prints the flags.
std::vector<std::string_view> flag_names(const CommandSpec& spec);
// "RW", "update": as COMMAND INFO prints the flags of a key specification.
std::vector<std::string_view> key_flag_names(const KeySpec& spec);
// The words of a list such as tips or KeySpec::flags. Empty words are left out.
std::vector<std::string_view> split_words(std::string_view text, char separator);

// The one key extractor: dispatch, ACL and COMMAND GETKEYS use it. Positions of the keys in args, in order. False if
// the arguments cannot be understood.
bool find_keys(const CommandSpec& spec, std::span<const std::string_view> args, std::vector<uint32_t>& positions);
// Each key with the specification it was found by and the flags of this call, those that are not really keys included.
struct KeyAt {
  uint32_t position;
  const KeySpec* spec;
  std::string_view flags;
};
bool find_keys_at(const CommandSpec& spec, std::span<const std::string_view> args, std::vector<KeyAt>& keys);
// Finders for XREAD and XREADGROUP: they read the options one by one, because a group or a consumer may well be named
// STREAMS.
bool find_xread_keys(std::span<const std::string_view> args, std::vector<uint32_t>& positions);
bool find_xreadgroup_keys(std::span<const std::string_view> args, std::vector<uint32_t>& positions);

// The rows of each family, in their own files.
std::vector<CommandSpec> stream_command_rows();
std::vector<CommandSpec> string_command_rows();
std::vector<CommandSpec> key_command_rows();
std::vector<CommandSpec> pubsub_command_rows();
std::vector<CommandSpec> connection_command_rows();
std::vector<CommandSpec> transaction_command_rows();
std::vector<CommandSpec> acl_command_rows();
std::vector<CommandSpec> server_command_rows();
std::vector<CommandSpec> observation_command_rows();
std::vector<CommandSpec> topology_command_rows();

}  // namespace millrace::commands
