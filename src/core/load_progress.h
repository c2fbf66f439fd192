// LoadProgress: how far a load is - for INFO, for a line in the log every two seconds, and whether it is to end early.
// LoadSource: the blocks of a file that is loaded, counted on the way.
//
// Whoever loads reads through a LoadSource and counts what it has put into the keyspace; nothing else looks at the
// clock. Run by main, or by a core that holds all partitions.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "commands/command_table.h"
#include "commands/server.h"
#include "io/block_reader.h"
#include "io/disk.h"
#include "keyspace/partition_locks.h"
#include "persistence/byte_reader.h"

namespace millrace::core {

// What a load works with.
struct LoadEnvironment {
  commands::Server& server;
  const commands::CommandTable& table;
  io::Disk& disk;
  // If all partitions are held under these at the start, they are throughout. Else they are taken and let go as need
  // be, so that the cores can run meanwhile, and none is held in the end.
  keyspace::PartitionLocks& locks;
  std::function<Instant()> read_clock;
  // Asked for every block; true: the load fails at once. May be empty.
  std::function<bool()> must_stop = {};
  // Called now and then with no partition held: who waits for one shall get it. May be empty.
  std::function<void()> let_others_run = {};
  // A thread of its own reads the files. The order of calls to the disk is then the system's.
  bool reads_ahead = false;
  // What that thread does besides, for each block: sees to it that memory for the next ones can be used at once
  // (process/allocator.h). May be empty.
  std::function<void()> prepare_memory = {};
};

class LoadProgress {
 public:
  explicit LoadProgress(const LoadEnvironment& environment);

  // "Loading" or "Checking", of so many bytes.
  void begin(std::string_view verb, uint64_t total_bytes);
  // So many bytes more have been read. False: end now.
  bool advance(uint64_t bytes);

  Instant started() const { return started_; }
  uint64_t bytes() const { return bytes_; }
  // "1234 keys, 12.3 MB in 0.123 s (100 MB/s)", since begin().
  std::string summary() const;

  uint64_t keys = 0;      // put into the keyspace from RDB
  uint64_t commands = 0;  // applied

 private:
  std::string done() const;
  void report(int64_t now_ns);

  const LoadEnvironment& environment_;
  const Instant started_;
  std::string_view verb_;
  uint64_t total_bytes_ = 0;
  uint64_t bytes_ = 0;
  int64_t began_ns_;
  int64_t reported_ns_;
};

// Does not own the descriptor.
class LoadSource final : public persistence::ByteSource {
 public:
  LoadSource(const LoadEnvironment& environment, int fd, uint64_t begin, LoadProgress& progress);

  std::string_view next_block() override;
  // Why there are no more blocks, if that is not the end of the file; empty otherwise.
  std::string error() const;

 private:
  LoadProgress& progress_;
  io::BlockReader blocks_;
  bool is_stopped_ = false;
};

}  // namespace millrace::core
