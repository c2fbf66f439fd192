// See journal_loading.h.
#include "core/journal_loading.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/journal_replay.h"
#include "core/rdb_loading.h"
#include "core/snapshot_files.h"
#include "keyspace/database.h"
#include "persistence/journal_check.h"
#include "persistence/journal_format.h"

namespace millrace::core {
namespace {

using persistence::JournalCheck;
using persistence::JournalEnd;
using Failure = std::optional<std::string>;

constexpr size_t kBeginBytes = 5;  // of a file, to see whether it begins with RDB

class JournalLoading {
 public:
  JournalLoading(const LoadEnvironment& environment, const JournalDirectory& directory)
      : environment_(environment),
        directory_(directory),
        progress_(environment),
        replay_(environment, progress_, foreign_) {}
  ~JournalLoading() {
    for (const File& file : files_) {
      if (file.fd >= 0) environment_.disk.close(file.fd);
    }
  }
  JournalLoading(const JournalLoading&) = delete;
  JournalLoading& operator=(const JournalLoading&) = delete;

  Failure run() {
    if (Failure error = open_files()) return error;
    if (Failure error = check_files()) return error;
    if (Failure error = load_files()) return error;
    if (Failure error = judge_foreign(environment_.server, foreign_)) return "The journal can't be loaded: " + *error;
    if (Failure error = cut_torn_end()) return error;
    report_end();
    return std::nullopt;
  }

 private:
  struct File {
    std::string path;
    bool is_base;
    int fd = -1;
    uint64_t bytes = 0;
    bool has_rdb = false;
    std::optional<JournalCheck> check = {};  // of what is behind the RDB part
  };

  Failure refuse(const File& file, const std::string& why) const { return "Can't load " + file.path + ": " + why; }

  Failure open_files() {
    if (const auto& base = directory_.manifest().base()) add_file(base->name, true);
    for (const auto& incr : directory_.manifest().incrs()) add_file(incr.name, false);
    for (File& file : files_) {
      if (Failure error = open_file(file)) return error;
    }
    return std::nullopt;
  }

  void add_file(const std::string& name, bool is_base) {
    files_.push_back({.path = directory_.path_of(name), .is_base = is_base});
  }

  Failure open_file(File& file) {
    io::Disk& disk = environment_.disk;
    file.fd = disk.open(file.path, io::OpenMode::kUpdate);
    if (file.fd < 0) return refuse(file, "the manifest names it, but: " + io::error_text(file.fd));
    const int64_t bytes = disk.size(file.fd);
    if (bytes < 0) return refuse(file, io::error_text(bytes));
    file.bytes = static_cast<uint64_t>(bytes);
    char begin[kBeginBytes];
    const int64_t count = io::read_fully(disk, file.fd, 0, begin, sizeof begin);
    if (count < 0) return refuse(file, "reading failed: " + io::error_text(count));
    file.has_rdb = persistence::begins_with_rdb({begin, static_cast<size_t>(count)});
    if (!file.has_rdb && file.path.ends_with(".rdb")) return refuse(file, "it is no RDB file");
    return std::nullopt;
  }

  // Where the commands begin is known beforehand for files without RDB.
  Failure check_files() {
    uint64_t total = 0;
    for (const File& file : files_) total += file.has_rdb ? 0 : file.bytes;
    progress_.begin("Checking the journal", total);
    for (File& file : files_) {
      if (file.has_rdb) continue;
      if (Failure error = check(file, 0)) return error;
    }
    return std::nullopt;
  }

  Failure check(File& file, uint64_t begin) {
    LoadSource source(environment_, file.fd, begin, progress_);
    file.check = persistence::check_journal(source, file.bytes, {.begin = begin});
    if (!source.error().empty()) return refuse(file, source.error());
    if (file.check->end == JournalEnd::kWhole) return std::nullopt;
    if (file.check->end == JournalEnd::kCorrupt) return refuse(file, describe(*file.check));
    return judge_torn(file);
  }

  Failure judge_torn(const File& file) {
    if (environment_.server.settings.aof_load_truncated.load() != 0) return std::nullopt;
    return refuse(
        file, "its end is cut off, " + describe(*file.check) + ". 'aof-load-truncated yes' drops what is not valid");
  }

  Failure load_files() {
    uint64_t total = 0;
    for (const File& file : files_) total += file.bytes;
    progress_.begin("Loading the journal", total);
    for (File& file : files_) {
      const bool is_behind_torn = torn_ != nullptr && (torn_->is_base || file.has_rdb || file.check->commands > 0);
      if (is_behind_torn) {
        return refuse(*torn_, "its end is cut off, " + describe(*torn_->check) + ", and " + file.path + " follows");
      }
      if (Failure error = load_file(file)) return error;
      if (file.check && file.check->end == JournalEnd::kTorn) torn_ = &file;
    }
    return std::nullopt;
  }

  Failure load_file(File& file) {
    uint64_t begin = 0;
    if (file.has_rdb) {
      LoadSource source(environment_, file.fd, 0, progress_);
      RdbLoading loading(environment_, progress_, RdbLoading::Expired::kKeep, foreign_);
      if (const Failure error = loading.run(source)) return refuse(file, *error);
      begin = loading.end_offset();
      if (begin == file.bytes) return std::nullopt;
      if (Failure error = check(file, begin)) return error;
    }
    LoadSource source(environment_, file.fd, begin, progress_);
    if (const Failure error = replay_.run(source, file.path, begin, file.check->valid_bytes)) {
      return refuse(file, *error);
    }
    return std::nullopt;
  }

  Failure cut_torn_end() {
    if (torn_ == nullptr) return std::nullopt;
    const uint64_t valid = torn_->check->valid_bytes;
    environment_.server.log.warning("!!! The end of the journal " + torn_->path +
                                    " is cut off: " + describe(*torn_->check) + ". Dropping its last " +
                                    std::to_string(torn_->bytes - valid) + " bytes, from offset " +
                                    std::to_string(valid) + " on !!!");
    int result = environment_.disk.truncate(torn_->fd, static_cast<int64_t>(valid));
    if (result == 0) result = environment_.disk.sync_data(torn_->fd);
    if (result == 0) return std::nullopt;
    return refuse(*torn_, "its invalid end can't be cut off: " + io::error_text(result));
  }

  void report_end() {
    commands::Server& server = environment_.server;
    server.snapshots.keys_loaded.store(progress_.keys, std::memory_order_relaxed);
    server.snapshots.keys_expired.store(0, std::memory_order_relaxed);
    progress_.keys = count_keys();
    std::string line = "DB loaded from the journal: " + progress_.summary();
    if (replay_.failed() > 0) line += ", " + std::to_string(replay_.failed()) + " commands gave errors";
    server.log.notice(line);
  }

  uint64_t count_keys() {
    keyspace::PartitionLocks& locks = environment_.locks;
    const bool keeps_locks = locks.holds(0);
    if (!keeps_locks) locks.hold_all();
    keyspace::KeyEvents events;
    keyspace::Database first(environment_.server.keyspace, 0, progress_.started(), events);
    uint64_t keys = 0;
    for (int i = 0; i < environment_.server.keyspace.database_count(); ++i) keys += first.with_index(i).size();
    if (!keeps_locks) locks.release();
    return keys;
  }

  const LoadEnvironment& environment_;
  const JournalDirectory& directory_;
  LoadProgress progress_;
  ForeignItems foreign_;
  JournalReplay replay_;
  std::vector<File> files_;
  const File* torn_ = nullptr;
};

// There is no journal yet, or only one of a Redis before version 7.
Failure find_journal(const LoadEnvironment& environment, JournalDirectory& directory) {
  if (const Failure error = directory.read()) return "The journal can't be loaded: " + *error;
  const std::string old_directory = environment.server.settings.snapshot_directory();
  if (!directory.needs_upgrade(old_directory)) return std::nullopt;
  environment.server.log.warning("Moving the append-only file of an older Redis from " + old_directory + " to " +
                                 directory.path());
  if (const Failure error = directory.upgrade(old_directory)) return "The journal can't be moved: " + *error;
  return std::nullopt;
}

// What the server has loaded otherwise becomes the base.
Result<JournalFile, std::string> create_journal(const LoadEnvironment& environment, JournalDirectory& directory) {
  commands::Server& server = environment.server;
  const auto loaded = load_snapshot(environment);
  if (!loaded) return loaded.error();
  if (*loaded == SnapshotLoad::kLoaded) {
    server.log.warning("There is no journal yet in " + directory.path() + ": it begins with the keys of " +
                       server.settings.snapshot_path());
  }
  const bool keeps_locks = environment.locks.holds(0);
  if (!keeps_locks) environment.locks.hold_all();
  auto file = directory.create([&](const std::string& path) {
    return write_journal_base(server, environment.disk, path, environment.read_clock());
  });
  if (!keeps_locks) environment.locks.release();
  if (!file) return "The journal can't be created: " + file.error();
  return file;
}

Result<JournalFile, std::string> load_with_journal(const LoadEnvironment& environment, JournalDirectory& directory) {
  if (const Failure error = find_journal(environment, directory)) return *error;
  const bool exists = directory.exists();
  if (exists) {
    if (const Failure error = load_journal(environment, directory)) return *error;
  }
  if (const Failure error = directory.clean_up()) environment.server.log.warning("Cleaning up: " + *error);
  if (!exists) return create_journal(environment, directory);
  auto file = directory.open_last_increment();
  if (!file) return "The journal can't be opened: " + file.error();
  return file;
}

}  // namespace

std::optional<std::string> load_journal(const LoadEnvironment& environment, const JournalDirectory& directory) {
  return JournalLoading(environment, directory).run();
}

Result<JournalFile, std::string> load_at_start(const LoadEnvironment& environment, JournalDirectory& directory) {
  commands::Server& server = environment.server;
  if (server.settings.appendonly.load() == 0) {
    const auto loaded = load_snapshot(environment);
    if (!loaded) return loaded.error();
    return JournalFile();
  }
  auto file = load_with_journal(environment, directory);
  if (!file) return file;
  const uint64_t bytes = directory.total_bytes();
  server.journal_state.base_bytes.store(bytes, std::memory_order_relaxed);
  server.journal_state.current_bytes.store(bytes, std::memory_order_relaxed);
  return file;
}

}  // namespace millrace::core
