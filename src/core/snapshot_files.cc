// See snapshot_files.h.
#include "core/snapshot_files.h"

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "core/rdb_loading.h"
#include "core/snapshot_encoder.h"
#include "keyspace/database.h"

namespace millrace::core {
namespace {

using io::error_text;

constexpr size_t kBlockBytes = 256 * 1024;

// Writes what the encoder has, if that is worth a call. 0 or -errno.
int store(SnapshotEncoder& encoder, io::Disk& disk, int fd, int64_t& offset, size_t bytes_min) {
  if (encoder.pending_bytes() < bytes_min) return 0;
  const std::string_view block = encoder.take();
  const int result = io::write_fully(disk, fd, offset, block);
  offset += static_cast<int64_t>(block.size());
  return result;
}

int write_keys(commands::Server& server, io::Disk& disk, int fd, Instant now, bool is_journal_base) {
  keyspace::KeyEvents events;
  std::vector<keyspace::Cut::Counts> counts;
  keyspace::Database first(server.keyspace, 0, now, events);
  for (int index = 0; index < server.keyspace.database_count(); ++index) {
    keyspace::Database db = first.with_index(index);
    counts.push_back({.keys = db.size(), .expiring_keys = db.expiring_size()});
  }
  SnapshotEncoder encoder(server, std::move(counts));
  encoder.begin(now.unix_ms / 1000, is_journal_base);
  int64_t offset = 0;
  int result = 0;
  for (int index = 0; index < server.keyspace.database_count(); ++index) {
    first.with_index(index).for_each([&](const keyspace::KeyEntry& entry) {
      if (result != 0) return;
      encoder.add(index, entry.key, entry.expire_at_ms, entry.value);
      while (!encoder.advance(kBlockBytes)) {
        if (result == 0) result = store(encoder, disk, fd, offset, kBlockBytes);
      }
      if (result == 0) result = store(encoder, disk, fd, offset, kBlockBytes);
    });
  }
  encoder.end();
  if (result == 0) result = store(encoder, disk, fd, offset, 0);
  if (result == 0) result = io::write_fully(disk, fd, 0, encoder.header_to_correct());
  return result == 0 ? disk.sync_data(fd) : result;
}

// Leaves nothing behind if it fails.
int write_file(commands::Server& server, io::Disk& disk, const std::string& path, Instant now, bool is_journal_base) {
  const int fd = disk.open(path, io::OpenMode::kCreateEmpty);
  if (fd < 0) return fd;
  int result = write_keys(server, disk, fd, now, is_journal_base);
  const int closed = disk.close(fd);
  if (result == 0) result = closed;
  if (result != 0) disk.remove(path);
  return result;
}

// Logs the line of the end. nullopt, or what is wrong.
std::optional<std::string> load_file(const LoadEnvironment& environment, int fd) {
  commands::Server& server = environment.server;
  LoadProgress progress(environment);
  progress.begin("Loading", static_cast<uint64_t>(std::max<int64_t>(environment.disk.size(fd), 0)));
  LoadSource source(environment, fd, 0, progress);
  ForeignItems foreign;
  RdbLoading loading(environment, progress, RdbLoading::Expired::kDrop, foreign);
  if (const auto error = loading.run(source)) return error;
  if (const auto error = judge_foreign(server, foreign)) return error;
  server.log.notice("DB loaded from disk: " + progress.summary() + ", " + std::to_string(loading.expired()) +
                    " expired keys passed over");
  server.snapshots.keys_loaded.store(progress.keys, std::memory_order_relaxed);
  server.snapshots.keys_expired.store(loading.expired(), std::memory_order_relaxed);
  return std::nullopt;
}

}  // namespace

std::optional<std::string> judge_foreign(const commands::Server& server, const ForeignItems& foreign) {
  if (foreign.total() == 0) return std::nullopt;
  if (server.settings.rdb_skip_unknown_types.load() == 0) {
    return "it holds what this server does not have: " + foreign.text() +
           ". 'rdb-skip-unknown-types yes' loads it without them";
  }
  server.log.warning("Not loaded, for this server does not have them: " + foreign.text());
  return std::nullopt;
}

Result<SnapshotLoad, std::string> load_snapshot(const LoadEnvironment& environment) {
  const std::string path = environment.server.settings.snapshot_path();
  const int fd = environment.disk.open(path, io::OpenMode::kRead);
  if (fd == -ENOENT) return SnapshotLoad::kAbsent;
  if (fd < 0) return "Can't open " + path + ": " + error_text(fd);
  const auto error = load_file(environment, fd);
  environment.disk.close(fd);
  if (error) return "Can't load " + path + ": " + *error;
  return SnapshotLoad::kLoaded;
}

std::optional<std::string> save_snapshot(commands::Server& server, io::Disk& disk, Instant now) {
  const std::string path = server.settings.snapshot_path();
  const std::string directory = io::directory_of(path);
  const std::string temporary = directory + "/temp-" + std::to_string(server.facts.process_id) + "-reload.rdb";
  int result = write_file(server, disk, temporary, now, false);
  if (result == 0) result = disk.rename(temporary, path);
  if (result == 0) result = disk.sync_directory(directory);
  if (result == 0) return std::nullopt;
  disk.remove(temporary);
  return "could not write " + path + ": " + error_text(result);
}

std::optional<std::string> write_journal_base(commands::Server& server, io::Disk& disk, const std::string& path,
                                              Instant now) {
  const int result = write_file(server, disk, path, now, true);
  if (result == 0) return std::nullopt;
  return "could not write " + path + ": " + error_text(result);
}

}  // namespace millrace::core
