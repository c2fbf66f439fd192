// JournalReplay: the commands of a journal, applied to the keyspace as a client's would be, by an executor of its own.
//
// Only commands that write are executed; others change no keys, and are passed over (MULTI and EXEC too: nobody sees a
// transaction half applied, and what is read ends behind one, see persistence/journal_check.h). What this server does
// not have is counted. A command that fails is counted and logged, as it failed where it came from, or is an error in
// the file that Redis would pass over as well; a database that does not exist ends the load
// (SELECT, SWAPDB), because what follows would go to the wrong one.
//
// Partitions are let go every few thousand commands, unless the caller holds them all throughout. Run by whoever loads,
// see load_progress.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/buffer.h"
#include "base/ref.h"
#include "commands/client.h"
#include "commands/executor.h"
#include "core/foreign_items.h"
#include "core/load_progress.h"
#include "persistence/journal_reader.h"

namespace millrace::core {

class JournalReplay {
 public:
  JournalReplay(const LoadEnvironment& environment, LoadProgress& progress, ForeignItems& foreign);
  ~JournalReplay();

  // The commands of one file up to `end`, which were checked before; its source begins at `begin`. nullopt, or what is
  // wrong; some of them may have been applied.
  std::optional<std::string> run(LoadSource& source, const std::string& path, uint64_t begin, uint64_t end);
  uint64_t failed() const { return failed_; }  // commands that gave an error

 private:
  enum class Sort : uint8_t { kSelect, kWrites, kPassedOver, kForeign };
  class Host;

  Sort sort(std::span<const std::string_view> args);
  std::optional<std::string> apply(const persistence::JournalCommand& command, const std::string& path);
  void execute(std::span<const std::string_view> args);
  void note_failure(const persistence::JournalCommand& command, const std::string& path);
  void begin_batch();
  void end_batch();

  const LoadEnvironment& environment_;
  LoadProgress& progress_;
  ForeignItems& foreign_;
  const bool keeps_locks_;
  const std::unique_ptr<Host> host_;
  commands::CoreStatistics statistics_;
  commands::Executor executor_;
  const Ref<commands::Client> client_;
  Instant now_;
  Buffer reply_;
  size_t in_batch_ = 0;
  uint64_t failed_ = 0;
  // Of the last command: most are like the one before.
  std::string sorted_name_;
  Sort sorted_ = Sort::kPassedOver;
};

}  // namespace millrace::core
