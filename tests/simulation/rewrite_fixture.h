// RewriteTest: a server with a journal on a simulated disk, and verbs for what happens to it.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "settings/directives.h"
#include "support/simulated_server.h"

namespace millrace::test {

class RewriteTest : public testing::Test {
 protected:
  static constexpr int64_t kLongMs = 60'000;
  using Configure = std::function<void(settings::Settings&)>;

  static void usual(settings::Settings& settings) {
    settings.store(*settings::find_directive("save"), {});
    settings.enable_debug_command.store(static_cast<int64_t>(settings::Access::kYes));
    settings.appendonly.store(1);
    settings.appendfsync.store(static_cast<int64_t>(settings::AppendFsync::kAlways));
  }
  static void without_journal(settings::Settings& settings) {
    usual(settings);
    settings.appendonly.store(0);
  }

  static std::unique_ptr<SimulatedServer> start(SimulatedDisk& disk, uint64_t seed = 1,
                                                const Configure& configure = usual, uint32_t cores = 2) {
    return std::make_unique<SimulatedServer>(
        SimulatedServer::Options{.seed = seed, .cores = cores, .partitions = 8, .disk = &disk, .configure = configure});
  }
  static std::string digest_of(SimulatedServer& server) { return SimulatedCaller(server, 0).ask("DEBUG DIGEST"); }
  // What a server that keeps a journal finds on the disk.
  static std::string digest_on(SimulatedDisk& disk) { return digest_of(*start(disk, 99, usual, 1)); }
  static std::string digest_after_crash(const SimulatedDisk& disk, uint64_t seed = 5) {
    return digest_on(*disk.crash(seed));
  }

  static commands::JournalState& state(SimulatedServer& server) { return server.server().journal_state; }
  static bool is_quiet(SimulatedServer& server) {
    return !server.server().snapshots.is_going.load() && !server.server().snapshots.is_scheduled.load() &&
           !state(server).is_scheduled.load();
  }
  // Once what is on its way has arrived.
  static void wait_until_quiet(SimulatedServer& server) {
    server.settle();
    EXPECT_TRUE(server.run_until([&] { return is_quiet(server); }, kLongMs));
  }
  static void rewrite(SimulatedServer& server, SimulatedCaller& caller) {
    EXPECT_EQ(caller.ask("BGREWRITEAOF"), "+Background append only file rewriting started\r\n");
    wait_until_quiet(server);
    EXPECT_FALSE(state(server).last_rewrite_failed.load());
  }
  static void fill(SimulatedCaller& caller, std::string_view value, int streams = 20) {
    for (int i = 0; i < streams; ++i) {
      const std::string reply = caller.ask("XADD stream" + std::to_string(i) + " * field " + std::string(value));
      EXPECT_TRUE(reply.starts_with("$")) << reply;
    }
  }
  static std::string manifest(const SimulatedDisk& disk) {
    return disk.content("./appendonlydir/appendonly.aof.manifest").value_or("");
  }
};

}  // namespace millrace::test
