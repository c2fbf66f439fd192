// maxmemory, maxmemory-clients, and what INFO and MEMORY show of the use of memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "commands/memory_doctor.h"
#include "commands/memory_use.h"
#include "unit/commands/command_stage.h"

namespace millrace::commands {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kRefused = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
constexpr uint64_t kMegabyte = 1024 * 1024;

class MemoryTest : public testing::Test, protected CommandStage {
 protected:
  MemoryTest() {
    server.environment.used_memory = [this] { return used_; };
    server.environment.memory = [this] {
      MemoryReport report;
      report.used = used_;
      report.active = report.resident = report.process_resident = used_;
      return report;
    };
  }

  uint64_t used_ = kMegabyte;
};

// ---- maxmemory

TEST_F(MemoryTest, WhatNeedsMemoryIsRefusedBeyondTheLimitAndAllElseServed) {
  run("XADD s 1-1 f v");
  run("XGROUP CREATE s g 0");
  run("XREADGROUP GROUP g c STREAMS s >");
  EXPECT_EQ(run("CONFIG SET maxmemory 1mb"), "+OK\r\n");
  EXPECT_EQ(run("XADD s 2-1 f v"), "$3\r\n2-1\r\n") << "the limit itself is allowed";
  ++used_;
  for (const char* line : {"XADD s 3-1 f v", "XSETID s 9-9", "XGROUP CREATE s h 0", "XGROUP CREATECONSUMER s g d",
                           "COPY s t", "RESTORE x 0 payload"}) {
    EXPECT_EQ(run(line), kRefused) << line;
  }
  EXPECT_EQ(run("XADD s"), "-ERR wrong number of arguments for 'xadd' command\r\n") << "the mistake is named first";
  EXPECT_EQ(run("XACK s g 1-1"), ":1\r\n");
  EXPECT_EQ(run("XDEL s 1-1"), ":1\r\n");
  EXPECT_THAT(run("XREADGROUP GROUP g c STREAMS s >"), HasSubstr("2-1"));
  EXPECT_EQ(run("PING"), "+PONG\r\n");
  EXPECT_EQ(run("PUBLISH channel text"), ":0\r\n");
  EXPECT_THAT(run("INFO commandstats errorstats"),
              AllOf(HasSubstr("cmdstat_xadd:calls=2,"), HasSubstr("rejected_calls=2,"), HasSubstr("errorstat_OOM:")));
  EXPECT_EQ(run("DEL s"), ":1\r\n");
  EXPECT_EQ(run("CONFIG SET maxmemory 0"), "+OK\r\n");
  EXPECT_EQ(run("XADD s 3-1 f v"), "$3\r\n3-1\r\n");
}

TEST_F(MemoryTest, TheLimitIsLookedAtBeforeTheDisk) {
  run("CONFIG SET maxmemory 1mb");
  ++used_;
  server.snapshots.refuses_writes = true;
  EXPECT_EQ(run("XADD s * f v"), kRefused);
  EXPECT_THAT(run("DEL s"), StartsWith("-MISCONF"));
}

TEST_F(MemoryTest, WhatComesAndGoesByItselfDoesNotCount) {
  run("CONFIG SET maxmemory 1mb");
  used_ += 100;
  server.journal_state.buffered_bytes = 99;
  EXPECT_EQ(run("XADD s * f v"), kRefused);
  server.journal_state.buffered_bytes = 100;
  EXPECT_THAT(run("XADD s * f v"), StartsWith("$"));
  EXPECT_THAT(run("INFO memory"), AllOf(HasSubstr("mem_not_counted_for_evict:100\r\n"),
                                        HasSubstr("mem_aof_buffer:100\r\n"), HasSubstr("maxmemory:1048576\r\n"),
                                        HasSubstr("maxmemory_human:1.00M\r\nmaxmemory_policy:noeviction\r\n")));
}

TEST_F(MemoryTest, OtherPoliciesAreRefused) {
  EXPECT_EQ(run("CONFIG SET maxmemory-policy allkeys-lru"),
            "-ERR CONFIG SET failed (possibly related to argument 'maxmemory-policy') - removing keys to free memory "
            "is not supported yet: only noeviction is\r\n");
  EXPECT_EQ(run("CONFIG SET maxmemory-policy noeviction maxmemory-samples 7 lfu-decay-time 3"), "+OK\r\n");
}

// ---- what a core knows between two measurements

class ThreadCounters : public MemoryTest {
 protected:
  ThreadCounters() {
    server.environment.thread_memory = [this] { return ThreadMemory{&taken_, &given_back_}; };
    settings.maxmemory_bytes = static_cast<int64_t>(kMegabyte);
    measure_memory(server);
  }

  uint64_t taken_ = 5000;
  uint64_t given_back_ = 3000;
  MemoryShare share_of_core_;
};

TEST_F(ThreadCounters, OwnBytesAreKnownAtOnce) {
  EXPECT_FALSE(share_of_core_.is_over_limit(server));
  ++taken_;
  EXPECT_TRUE(share_of_core_.is_over_limit(server));
  ++given_back_;
  EXPECT_FALSE(share_of_core_.is_over_limit(server));
}

TEST_F(ThreadCounters, OtherCoresHearOfThemInSteps) {
  MemoryShare other;
  EXPECT_FALSE(other.is_over_limit(server));
  EXPECT_FALSE(share_of_core_.is_over_limit(server));
  taken_ += kMemoryStepBytes;
  // Both look at the same counters here: what the one reports, the other has as its own as well.
  EXPECT_TRUE(share_of_core_.is_over_limit(server));
  EXPECT_EQ(server.memory.reported_bytes.load(), kMemoryStepBytes);
  given_back_ += 2 * kMemoryStepBytes;
  EXPECT_FALSE(share_of_core_.is_over_limit(server));
  EXPECT_EQ(server.memory.reported_bytes.load(), -kMemoryStepBytes);
}

// By commands that need no leave to take it, so that nobody looks.
TEST_F(ThreadCounters, WhatNobodyLookedAtCountsOnce) {
  settings.maxmemory_bytes = static_cast<int64_t>(2 * kMegabyte);
  EXPECT_FALSE(share_of_core_.is_over_limit(server));
  taken_ += kMegabyte;
  used_ += kMegabyte;
  share_of_core_.report(server);  // the turn's
  measure_memory(server);
  EXPECT_FALSE(share_of_core_.is_over_limit(server));
  ++taken_;
  EXPECT_TRUE(share_of_core_.is_over_limit(server));
}

TEST_F(ThreadCounters, AMeasurementCorrectsWhatOthersDid) {
  EXPECT_FALSE(share_of_core_.is_over_limit(server));
  taken_ += kMemoryStepBytes;
  EXPECT_TRUE(share_of_core_.is_over_limit(server));
  used_ -= 3 * kMegabyte / 4;  // other threads gave much back
  measure_memory(server);
  EXPECT_FALSE(share_of_core_.is_over_limit(server));
  EXPECT_EQ(server.memory.peak_bytes.load(), kMegabyte);
}

// ---- maxmemory-clients

class ClientEviction : public MemoryTest {
 protected:
  ClientEviction() {
    for (int i = 0; i < 4; ++i) clients_.push_back(connect("127.0.0.1:" + std::to_string(50'001 + i)));
  }

  void take(size_t i, uint64_t bytes) {
    clients_[i]->card.output_capacity_bytes = bytes;
    counted_[i].set(server.client_memory, bytes);
  }
  std::vector<uint64_t> killed_after_a_look() {
    if (server.client_memory.needs_look()) evict_clients(server, host);
    std::vector<uint64_t> ids;
    for (const auto& [id, after_reply] : host.killed) {
      ids.push_back(id);
      server.clients.remove(id);
    }
    host.killed.clear();
    return ids;
  }
  uint64_t id(size_t i) const { return clients_[i]->fixed.id; }

  std::vector<Ref<Client>> clients_;
  CountedBytes counted_[4];
};

TEST_F(ClientEviction, TheLargestGoFirstUntilTheRestFits) {
  settings.maxmemory_clients = static_cast<int64_t>(kMegabyte);
  take(0, 100'000);
  take(1, 300'000);
  take(2, 400'000);
  take(3, 200'000);
  EXPECT_THAT(killed_after_a_look(), testing::IsEmpty());
  take(3, 300'000);
  EXPECT_THAT(killed_after_a_look(), testing::ElementsAre(id(1))) << "of those of one class the oldest";
  EXPECT_THAT(run("INFO stats"),
              HasSubstr("evicted_keys:0\r\nevicted_clients:1\r\ntotal_eviction_exceeded_time:0\r\n"));
}

TEST_F(ClientEviction, WhoAskedNotToBeEvictedStays) {
  settings.maxmemory_clients = static_cast<int64_t>(kMegabyte);
  run(*clients_[2], "CLIENT NO-EVICT ON");
  take(2, 3'000'000);
  take(1, 1'000);
  EXPECT_THAT(killed_after_a_look(), testing::UnorderedElementsAre(me->fixed.id, id(0), id(1), id(3)));
  EXPECT_THAT(killed_after_a_look(), testing::IsEmpty());
}

TEST_F(ClientEviction, WithoutALimitNothingIsCounted) {
  take(2, 3'000'000);
  EXPECT_EQ(server.client_memory.total(), 0);
  settings.maxmemory_clients = -5;
  take(2, 3'000'000);
  EXPECT_EQ(server.client_memory.limit(), 0u) << "a part of no limit is none";
  EXPECT_EQ(server.client_memory.total(), 0);
  settings.maxmemory_bytes = static_cast<int64_t>(100 * kMegabyte);
  EXPECT_EQ(server.client_memory.limit(), 5 * kMegabyte);
  take(2, 3'000'000);
  EXPECT_EQ(server.client_memory.total(), 3'000'000);
  settings.maxmemory_clients = 1;
  EXPECT_EQ(server.client_memory.limit(), 128 * 1024u) << "the least";
  settings.maxmemory_clients = 0;
  take(2, 2'000'000);
  EXPECT_EQ(server.client_memory.total(), 0);
}

// ---- MEMORY

TEST_F(MemoryTest, StatsHaveAMapForEachDatabase) {
  server.memory.startup_bytes = 1000;
  EXPECT_THAT(run("MEMORY STATS"), AllOf(StartsWith("*54\r\n$14\r\npeak.allocated\r\n:1048576\r\n"),
                                         HasSubstr("startup.allocated\r\n:1000\r\n"),
                                         HasSubstr("peak.percentage\r\n$3\r\n100\r\n"), Not(HasSubstr("db."))));
  run("XADD s 1-1 f v");
  run("SELECT 3");
  run("XADD s 1-1 f v");
  run("EXPIRE s 100");
  run("HELLO 3");
  EXPECT_THAT(run("MEMORY STATS"),
              AllOf(StartsWith("%29\r\n"), HasSubstr("$4\r\ndb.0\r\n%3\r\n$23\r\noverhead.hashtable.main\r\n:"),
                    HasSubstr("$4\r\ndb.3\r\n%3\r\n"), HasSubstr("keys.count\r\n:2\r\n"),
                    HasSubstr("fragmentation\r\n,1\r\n")));
}

TEST_F(MemoryTest, PurgeAndAllocatorStatisticsComeFromOutside) {
  EXPECT_EQ(run("MEMORY PURGE"), "+OK\r\n");
  EXPECT_EQ(run("MEMORY MALLOC-STATS"), "$45\r\nStats not supported for the current allocator\r\n");
  server.environment.purge_memory = [] { return false; };
  server.environment.allocator_statistics = [] { return std::string("figures"); };
  EXPECT_EQ(run("MEMORY PURGE"), "-ERR Error purging dirty pages\r\n");
  EXPECT_EQ(run("MEMORY MALLOC-STATS"), "$7\r\nfigures\r\n");
  run("HELLO 3");
  EXPECT_EQ(run("MEMORY MALLOC-STATS"), "=11\r\ntxt:figures\r\n");
}

MemoryOverview healthy() {
  MemoryOverview overview;
  overview.peak = 100 * kMegabyte;
  MemoryReport& report = overview.report;
  report.used = report.active = report.resident = report.process_resident = 100 * kMegabyte;
  return overview;
}

TEST(MemoryDoctor, SaysWhenThereIsNothingToJudge) {
  MemoryOverview overview = healthy();
  EXPECT_THAT(memory_diagnosis(overview, 1), StartsWith("Hi Sam, I can't find any memory issue in your instance."));
  overview.report.used = 5 * kMegabyte - 1;
  EXPECT_THAT(memory_diagnosis(overview, 1), StartsWith("Hi Sam, this instance is empty or is using very little"));
}

TEST(MemoryDoctor, NamesWhatItFinds) {
  const auto with = [](auto&& change) {
    MemoryOverview overview = healthy();
    change(overview);
    const std::string text = memory_diagnosis(overview, 2);
    EXPECT_THAT(text, AllOf(StartsWith("Sam, I detected a few issues in this Redis instance memory implants:\n\n * "),
                            HasSubstr("I want to help you.\n")));
    return text;
  };
  EXPECT_THAT(with([](MemoryOverview& of) { of.peak = 151 * kMegabyte; }), HasSubstr(" * Peak memory: "));
  EXPECT_THAT(with([](MemoryOverview& of) { of.clients = 500 * 1024; }), HasSubstr(" * Big client buffers: "));
  const std::string active = with([](MemoryOverview& of) {
    MemoryReport& report = of.report;
    report.active = report.resident = report.process_resident = 120 * kMegabyte;
  });
  EXPECT_THAT(active, AllOf(HasSubstr(" * High allocator fragmentation: "), Not(HasSubstr("total RSS"))));
  const std::string resident =
      with([](MemoryOverview& of) { of.report.resident = of.report.process_resident = 150 * kMegabyte; });
  EXPECT_THAT(resident, AllOf(HasSubstr(" * High total RSS: "), HasSubstr(" * High allocator RSS overhead: ")));
  EXPECT_THAT(with([](MemoryOverview& of) { of.report.process_resident = 115 * kMegabyte; }),
              HasSubstr(" * High process RSS overhead: "));
}

}  // namespace
}  // namespace millrace::commands
