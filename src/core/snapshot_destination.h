// SnapshotDestination: where a snapshot goes, and what that means - a file of its own (DumpFile), or the journal, of
// which it becomes the new base (core/journal_base.h). Writing is the same for all and done by core/snapshot.h:
//
//   begin()      the snapshot was claimed                                                     core
//   prepare()    opens the temporary file, and what else takes a while                        helper thread
//   cut()        the moment of which the snapshot tells; or keep(): it does not come to that  core, all partitions held
//                (a dump: the cut comes first, then prepare())
//   ...          the keys are written to fd(), and synced
//   publish()    the file under its name                                                      helper thread
//     or withdraw(), discard()   it failed, or was given up                                   core; helper thread
//   end()                                                                                     core
//
// One owner; the helper thread's calls run while the owner waits for them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "commands/server.h"
#include "io/disk.h"

namespace millrace::core {

struct SnapshotOutcome {
  commands::SnapshotKind kind = commands::SnapshotKind::kBackground;
  bool succeeded = false;
  bool was_given_up = false;
  std::string_view failure;
  uint64_t keys = 0;
  uint64_t bytes = 0;
  int64_t ns = 0;  // it took
  Instant ended;
};

class SnapshotDestination {
 public:
  using Problem = std::optional<std::string>;  // nullopt: all went well

  // Without a disk nothing but the destructor may be called.
  SnapshotDestination(commands::Server& server, io::Disk* disk) : server_(server), disk_(disk) {}
  virtual ~SnapshotDestination() = default;
  SnapshotDestination(const SnapshotDestination&) = delete;
  SnapshotDestination& operator=(const SnapshotDestination&) = delete;

  virtual void begin(commands::SnapshotKind kind, Instant now) = 0;
  Problem prepare();
  virtual Problem cut() = 0;
  virtual void keep() {}
  Problem publish();
  // REQUIRES: all partitions are held.
  virtual void withdraw() {}
  void discard();
  virtual void end(const SnapshotOutcome& outcome) = 0;
  // Nobody wants it any more.
  virtual bool is_pointless() const { return false; }

  int fd() const { return fd_; }
  const std::string& temporary_path() const { return temporary_path_; }

 protected:
  commands::Server& server() const { return server_; }
  io::Disk& disk() const { return *disk_; }
  void set_temporary_path(std::string path) { temporary_path_ = std::move(path); }

 private:
  virtual Problem make_room() { return std::nullopt; }  // before the temporary file is opened
  virtual Problem publish_file() = 0;                   // it is written, synced and closed
  virtual void clean_up() {}                            // it is gone

  commands::Server& server_;
  io::Disk* const disk_;
  std::string temporary_path_;
  int fd_ = -1;
};

// "12 keys, 3.4 MB in 0.005 s (680 MB/s)"
std::string describe(const SnapshotOutcome& outcome);

// dbfilename.
class DumpFile final : public SnapshotDestination {
 public:
  using SnapshotDestination::SnapshotDestination;

  void begin(commands::SnapshotKind kind, Instant now) override;
  Problem cut() override;
  void end(const SnapshotOutcome& outcome) override;

 private:
  Problem publish_file() override;

  std::string path_;
  uint64_t changes_ = 0;  // of all changes so far, how many are in it
};

}  // namespace millrace::core
