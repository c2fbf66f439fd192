// JournalWorld: a simulated server that keeps a journal on a simulated disk, and what can be read back of it.
//
// The files are made here as a rewrite makes them, one more for each switch; no manifest names them. read() checks each
// as a server that loads it would, and that there is nothing in a file unless everything before it is there.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/journal.h"
#include "support/simulated_disk.h"
#include "support/simulated_server.h"

namespace millrace::test {

// The commands of a journal as found on some disk, each as one line of words.
struct FoundJournal {
  std::vector<std::string> commands;
  std::string problem;        // why no server could load it; empty: it can
  bool is_whole = true;       // to the last byte of the last file
  uint64_t bytes = 0;         // of all files
  uint64_t synced_bytes = 0;  // of them: durable, as they themselves say

  bool begins(const FoundJournal& longer) const;
};

class JournalWorld {
 public:
  struct Options {
    uint64_t seed = 1;
    uint32_t cores = 3;
    settings::AppendFsync policy = settings::AppendFsync::kEverysec;
  };

  explicit JournalWorld(const Options& options);

  SimulatedServer& server() { return *server_; }
  SimulatedDisk& disk() { return disk_; }
  core::Journal& journal() { return server_->journal(); }
  commands::JournalState& state() { return server_->server().journal_state; }
  void set_policy(settings::AppendFsync policy);
  int64_t now_ns() { return server_->world().now().monotonic_ns; }

  // With all partitions held, as a rewrite does it. Returns the offset at which files changed.
  uint64_t switch_files();
  // A rewrite has made everything up to there durable.
  void heal(uint64_t offset);

  // `first_file`: without those before it.
  FoundJournal read(const SimulatedDisk& disk, size_t first_file = 0) const;
  // The server ends in good order.
  void stop();

 private:
  core::JournalFile make_file();

  SimulatedDisk disk_;
  std::vector<std::string> paths_;
  std::unique_ptr<SimulatedServer> server_;
};

}  // namespace millrace::test
