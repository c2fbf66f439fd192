// A bank: several clients on several cores move money between accounts that live in different partitions, while the
// disk is looked at, again and again, as power loss or kill -9 would leave it. Each transfer is one EXEC, and is
// decided upon the balance that WATCH and GET have shown.
//
// What a server finds on such a disk: no money was made or lost; every transfer that was acknowledged is there; each
// one is there as a whole, as the log, kept by the same EXECs, says; and no balance is below zero, as nobody's decision
// was overtaken. The next round goes on from one of those disks.
//
//   MILLRACE_TEST_FULL=1     ten times as many seeds
#include <cstdlib>
#include <map>
#include <set>

#include "base/numbers.h"
#include "base/random.h"
#include "simulation/rewrite_fixture.h"
#include "support/resp_reply.h"

namespace millrace::test {
namespace {

constexpr uint64_t kSeeds = 2;
constexpr uint64_t kSeedsFull = 20;
constexpr int kAccounts = 6;
constexpr int64_t kStartBalance = 50;
constexpr int kLogs = 3;
constexpr uint32_t kCores = 3;
constexpr int kClients = 6;

std::string account(int number) {
  return "account" + std::to_string(number);
}

struct Transfer {
  int from = 0;
  int to = 0;
  int64_t amount = 0;
};

// All that was ever tried, by number.
struct Books {
  std::map<int64_t, Transfer> tried;
  std::set<int64_t> acknowledged;
  size_t overtaken = 0;  // EXEC failed
};

class Banker {
 public:
  Banker(SimulatedServer& server, uint32_t core, Random& random, Books& books)
      : caller_(server, core), random_(random), books_(books) {}

  // Goes one step further, if what it waits for has come.
  void act() {
    for (const std::string& reply : caller_.take_replies()) replies_.push_back(reply);
    if (replies_.size() < awaited_) return;
    const std::vector<std::string> replies = std::exchange(replies_, {});
    switch (std::exchange(awaited_, 0)) {
      case kNothing:
        return choose();
      case kBalance:
        return decide(replies[1]);
      case kOutcome:
        return note(replies.back());
    }
  }

 private:
  // How many replies it waits for.
  static constexpr size_t kNothing = 0;
  static constexpr size_t kBalance = 2;
  static constexpr size_t kOutcome = 5;

  void choose() {
    transfer_.from = static_cast<int>(random_.below(kAccounts));
    transfer_.to = (transfer_.from + 1 + static_cast<int>(random_.below(kAccounts - 1))) % kAccounts;
    transfer_.amount = 1 + static_cast<int64_t>(random_.below(40));
    say({"WATCH " + account(transfer_.from), "GET " + account(transfer_.from)});
    awaited_ = kBalance;
  }
  void decide(const std::string& reply) {
    size_t position = 0;
    Reply balance;
    ASSERT_EQ(read_reply(reply, position, balance), ReplyStatus::kComplete);
    if (parse_i64(balance.text).value_or(0) < transfer_.amount) return choose();  // WATCH of the next one adds to it
    number_ = static_cast<int64_t>(books_.tried.size());
    books_.tried[number_] = transfer_;
    const std::string amount = std::to_string(transfer_.amount);
    say({"MULTI", "DECRBY " + account(transfer_.from) + " " + amount, "INCRBY " + account(transfer_.to) + " " + amount,
         "XADD log" + std::to_string(number_ % kLogs) + " * number " + std::to_string(number_), "EXEC"});
    awaited_ = kOutcome;
  }
  void note(const std::string& reply) {
    const bool is_overtaken = reply == "*-1\r\n";
    EXPECT_TRUE(is_overtaken || reply.starts_with("*3\r\n:")) << reply;
    if (is_overtaken) ++books_.overtaken;
    if (!is_overtaken) books_.acknowledged.insert(number_);
    choose();
  }
  void say(const std::vector<std::string>& lines) {
    std::string bytes;
    for (const std::string& line : lines) bytes += format_request(split_words(line));
    caller_.send_raw(bytes);
  }

  SimulatedCaller caller_;
  Random& random_;
  Books& books_;
  Transfer transfer_;
  int64_t number_ = 0;
  size_t awaited_ = kNothing;
  std::vector<std::string> replies_;
};

struct FoundDisk {
  std::unique_ptr<SimulatedDisk> disk;
  std::set<int64_t> acknowledged;  // by then
};

class TransferTest : public RewriteTest {
 protected:
  static void open_accounts(SimulatedDisk& disk, uint64_t seed) {
    const auto server = start(disk, seed);
    SimulatedCaller caller(*server, 0);
    for (int i = 0; i < kAccounts; ++i) {
      EXPECT_EQ(caller.ask("SET " + account(i) + " " + std::to_string(kStartBalance), 60'000), "+OK\r\n");
    }
  }

  static std::vector<FoundDisk> run_round(SimulatedDisk& disk, uint64_t seed, Books& books) {
    std::vector<FoundDisk> found;
    Random random(seed);
    const auto server = start(disk, seed, usual, kCores);
    server->world().set_sync_ns(1'000'000);
    std::vector<std::unique_ptr<Banker>> bankers;
    for (int i = 0; i < kClients; ++i) {
      bankers.push_back(std::make_unique<Banker>(*server, static_cast<uint32_t>(i) % kCores, random, books));
    }
    disk.before_each_call([&](DiskCall) {
      if (!random.one_in(4)) return;
      found.push_back({random.one_in(4) ? disk.kill() : disk.crash(random.next()), books.acknowledged});
    });
    for (int step = 0; step < 400; ++step) {
      for (const auto& banker : bankers) banker->act();
      if (step == 200) SimulatedCaller(*server, 0).send("BGREWRITEAOF");
      server->run_turns();
      server->world().advance(100'000 + static_cast<int64_t>(random.below(1'000'000)));
    }
    disk.before_each_call({});
    bankers.clear();
    return found;
  }

  static void check(FoundDisk& found, const Books& books) {
    const auto server = start(*found.disk, 99, usual, 1);
    SimulatedCaller caller(*server, 0);
    std::map<int, int64_t> expected;
    for (int i = 0; i < kAccounts; ++i) expected[i] = kStartBalance;
    std::set<int64_t> logged;
    for (int log = 0; log < kLogs; ++log) {
      for (const int64_t number : numbers_in(caller.ask("XRANGE log" + std::to_string(log) + " - +"))) {
        const Transfer& transfer = books.tried.at(number);
        expected[transfer.from] -= transfer.amount;
        expected[transfer.to] += transfer.amount;
        EXPECT_TRUE(logged.insert(number).second);
      }
    }
    for (const int64_t number : found.acknowledged) EXPECT_TRUE(logged.contains(number)) << number;
    int64_t sum = 0;
    for (int i = 0; i < kAccounts; ++i) {
      const int64_t balance = balance_in(caller.ask("GET " + account(i)));
      EXPECT_EQ(balance, expected[i]) << account(i);
      EXPECT_GE(balance, 0) << account(i);
      sum += balance;
    }
    EXPECT_EQ(sum, kAccounts * kStartBalance);
    found.acknowledged = logged;  // what the next round begins with
  }

 private:
  static Reply parsed(const std::string& bytes) {
    size_t position = 0;
    Reply reply;
    EXPECT_EQ(read_reply(bytes, position, reply), ReplyStatus::kComplete);
    return reply;
  }
  static int64_t balance_in(const std::string& bytes) { return parse_i64(parsed(bytes).text).value_or(-1); }
  static std::vector<int64_t> numbers_in(const std::string& bytes) {
    std::vector<int64_t> numbers;
    for (const Reply& entry : parsed(bytes).items) {
      numbers.push_back(parse_i64(entry.items.at(1).items.at(1).text).value_or(-1));
    }
    return numbers;
  }
};

TEST_F(TransferTest, NoMoneyIsMadeOrLost) {
  const uint64_t seeds = std::getenv("MILLRACE_TEST_FULL") ? kSeedsFull : kSeeds;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    auto disk = std::make_unique<SimulatedDisk>(seed);
    open_accounts(*disk, seed);
    Books books;
    for (uint64_t round = 0; round < 4 && !HasFailure(); ++round) {
      std::vector<FoundDisk> found = run_round(*disk, seed * 100 + round, books);
      ASSERT_GT(found.size(), 20u);
      for (FoundDisk& one : found) check(one, books);
      FoundDisk& next = found[found.size() / 2];
      disk = std::move(next.disk);
      books.acknowledged = next.acknowledged;
    }
    EXPECT_GT(books.tried.size(), 500u);
    EXPECT_GT(books.overtaken, 50u);
  }
}

}  // namespace
}  // namespace millrace::test
