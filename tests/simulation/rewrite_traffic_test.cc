// Rewrites at random moments while clients on several cores write what they like, and power loss at random calls of the
// disk. Every client has streams of its own and numbers its entries, so that a disk can be judged by itself: of each
// client it holds a beginning of what it sent, with all that was acknowledged, and nothing twice.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "keyspace/database.h"
#include "simulation/rewrite_fixture.h"

namespace millrace::test {
namespace {

constexpr uint32_t kCores = 3;
constexpr size_t kClients = 6;

struct Client {
  std::unique_ptr<SimulatedCaller> caller;
  uint64_t sent = 0;
  uint64_t acknowledged = 0;
};

struct Found {
  std::unique_ptr<SimulatedDisk> disk;
  std::vector<uint64_t> acknowledged;  // by client
  std::vector<uint64_t> sent;
};

class RewriteTrafficTest : public RewriteTest {
 protected:
  void run(SimulatedDisk& disk, uint64_t seed, settings::AppendFsync policy) {
    Random random(seed);
    const auto configure = [policy](settings::Settings& settings) {
      usual(settings);
      settings.appendfsync.store(static_cast<int64_t>(policy));
    };
    const auto server = start(disk, seed, configure, kCores);
    for (size_t i = 0; i < kClients; ++i) {
      clients_.push_back({.caller = std::make_unique<SimulatedCaller>(*server, static_cast<uint32_t>(i % kCores))});
    }
    SimulatedCaller orderer(*server, 1);
    disk.before_each_call([&](DiskCall) {
      if (random.below(8) == 0)
        note(policy == settings::AppendFsync::kAlways ? disk.crash(random.next()) : disk.kill());
    });
    for (int i = 0; i < 400; ++i) {
      send_one(clients_[random.below(kClients)], random);
      if (random.below(50) == 0) orderer.send("BGREWRITEAOF");
      if (random.below(3) == 0) server->turn(static_cast<uint32_t>(random.below(kCores)));
      if (random.below(40) == 0) server->run_for(static_cast<int64_t>(random.below(3)));
      count_replies();
    }
    wait_until_quiet(*server);
    count_replies();
    disk.before_each_call({});
    note(policy == settings::AppendFsync::kAlways ? disk.crash(seed) : disk.kill());
    EXPECT_GE(state(*server).rewrites.load(), 1u);
    for (const Client& client : clients_) EXPECT_EQ(client.acknowledged, client.sent);
    clients_.clear();
  }

  void send_one(Client& client, Random& random) {
    const std::string number = std::to_string(++client.sent);
    const std::string key = key_of(static_cast<size_t>(&client - clients_.data()), random.below(2));
    client.caller->send("XADD " + key + " " + number + "-1 number " + number);
  }
  void count_replies() {
    for (Client& client : clients_) {
      for (const std::string& reply : client.caller->take_replies()) {
        EXPECT_TRUE(reply.starts_with("$")) << reply;
        ++client.acknowledged;
      }
    }
  }
  void note(std::unique_ptr<SimulatedDisk> disk) {
    Found found{std::move(disk), {}, {}};
    for (const Client& client : clients_) {
      found.acknowledged.push_back(client.acknowledged);
      found.sent.push_back(client.sent);
    }
    found_.push_back(std::move(found));
  }
  static std::string key_of(size_t client, uint64_t which) {
    return "client" + std::to_string(client) + "-" + std::to_string(which);
  }

  // An id that comes twice is refused while the journal is loaded, and the load fails.
  static void check(Found& found) {
    const auto server = start(*found.disk, 99, usual, 1);
    SimulatedCaller caller(*server, 0);
    for (size_t client = 0; client < kClients; ++client) {
      uint64_t count = 0;
      uint64_t last = 0;
      for (const uint64_t which : {0, 1}) {
        const std::string key = key_of(client, which);
        count += std::stoull(caller.ask("XLEN " + key).substr(1));
        last = std::max(last, last_number(caller.ask("XREVRANGE " + key + " + - COUNT 1")));
      }
      EXPECT_EQ(count, last) << "a gap in what client " << client << " sent";
      EXPECT_GE(last, found.acknowledged[client]) << "client " << client;
      EXPECT_LE(last, found.sent[client]) << "client " << client;
    }
  }
  // 0 for no entry.
  static uint64_t last_number(const std::string& reply) {
    const size_t end = reply.find("-1\r\n");
    if (end == std::string::npos) return 0;
    return std::stoull(reply.substr(reply.rfind('\n', end) + 1));
  }

  std::vector<Client> clients_;
  std::vector<Found> found_;
};

TEST_F(RewriteTrafficTest, PowerLossKeepsWhatWasSynced) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimulatedDisk disk(seed);
    run(disk, seed, settings::AppendFsync::kAlways);
    EXPECT_GE(found_.size(), 5u);
    for (Found& found : found_) check(found);
    found_.clear();
  }
}

TEST_F(RewriteTrafficTest, TheEndOfTheProcessKeepsWhatWasWritten) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimulatedDisk disk(seed);
    run(disk, seed, settings::AppendFsync::kEverysec);
    EXPECT_GE(found_.size(), 5u);
    for (Found& found : found_) check(found);
    found_.clear();
  }
}

}  // namespace
}  // namespace millrace::test
