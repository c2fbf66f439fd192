// Limits on memory, as a real process keeps to them: maxmemory under pipelines from several clients and right after
// loading, maxmemory-clients, and what happens when the system itself gives no more.
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "end_to_end/fixture.h"

namespace millrace::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kRefused = "-OOM command not allowed when used memory > 'maxmemory'.";

class MemoryTest : public EndToEnd {
 protected:
  uint64_t figure(const std::string& name) const {
    const std::string info = client().call({"INFO", "everything"});
    const size_t at = info.find("\n" + name + ":");
    return at == std::string::npos ? 0 : std::stoull(info.substr(at + name.size() + 2));
  }
  std::string call(const std::vector<std::string>& words) const { return client().call(words); }
  // So much more than is used now.
  uint64_t limit_to_more(uint64_t bytes) const {
    const uint64_t limit = figure("used_memory") + bytes;
    EXPECT_EQ(call({"CONFIG", "SET", "maxmemory", std::to_string(limit)}), "OK");
    return limit;
  }
  // What clients had in flight is free again after a burst: a few large entries use it up.
  std::string reply_at_the_limit() const {
    const std::string large(100'000, 'x');
    std::string reply;
    for (int i = 0; i < 100 && reply != kRefused; ++i) reply = call({"XADD", "s0", "*", "f", large});
    return reply;
  }
};

ON_BOTH_BACKENDS(MemoryTest);

// Sends the same request many times at once; how often it was refused.
size_t refusals_in_pipeline(RespConnection& connection, const Words& request, size_t count) {
  std::string requests;
  for (size_t i = 0; i < count; ++i) requests += RespConnection::request(request);
  std::thread sender([&] { connection.send_raw(requests); });
  size_t refusals = 0;
  for (size_t i = 0; i < count; ++i) refusals += connection.read_reply().starts_with(kRefused) ? 1 : 0;
  sender.join();
  return refusals;
}

TEST_P(MemoryTest, PipelinesEndAtTheLimit) {
  start();
  constexpr uint64_t kRoomBytes = 8'000'000;
  constexpr size_t kRequests = 4000;
  // What clients have in flight counts as well, and passes the limit as it likes. Under a sanitizer that stays in use
  // for a while after it was freed.
  constexpr uint64_t kTolerance = kIsSanitized ? 4'000'000 : 300'000;
  for (const char* const key : {"s0", "s1", "s2", "s3"}) call({"XADD", key, "*", "f", "xxx"});
  const uint64_t limit = limit_to_more(kRoomBytes);
  std::vector<std::thread> threads;
  std::atomic<size_t> refusals{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const Words request = {"XADD", "s" + std::to_string(i), "*", "f", std::string(1000, 'x')};
      refusals += refusals_in_pipeline(*raw(), request, kRequests);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(refusals, 0u);
  EXPECT_LT(refusals, 4 * kRequests);
  EXPECT_LT(figure("used_memory"), limit + kTolerance);
  // Nobody who makes room, reads or administrates is refused.
  EXPECT_EQ(reply_at_the_limit(), kRefused);
  EXPECT_THAT(call({"XRANGE", "s0", "-", "+", "COUNT", "1"}), HasSubstr("xxx"));
  EXPECT_THAT(call({"CLIENT", "LIST"}), HasSubstr("cmd=client|list"));
  EXPECT_EQ(call({"DEL", "s0", "s1", "s2", "s3"}), "4");
  EXPECT_EQ(call({"CONFIG", "SET", "maxmemory", "0"}), "OK");
  EXPECT_EQ(call({"XADD", "s0", "1-1", "f", "v"}), "1-1");
  expect_clean_end();
}

TEST_P(MemoryTest, WhatWasLoadedCountsForTheFirstCommand) {
  const TemporaryDirectory directory;
  const std::vector<std::string> arguments = {"--dir", directory.path("."), "--appendonly", "yes", "--save", ""};
  start(arguments);
  for (int i = 0; i < 100; ++i) call({"XADD", "s", "*", "f", std::string(100'000, 'x')});
  expect_clean_end();
  std::vector<std::string> limited = arguments;
  limited.insert(limited.end(), {"--maxmemory", "5mb"});
  start(limited);
  EXPECT_EQ(call({"XADD", "s", "*", "f", "v"}), kRefused);
  EXPECT_EQ(call({"XLEN", "s"}), "100");
  expect_clean_end();
}

TEST_P(MemoryTest, WhoPipelinesAndDoesNotReadIsDisconnectedAndOthersAreServed) {
  start({"--maxmemory-clients", "10mb"});
  Client bystander = client();
  bystander.call({"XADD", "s", "1-1", "f", std::string(100'000, 'x')});
  const std::unique_ptr<RespConnection> deaf = raw();
  std::string requests;
  for (int i = 0; i < 5000; ++i) requests += RespConnection::request({"XRANGE", "s", "-", "+"});
  std::thread sender([&] { deaf->send_raw(requests); });
  EXPECT_TRUE(eventually([&] {
    return bystander.call({"INFO", "stats"}).find("evicted_clients:1") != std::string::npos;
  }));
  sender.join();
  EXPECT_EQ(bystander.call({"XLEN", "s"}), "1");
  EXPECT_THAT(log(), HasSubstr("beyond maxmemory-clients"));
  EXPECT_LT(figure("used_memory_peak"), 40'000'000u);
  expect_clean_end();
}

// The system gives the process no more: who asks for too much is told so, and nobody else notices.
TEST_P(MemoryTest, ARequestForWhichThereIsNoMemoryIsRefused) {
  if (kIsSanitized) GTEST_SKIP() << "sanitizers end a program that gets no memory";
  start({}, /*cores=*/2, {.address_space_bytes = 64 << 20});
  Client bystander = client();
  const std::unique_ptr<RespConnection> greedy = raw();
  std::thread sender([&] { greedy->send_raw("*2\r\n$4\r\nECHO\r\n$60000000\r\n" + std::string(60'000'000, 'x')); });
  EXPECT_THAT(greedy->read_reply(), StartsWith("-OOM not enough memory for the request"));
  EXPECT_TRUE(greedy->is_closed_by_peer());
  sender.join();
  EXPECT_EQ(bystander.call({"XADD", "s", "1-1", "f", "v"}), "1-1");
  EXPECT_THAT(log(), HasSubstr("there is no memory"));
  expect_clean_end();
}

}  // namespace
}  // namespace millrace::test
