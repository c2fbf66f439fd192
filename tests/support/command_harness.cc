// See command_harness.h.
#include "support/command_harness.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "commands/server.h"

namespace millrace::tests {

using commands::BlockedCommand;
using commands::CommandSpec;

namespace {

constexpr int kDatabase = 0;

class QuietHost final : public commands::Host {
 public:
  uint32_t core_index() const override { return 0; }
  void deliver(commands::Client&, std::string_view) override {}
  void resume(commands::Client&) override {}
  void kill(commands::Client&, bool) override {}
  void pause_changed() override {}
  void settings_changed() override {}
  void shut_down() override {}
  void stall(int64_t) override {}
  Instant read_clock() override { return {}; }
};

std::vector<std::string> split(std::string_view line) {
  std::vector<std::string> words;
  while (!line.empty()) {
    const size_t end = std::min(line.find(' '), line.size());
    if (end > 0) words.emplace_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

}  // namespace

struct CommandHarness::Parts {
  settings::Settings settings;
  Log log{"/dev/null"};
  commands::CommandTable table{commands::stream_command_rows()};
  commands::Server server{settings, log, {.partitions = 8}, {}, table.count()};
  keyspace::PartitionLocks locks{server.keyspace};
  keyspace::KeyEvents events;
  QuietHost host;
  Random random{1};
  Ref<commands::Client> client = Ref<commands::Client>::make(commands::Client::Fixed{});
  std::vector<Ref<BlockedCommand>> blocked;
  std::vector<std::string> woken;

  const CommandSpec& find(std::span<const std::string_view> args) const {
    const CommandSpec* spec = table.find(args[0]);
    CHECK(spec != nullptr);
    if (!spec->subcommands.empty()) spec = table.find_subcommand(*spec, args[1]);
    CHECK(spec != nullptr);
    return *spec;
  }

  // Where the arguments make no sense nothing is held: the handler must find the mistake before it reaches for a key.
  void hold_keys(const CommandSpec& spec, std::span<const std::string_view> args) {
    std::vector<uint32_t> positions;
    std::vector<keyspace::PartitionIndex> partitions;
    if (commands::find_keys(spec, args, positions)) {
      for (const uint32_t at : positions) partitions.push_back(server.keyspace.partition_of(args[at]));
    }
    locks.hold(partitions);
  }

  keyspace::Partition& partition_of(std::string_view key) {
    keyspace::Partition& partition = server.keyspace.partition(server.keyspace.partition_of(key));
    partition.mutex.assert_held();
    return partition;
  }

  void queue(const Ref<BlockedCommand>& command) {
    for (const keyspace::KeyPlace& place : command->places()) {
      partition_of(place.key).waiters().add(place, Ref<keyspace::Waiter>(command));
    }
    blocked.push_back(command);
  }
};

CommandHarness::CommandHarness() : parts_(std::make_unique<Parts>()) {}

CommandHarness::~CommandHarness() = default;

std::string CommandHarness::run(const Words& words) {
  const std::vector<std::string_view> args(words.begin(), words.end());
  Parts& parts = *parts_;
  const CommandSpec& spec = parts.find(args);
  parts.hold_keys(spec, args);
  Buffer out;
  resp::ReplyWriter reply(out, parts.client->session.protocol);
  keyspace::Database db(parts.server.keyspace, kDatabase, now_, parts.events);
  commands::CommandContext context{spec, args,        *parts.client, parts.server, parts.host, reply,
                                   db,   parts.locks, parts.random,  now_,         {}};
  spec.handler(context);
  if (context.blocked) {
    CHECK(out.empty());
    parts.queue(context.blocked);
  }
  const std::string text(out.view());
  answer_ready();
  parts.locks.release();
  return text;
}

std::string CommandHarness::run(std::string_view line) {
  return run(split(line));
}

std::string CommandHarness::run_resp3(std::string_view line) {
  resp::Protocol& protocol = parts_->client->session.protocol;
  protocol = resp::Protocol::kResp3;
  std::string reply = run(line);
  protocol = resp::Protocol::kResp2;
  return reply;
}

void CommandHarness::answer_ready() {
  const auto ready = std::exchange(parts_->events.ready, {});
  for (const keyspace::KeyPlace& place : ready) answer(place);
}

// REQUIRES: the key's partition is held.
void CommandHarness::answer(const keyspace::KeyPlace& place) {
  Parts& parts = *parts_;
  keyspace::WaiterTable& waiters = parts.partition_of(place.key).waiters();
  keyspace::WaiterTable::Queue* queue = waiters.find(place.database, place.key);
  if (queue == nullptr) return;
  keyspace::Database db(parts.server.keyspace, place.database, now_, parts.events);
  for (const Ref<keyspace::Waiter>& waiter : *queue) {
    if (!waiter->is_waiting()) continue;
    auto& command = static_cast<BlockedCommand&>(*waiter);
    Buffer out;
    resp::ReplyWriter reply(out, command.protocol());
    if (command.try_answer(db, place.key, reply)) {
      CHECK(!command.is_waiting() && !out.empty());
      parts.woken.emplace_back(out.view());
    } else {
      CHECK(out.empty());
    }
  }
  waiters.sweep(place);
}

std::vector<std::string> CommandHarness::take_woken() {
  return std::exchange(parts_->woken, {});
}

BlockedCommand& CommandHarness::blocked() {
  CHECK(!parts_->blocked.empty());
  return *parts_->blocked.back();
}

size_t CommandHarness::blocked_count() const {
  size_t count = 0;
  for (const auto& command : parts_->blocked) count += command->is_waiting() ? 1 : 0;
  return count;
}

void CommandHarness::look_again(std::string_view key) {
  parts_->locks.hold_one(parts_->server.keyspace.partition_of(key));
  answer({kDatabase, std::string(key)});
  parts_->locks.release();
}

std::string CommandHarness::time_out() {
  CHECK(blocked().claim());
  Buffer out;
  resp::ReplyWriter reply(out, blocked().protocol());
  blocked().write_timeout(reply);
  return std::string(out.view());
}

void CommandHarness::advance_ms(int64_t ms) {
  now_.unix_ms += ms;
  now_.monotonic_ns += ms * 1'000'000;
}

void CommandHarness::set_compat_version(uint32_t version) {
  parts_->settings.compat_version_packed.store(version);
}

settings::Settings& CommandHarness::settings() {
  return parts_->settings;
}

void CommandHarness::remove_key(std::string_view key) {
  parts_->locks.hold_one(parts_->server.keyspace.partition_of(key));
  keyspace::Database(parts_->server.keyspace, kDatabase, now_, parts_->events).remove(key);
  answer_ready();
  parts_->locks.release();
}

uint64_t CommandHarness::take_changes() {
  return std::exchange(parts_->events.changes, 0);
}

}  // namespace millrace::tests
