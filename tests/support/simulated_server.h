// SimulatedServer: a whole server - real cores, keyspace and commands - on a simulated network, one thread, one seed.
//
// Cores take their turns in an order that the world's random chooses; time moves only when none has anything to do.
// Core i listens on port_of(i), so that a test chooses where a client lives. stop() (or the destructor) shuts the
// server down and CHECKs that nothing is left: no connection, no descriptor, no blocked command, no subscription.
//
// SimulatedCaller is a client with its replies cut out of the stream.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "commands/command_table.h"
#include "commands/server.h"
#include "core/core.h"
#include "core/journal.h"
#include "core/journal_directory.h"
#include "settings/settings.h"
#include "support/simulated_disk.h"
#include "support/simulated_network.h"

namespace millrace::test {

class SimulatedServer {
 public:
  struct Options {
    uint64_t seed = 1;
    uint32_t cores = 3;
    uint32_t partitions = 8;
    size_t push_sends_min = 2;      // few, so that pushes to a handful of clients are spread over turns
    SimulatedDisk* disk = nullptr;  // where files go; without one there are no snapshots, save points or journal
    // Before anything is loaded: appendonly, appendfsync, ...
    std::function<void(settings::Settings&)> configure = {};
  };

  // The journal is loaded if one is kept, else what is under dbfilename. CHECKs that it can be.
  explicit SimulatedServer(const Options& options);
  ~SimulatedServer();
  SimulatedServer(const SimulatedServer&) = delete;
  SimulatedServer& operator=(const SimulatedServer&) = delete;

  SimulatedWorld& world() { return world_; }
  settings::Settings& settings() { return settings_; }
  commands::Server& server() { return *server_; }
  core::Journal& journal() { return *journal_; }  // REQUIRES: there is a disk
  SimulatedBackend& backend(uint32_t core) const { return *backends_[core]; }
  core::Core& core(uint32_t core) { return *cores_[core]; }
  commands::CoreStatistics& statistics(uint32_t core) { return *server_->statistics[core]; }
  uint32_t core_count() const { return static_cast<uint32_t>(cores_.size()); }
  static int port_of(uint32_t core) { return 6379 + static_cast<int>(core); }
  // A key that lives in another partition than `other`.
  std::string key_apart_from(std::string_view other) const;
  bool was_shutdown_requested() const { return shutdown_requested_; }

  // Turns until nobody has anything to do at this moment.
  void run_turns();
  // Turns one core once, whether or not it has anything to do.
  void turn(uint32_t core);
  // As run_turns(), moment by moment, for at least that long. Cores do their housekeeping every 100 ms, so it may take
  // up to that much longer.
  void run_for(int64_t ms);
  // Until `done`, at most that long; whether it came to be.
  bool run_until(const std::function<bool()>& done, int64_t ms_max);
  // Everything on the network has long arrived and been answered.
  void settle() { run_for(kSettleMs); }
  static constexpr int64_t kSettleMs = 250;

  // Commands that wait for some key, over all partitions (claimed ones do not count).
  size_t waiting_commands();
  // Every live stream's own invariants.
  void check_streams();
  void stop();

 private:
  // Far more turns than any test needs at one moment: a core that finds no rest has a bug.
  static constexpr int kTurnsPerMomentMax = 200'000;

  void open_files(SimulatedDisk& disk);
  std::vector<uint32_t> runnable_cores() const;
  void check_nothing_left();

  SimulatedWorld world_;
  settings::Settings settings_;
  Log log_{"/dev/null", LogLevel::kWarning};
  const commands::CommandTable& table_;
  std::unique_ptr<commands::Server> server_;
  std::unique_ptr<core::Journal> journal_;
  std::unique_ptr<core::JournalDirectory> journal_directory_;
  core::CoreDirectory directory_;
  std::vector<std::unique_ptr<SimulatedBackend>> backends_;
  std::vector<std::unique_ptr<core::Core>> cores_;
  std::vector<bool> has_stopped_;
  std::vector<int> listener_fds_;
  int peers_ = 0;
  bool shutdown_requested_ = false;
  bool is_stopped_ = false;
};

class SimulatedCaller {
 public:
  // Connects, and is accepted before anything else happens.
  SimulatedCaller(SimulatedServer& server, uint32_t core);

  // A request without waiting for its reply; the words of a line are split at blanks.
  void send(std::string_view line);
  void send_raw(std::string_view bytes) { client_.send(bytes); }
  // Sends, waits, and returns the next reply as it came; "" if none came in `ms_max`.
  std::string ask(std::string_view line, int64_t ms_max = 1000);
  // The complete replies received since the last call, each as it came.
  std::vector<std::string> take_replies();
  // The server's number for this client.
  std::string id();
  bool is_closed() { return client_.is_closed(); }
  SimulatedClient& client() { return client_; }

 private:
  bool has_reply();

  SimulatedServer& server_;
  SimulatedClient client_;
  std::string received_;
};

}  // namespace millrace::test
