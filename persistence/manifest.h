// Manifest: which files, in which order, make up a journal directory; Redis 7's format, byte for byte.
//
//   file appendonly.aof.2.base.rdb seq 2 type b        what a load begins with; at most one
//   file appendonly.aof.1.incr.aof seq 1 type h        no longer needed, to be removed
//   file appendonly.aof.3.incr.aof seq 3 type i        loaded behind the base, in order; the last one is appended to
//
// The manifest is replaced as a whole (written to its temporary name, synced, renamed), so it is always the old one or
// the new one. A plain value; makes no system call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace millrace::persistence {

struct ManifestFile {
  std::string name;
  int64_t sequence = 0;

  bool operator==(const ManifestFile&) const = default;
};

struct ManifestError {
  size_t line;              // counted from 1; 0 = the file as a whole
  std::string_view reason;  // Redis's words where it refuses that too; lives forever
};

// "at line 2: Invalid AOF manifest file format"
std::string describe(const ManifestError& error);

class Manifest {
 public:
  static Result<Manifest, ManifestError> parse(std::string_view text);
  std::string format() const;

  const std::optional<ManifestFile>& base() const { return base_; }
  const std::vector<ManifestFile>& history() const { return history_; }
  const std::vector<ManifestFile>& incrs() const { return incrs_; }

  bool names(std::string_view file_name) const;
  // The file that comes next, not yet part of the manifest. `append_name` is appendfilename.
  ManifestFile next_base(std::string_view append_name, bool is_rdb) const;
  ManifestFile next_incr(std::string_view append_name) const;

  // What was the base, if any, becomes history. REQUIRES: a sequence above that of every base before.
  void set_base(ManifestFile file);
  // REQUIRES: a sequence above that of every incr before.
  void add_incr(ManifestFile file);
  // All incrs but the last `kept` become history, as after a rewrite that covers them.
  void retire_incrs(size_t kept);
  // Once the files of history are removed.
  void clear_history() { history_.clear(); }

 private:
  std::string_view take_line(std::string_view text);
  bool names_one_twice() const;
  ManifestFile next(std::string_view append_name, int64_t sequence, std::string_view suffix) const;

  std::optional<ManifestFile> base_;
  std::vector<ManifestFile> history_;  // the newest first, as Redis has it
  std::vector<ManifestFile> incrs_;
  int64_t base_sequence_ = 0;  // of the last one ever
  int64_t incr_sequence_ = 0;
};

std::string manifest_name(std::string_view append_name);  // "appendonly.aof.manifest"
// What a file (the manifest, a base) is called while it is being written: "temp-" and its name.
std::string temporary_name(std::string_view file_name);

}  // namespace millrace::persistence
