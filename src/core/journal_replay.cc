// See journal_replay.h.
#include "core/journal_replay.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/letters.h"

namespace millrace::core {
namespace {

// Under one hold of the partitions: some milliseconds.
constexpr size_t kBatchCommands = 16384;
constexpr uint64_t kBatchBytes = 4 << 20;
constexpr uint64_t kFailuresLogged = 5;
constexpr size_t kNameBytesMax = 32;  // of a name that nobody knows, in the log

// What SELECT or SWAPDB does, as part of a sentence.
std::string chosen_databases(std::span<const std::string_view> args) {
  const auto shown = [&](size_t i) { return std::string(args[i].substr(0, kNameBytesMax)); };
  if (args.size() != 3) return "selects database " + shown(args.size() - 1);
  return "swaps the databases " + shown(1) + " and " + shown(2);
}

}  // namespace

// There is no connection, and the commands that would ask a host for something are not executed.
class JournalReplay::Host final : public commands::Host {
 public:
  explicit Host(const LoadEnvironment& environment) : environment_(environment) {}

  uint32_t core_index() const override { return 0; }
  Instant read_clock() override { return environment_.read_clock(); }
  int64_t read_stopwatch() override { return 0; }
  void deliver(commands::Client&, std::string_view, uint64_t) override { never(); }
  void push(commands::Client&, resp::PushMessage&) override { never(); }
  void queue_replies(commands::Client&) override { never(); }
  void begin_transaction(commands::Client&) override { never(); }
  void end_transaction(commands::Client&) override { never(); }
  void resume(commands::Client&) override { never(); }
  void kill(commands::Client&, bool) override { never(); }
  void pause_changed() override { never(); }
  void settings_changed() override { never(); }
  void shut_down() override { never(); }
  bool start_snapshot(commands::SnapshotKind, Ref<commands::SnapshotWait>) override { return never(); }
  bool save_at_once() override { return never(); }
  bool load_at_once(keyspace::PartitionLocks&) override { return never(); }
  bool reload_journal(Ref<commands::SnapshotWait>) override { return never(); }
  void stall(int64_t) override { never(); }

 private:
  static bool never() {
    CHECK(false);
    return false;
  }

  const LoadEnvironment& environment_;
};

JournalReplay::JournalReplay(const LoadEnvironment& environment, LoadProgress& progress, ForeignItems& foreign)
    : environment_(environment),
      progress_(progress),
      foreign_(foreign),
      keeps_locks_(environment.locks.holds(0)),
      host_(std::make_unique<Host>(environment)),
      statistics_(environment.table.count()),
      executor_(environment.server, environment.table, *host_, 0,
                std::make_unique<commands::Executor::Replay>(environment.locks, statistics_).get()),
      client_(Ref<commands::Client>::make(commands::Client::Fixed{})) {}

JournalReplay::~JournalReplay() = default;

std::optional<std::string> JournalReplay::run(LoadSource& source, const std::string& path, uint64_t begin,
                                              uint64_t end) {
  client_->session.database = 0;  // each file begins there
  persistence::JournalReader reader(source, end, {.begin = begin});
  std::optional<std::string> error;
  uint64_t batch_start = begin;
  begin_batch();
  while (const auto command = reader.next()) {
    error = apply(*command, path);
    if (error) break;
    if (++in_batch_ < kBatchCommands && reader.offset() - batch_start < kBatchBytes) continue;
    batch_start = reader.offset();
    end_batch();
    if (!keeps_locks_ && environment_.let_others_run) environment_.let_others_run();
    begin_batch();
  }
  end_batch();
  if (error) return error;
  if (!source.error().empty()) return source.error();
  if (reader.failed()) return "it has changed at offset " + std::to_string(reader.offset()) + " since it was checked";
  return std::nullopt;
}

void JournalReplay::begin_batch() {
  in_batch_ = 0;
  now_ = environment_.read_clock();
  if (!keeps_locks_) environment_.locks.hold_all();
}

void JournalReplay::end_batch() {
  executor_.end_run();
  if (!keeps_locks_) environment_.locks.release();
}

JournalReplay::Sort JournalReplay::sort(std::span<const std::string_view> args) {
  if (args[0] == sorted_name_) return sorted_;
  const commands::CommandSpec* const spec = environment_.table.find_called(args);
  if (spec == nullptr) return Sort::kForeign;
  if (spec->full_name == "select" || spec->full_name == "swapdb") return Sort::kSelect;
  const Sort found = (spec->flags & commands::kWrite) != 0 ? Sort::kWrites : Sort::kPassedOver;
  if (spec->parent != nullptr) return found;  // the first word does not say it all
  sorted_name_.assign(args[0]);
  return sorted_ = found;
}

std::optional<std::string> JournalReplay::apply(const persistence::JournalCommand& command, const std::string& path) {
  const auto args = command.args;
  switch (sort(args)) {
    case Sort::kSelect:
      execute(args);
      if (!reply_.view().starts_with('-')) break;
      return "at offset " + std::to_string(command.offset) + " it " + chosen_databases(args) + ", but there are " +
             std::to_string(environment_.server.keyspace.database_count()) + " ('databases')";
    case Sort::kWrites:
      execute(args);
      if (reply_.view().starts_with('-')) note_failure(command, path);
      break;
    case Sort::kPassedOver:
      break;
    case Sort::kForeign:
      foreign_.add(upper_case(args[0].substr(0, kNameBytesMax)), {});
      break;
  }
  return std::nullopt;
}

void JournalReplay::execute(std::span<const std::string_view> args) {
  reply_.clear();
  const auto outcome = executor_.execute(*client_, args, reply_, now_);
  ++progress_.commands;
  if (outcome != commands::Executor::Outcome::kBlocked) return;
  executor_.take_blocked()->claim();  // it stands in no queue
  reply_.append("-ERR it would wait\r\n");
}

void JournalReplay::note_failure(const persistence::JournalCommand& command, const std::string& path) {
  if (++failed_ > kFailuresLogged) return;
  const std::string_view text = reply_.view().substr(1, reply_.view().find_first_of("\r\n") - 1);
  environment_.server.log.warning(path + " at offset " + std::to_string(command.offset) + ": " +
                                  upper_case(command.args[0].substr(0, kNameBytesMax)) + " gives the error " +
                                  std::string(text));
}

}  // namespace millrace::core
