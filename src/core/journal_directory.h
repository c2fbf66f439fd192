// JournalDirectory: the files of the journal by name - the manifest, and every step that changes it on the disk.
//
//   appendonlydir/
//     appendonly.aof.manifest         which files count, in which order (persistence/manifest.h)
//     appendonly.aof.2.base.rdb       all keys at one moment
//     appendonly.aof.3.incr.aof       what changed since; the last one is appended to
//     temp-...                        being written; counts for nothing
//
// Each step is ordered so that a crash between any two calls leaves a directory that loads to the state before the step
// or after it: what the manifest names is durable before the manifest is, the manifest is replaced in one go, and a
// file is removed only when no manifest that may be on the disk needs it. A name that a manifest on the disk may have
// is never used for another file.
//
// The manifest in memory is the one last renamed into place. If only making that durable failed, the step fails but the
// new manifest is what the next step starts from: both it and the one before load.
//
// Increments with commands and no manifest are a journal that somebody has moved without its manifest, and refused: an
// interrupted first publish_base() leaves a temporary manifest beside them.
//
// Blocking calls, one caller at a time: main at start, afterwards whoever rewrites the journal, on a helper thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/journal.h"
#include "io/disk.h"
#include "persistence/manifest.h"

namespace millrace::core {

class JournalDirectory {
 public:
  // Writes a base file, whole and synced. nullopt, or what went wrong.
  using WriteBase = std::function<std::optional<std::string>(const std::string& path)>;

  // `append_name`: appendfilename.
  JournalDirectory(io::Disk& disk, std::string path, std::string append_name);

  // ---- at start
  // Reads the manifest, if there is one. nullopt, or what is wrong.
  std::optional<std::string> read();
  // A manifest was found, or made since.
  bool exists() const { return exists_; }
  // Removes what an interrupted step left behind. nullopt, or what could not be removed; no harm then but the space.
  // REQUIRES: read() found nothing wrong.
  std::optional<std::string> clean_up();
  // The journal of a Redis before version 7 is one file called appendfilename, in `directory` (the setting dir), which
  // becomes the base. REQUIRES: read() found nothing wrong; for upgrade(), that needs_upgrade().
  bool needs_upgrade(const std::string& directory);
  std::optional<std::string> upgrade(const std::string& directory);
  // Everything anew: a base that `write_base` writes, and a first increment. REQUIRES: !exists().
  Result<JournalFile, std::string> create(const WriteBase& write_base);
  // The last increment, fenced, to be appended to; a new one if there is none. All that was found is durable then.
  Result<JournalFile, std::string> open_last_increment();

  // ---- rewriting
  // A new increment that the manifest has, durably, so that what is appended to it counts. It begins with a fence.
  Result<JournalFile, std::string> add_increment();
  // The same, not in the manifest before publish_base() puts it there: what is appended to it is never loaded with the
  // files of an older journal that lies here. Reads the manifest, and creates the directory, if that was not done.
  Result<JournalFile, std::string> create_detached_increment();
  // Where the next base is to be written, and synced, before it is published. The directory is there after any of the
  // above.
  std::string temporary_base_path() const;
  // The file at temporary_base_path() is the base now, followed by the increments from `first_increment` on (the path
  // that one of the two above gave it). What is not needed any more is removed; what cannot be removed is tried again
  // the next time. nullopt: durable. Otherwise what went wrong; the journal still loads, as before or as after, and a
  // detached increment is lost: make another.
  std::optional<std::string> publish_base(const std::string& first_increment);

  // Of all files that the manifest has, and of the base alone.
  uint64_t total_bytes() const;
  uint64_t base_bytes() const;

  const persistence::Manifest& manifest() const { return manifest_; }
  const std::string& path() const { return path_; }
  std::string path_of(const std::string& name) const { return path_ + "/" + name; }

 private:
  using Failure = std::optional<std::string>;

  std::string manifest_path() const;
  std::string temporary_manifest_path() const;
  Failure failure(std::string_view what, const std::string& path, int64_t result) const;
  Failure read_manifest(int fd);
  Failure find_lost_increments();
  Failure make_directory();
  Failure sync(const std::string& directory);
  Failure sync_all();
  Failure rename(const std::string& from, const std::string& to);
  Failure write_temporary_manifest(const persistence::Manifest& next);
  Failure put_manifest_in_place(const persistence::Manifest& next);
  Failure write_manifest(const persistence::Manifest& next);
  Failure remove_history();
  bool is_leftover(const std::string& name) const;
  Failure write_fence(JournalFile& file, uint64_t synced_bytes);
  Failure create_increment(JournalFile& file);
  uint64_t bytes_of(const std::string& path) const;

  io::Disk& disk_;
  const std::string path_;
  const std::string append_name_;
  persistence::Manifest manifest_;
  bool exists_ = false;
  uint64_t detached_ = 0;  // so many were made: their names never come twice
};

}  // namespace millrace::core
