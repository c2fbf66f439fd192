// See journal_world.h.
#include "simulation/journal_world.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "persistence/journal_check.h"
#include "persistence/journal_format.h"
#include "persistence/journal_reader.h"

namespace millrace::test {
namespace {

using persistence::JournalEnd;

std::string line_of(const persistence::JournalCommand& command) {
  std::string line;
  for (const std::string_view word : command.args) {
    if (!line.empty()) line += ' ';
    line += word;
  }
  return line;
}

}  // namespace

bool FoundJournal::begins(const FoundJournal& longer) const {
  return commands.size() <= longer.commands.size() &&
         std::equal(commands.begin(), commands.end(), longer.commands.begin());
}

JournalWorld::JournalWorld(const Options& options) : disk_(options.seed) {
  server_ = std::make_unique<SimulatedServer>(
      SimulatedServer::Options{.seed = options.seed, .cores = options.cores, .partitions = 8, .disk = &disk_});
  set_policy(options.policy);
  server_->settings().appendonly.store(1);
  server_->server().snapshots.is_going.store(true);  // nothing is rewritten but by heal()
  journal().open(make_file());
}

void JournalWorld::set_policy(settings::AppendFsync policy) {
  server_->settings().appendfsync.store(static_cast<int64_t>(policy));
}

core::JournalFile JournalWorld::make_file() {
  core::JournalFile file;
  file.path = "./journal" + std::to_string(paths_.size());
  file.fd = disk_.open(file.path, io::OpenMode::kCreateNew);
  Buffer fence;
  persistence::append_annotation(fence, "", 0);
  CHECK(io::write_fully(disk_, file.fd, 0, fence.view()) == 0);
  CHECK(disk_.sync_data(file.fd) == 0 && disk_.sync_directory(".") == 0);
  file.bytes = file.synced = fence.size();
  paths_.push_back(file.path);
  return file;
}

uint64_t JournalWorld::switch_files() {
  keyspace::PartitionLocks locks(server_->server().keyspace);
  locks.hold_all();
  journal().switch_to(make_file());
  return journal().appended();
}

void JournalWorld::heal(uint64_t offset) {
  journal().healed(server_->core(0), offset);
}

FoundJournal JournalWorld::read(const SimulatedDisk& disk, size_t first_file) const {
  FoundJournal found;
  for (size_t i = first_file; i < paths_.size(); ++i) {
    const std::optional<std::string> content = disk.content(paths_[i]);
    if (!content) return found;
    persistence::WholeSource checked(*content);
    const persistence::JournalCheck check = check_journal(checked, content->size(), {});
    if (check.end == JournalEnd::kCorrupt) found.problem = paths_[i] + ": " + describe(check);
    if (!found.is_whole && check.commands > 0) found.problem = paths_[i] + " stands behind a gap";
    found.is_whole = found.is_whole && check.end == JournalEnd::kWhole;
    found.bytes += content->size();
    found.synced_bytes += check.synced_bytes;
    persistence::WholeSource source(*content);
    persistence::JournalReader reader(source, check.valid_bytes, {});
    while (const auto command = reader.next()) found.commands.push_back(line_of(*command));
    if (reader.failed()) found.problem = paths_[i] + " is read otherwise than it was checked";
  }
  return found;
}

void JournalWorld::stop() {
  server_->stop();
}

}  // namespace millrace::test
