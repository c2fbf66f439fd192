// See snapshot_destination.h.
#include "core/snapshot_destination.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "commands/info_sections.h"

namespace millrace::core {
namespace {

using commands::SnapshotKind;
using io::error_text;

constexpr int64_t kNsPerSecond = 1'000'000'000;

}  // namespace

std::string describe(const SnapshotOutcome& outcome) {
  char text[128];
  const double seconds = std::max(static_cast<double>(outcome.ns) / kNsPerSecond, 1e-9);
  const double megabytes = static_cast<double>(outcome.bytes) / (1024 * 1024);
  std::snprintf(text, sizeof text, "%llu keys, %.1f MB in %.3f s (%.0f MB/s)",
                static_cast<unsigned long long>(outcome.keys), megabytes, seconds, megabytes / seconds);
  return text;
}

SnapshotDestination::Problem SnapshotDestination::prepare() {
  if (Problem problem = make_room()) return problem;
  fd_ = disk_->open(temporary_path_, io::OpenMode::kCreateEmpty);
  if (fd_ >= 0) return std::nullopt;
  return "could not open " + temporary_path_ + ": " + error_text(fd_);
}

SnapshotDestination::Problem SnapshotDestination::publish() {
  const int closed = disk_->close(std::exchange(fd_, -1));
  if (closed < 0) return "could not close " + temporary_path_ + ": " + error_text(closed);
  return publish_file();
}

void SnapshotDestination::discard() {
  if (fd_ >= 0) disk_->close(std::exchange(fd_, -1));
  disk_->remove(temporary_path_);
  clean_up();
}

// ---- DumpFile

void DumpFile::begin(SnapshotKind kind, Instant now) {
  path_ = server().settings.snapshot_path();
  set_temporary_path(io::directory_of(path_) + "/temp-" + std::to_string(server().facts.process_id) + ".rdb");
  server().snapshots.last_try_s.store(now.unix_ms / 1000, std::memory_order_relaxed);
  if (kind == SnapshotKind::kBackground) server().log.notice("Background saving started");
}

SnapshotDestination::Problem DumpFile::cut() {
  changes_ = commands::total_of(server(), &commands::CoreStatistics::changes);
  return std::nullopt;
}

SnapshotDestination::Problem DumpFile::publish_file() {
  if (const int renamed = disk().rename(temporary_path(), path_); renamed < 0) {
    return "could not rename " + temporary_path() + " to " + path_ + ": " + error_text(renamed);
  }
  if (const int synced = disk().sync_directory(io::directory_of(path_)); synced < 0) {
    return "could not sync the directory of " + path_ + ": " + error_text(synced);
  }
  return std::nullopt;
}

void DumpFile::end(const SnapshotOutcome& outcome) {
  commands::Snapshots& shared = server().snapshots;
  const bool in_background = outcome.kind == SnapshotKind::kBackground;
  if (in_background) {
    shared.last_background_s.store(outcome.ns / kNsPerSecond, std::memory_order_relaxed);
    shared.preserved_bytes_last.store(shared.preserved_bytes_peak.load(std::memory_order_relaxed),
                                      std::memory_order_relaxed);
  }
  if (outcome.succeeded) {
    shared.last_failed.store(false, std::memory_order_relaxed);
    shared.last_save_s.store(outcome.ended.unix_ms / 1000, std::memory_order_relaxed);
    shared.saves.fetch_add(1, std::memory_order_relaxed);
    shared.changes_saved.store(changes_, std::memory_order_relaxed);
  } else if (in_background && !outcome.was_given_up) {
    shared.last_failed.store(true, std::memory_order_relaxed);
  }
  commands::update_refusal(server());
  if (outcome.succeeded) return server().log.notice("Snapshot saved: " + describe(outcome));
  server().log.warning("Snapshot failed: " + std::string(outcome.failure));
  if (outcome.kind == SnapshotKind::kFinal) {
    server().log.warning("The keys could not be saved, so the server stays.");
  }
}

}  // namespace millrace::core
