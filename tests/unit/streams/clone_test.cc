// Stream::clone(): whatever happens to one side, the other stays what it was. The threads are for ThreadSanitizer: a
// clone needs no lock.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/random.h"
#include "streams/delivery.h"
#include "streams/stream.h"
#include "support/random_stream.h"

namespace millrace::streams {
namespace {

using test::content_of;

// Somebody who changes streams in all ways there are.
class Writer {
 public:
  explicit Writer(uint64_t seed) : random_(seed) {}

  void change(Stream& stream) {
    now_ms_ += static_cast<int64_t>(random_.below(3));
    const uint64_t dice = random_.below(100);
    if (dice < 40) return append(stream);
    if (dice < 50) return (void)stream.erase(some_id(stream));
    if (dice < 53) return trim(stream);
    if (dice < 58) return remember(stream);
    change_group(stream, some_group(stream));
  }
  bool one_in(uint64_t n) { return random_.one_in(n); }
  size_t below(size_t n) { return random_.below(n); }

 private:
  void append(Stream& stream) {
    const std::string value(random_.below(40), 'v');
    const std::string_view elements[] = {"field", value};
    ASSERT_TRUE(stream.append({}, elements, now_ms_, {.bytes_max = 4096, .entries_max = 5}).ok());
  }
  void trim(Stream& stream) {
    TrimOptions options;
    options.length_max = 150 + random_.below(100);
    options.policy = static_cast<RefPolicy>(random_.below(3));
    stream.trim(options);
  }
  void remember(Stream& stream) {
    const std::string producer(1, static_cast<char>('p' + random_.below(3)));
    stream.idempotency.record(producer, std::to_string(random_.below(1000)), stream.last_id());
    if (random_.one_in(20)) stream.idempotency.expire(now_ms_ + 99'000);
  }
  Group& some_group(Stream& stream) {
    const std::string name(1, static_cast<char>('g' + random_.below(2)));
    if (random_.one_in(500)) stream.destroy_group(name);
    Group* const group = stream.group(name);
    return group != nullptr ? *group : *stream.create_group(name, {}, 0);
  }
  void change_group(Stream& stream, Group& group) {
    Consumer& consumer = group.ensure_consumer("consumer" + std::to_string(random_.below(3)), now_ms_);
    const StreamId id = some_id(stream);
    switch (random_.below(8)) {
      case 0:
      case 1:
        deliver_new(
            stream, group, consumer, {.count = 20, .now_ms = now_ms_}, [] { return true; }, [](auto&) {});
        break;
      case 2:
        nack(stream, group, id, random_.one_in(2) ? NackMode::kFatal : NackMode::kFail, {}, random_.one_in(2));
        break;
      case 3:
        auto_claim(stream, group, consumer, {.start = id, .count = 5, .now_ms = now_ms_});
        break;
      case 4:
        claim(stream, group, consumer, id, {.retry_count = int64_t{1} << 40, .force = true, .now_ms = now_ms_});
        break;
      case 5:
        has_claimable(stream, group, 10, now_ms_);
        if (random_.one_in(200)) group.remove_consumer("consumer1");
        break;
      default:
        group.pending.erase(id);
    }
  }
  StreamId some_id(const Stream& stream) {
    const auto entry = stream.entries({random_.below(static_cast<uint64_t>(now_ms_)), 0}, kStreamIdMax);
    return entry.valid() ? entry.id() : stream.last_id();
  }

  Random random_;
  int64_t now_ms_ = 1;
};

TEST(CloneTest, StaysWhatItWasWhateverHappensToOthers) {
  struct Kept {
    std::unique_ptr<Stream> stream;
    std::string content;
  };
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Writer writer(seed);
    std::vector<Kept> all;
    all.push_back({std::make_unique<Stream>(), ""});
    for (int round = 0; round < 80; ++round) {
      Kept& kept = all[writer.below(all.size())];
      for (int i = 0; i < 25; ++i) writer.change(*kept.stream);
      kept.content = content_of(*kept.stream);
      if (writer.one_in(4)) all.push_back({kept.stream->clone(), kept.content});
      if (all.size() > 5) all.erase(all.begin() + static_cast<ptrdiff_t>(writer.below(all.size())));
      for (const Kept& each : all) {
        each.stream->check_invariants();
        ASSERT_EQ(content_of(*each.stream), each.content);
      }
    }
  }
}

// Who asks first has it first. A std::mutex one thread may have again and again, for minutes, before the other wakes.
class Turns {
 public:
  void lock() {
    const uint64_t turn = asked_++;
    while (turn != had_) std::this_thread::yield();
  }
  void unlock() { ++had_; }

 private:
  std::atomic<uint64_t> asked_ = 0;
  std::atomic<uint64_t> had_ = 0;
};

// Takes a clone under the lock of its stream; the rest is done without.
void clone_and_look(const Stream& stream, Turns& mutex, Writer& writer) {
  std::unique_lock lock(mutex);
  const std::unique_ptr<Stream> clone = stream.clone();
  const std::string content = content_of(stream);
  lock.unlock();
  ASSERT_EQ(content_of(*clone), content);
  const std::unique_ptr<Stream> second = clone->clone();
  for (int i = 0; i < 20; ++i) writer.change(*clone);
  clone->check_invariants();
  ASSERT_EQ(content_of(*second), content);
}

TEST(CloneTest, IsReadAndChangedWithoutALockWhileTheOwnerGoesOn) {
  constexpr int kClones = 60;
  Turns mutex;
  Stream stream;
  Writer owner(1);
  for (int i = 0; i < 2000; ++i) owner.change(stream);
  std::atomic<bool> done = false;
  std::thread holder([&] {
    Writer writer(2);
    for (int i = 0; i < kClones && !testing::Test::HasFatalFailure(); ++i) clone_and_look(stream, mutex, writer);
    done = true;
  });
  while (!done) {
    const std::lock_guard lock(mutex);
    for (int i = 0; i < 10; ++i) owner.change(stream);
  }
  holder.join();
  stream.check_invariants();
}

// A stream of several pages of records, trees of three levels and a thousand nodes.
TEST(CloneTest, SharesWhatIsLarge) {
  constexpr uint64_t kEntries = 20'000;
  Stream stream;
  Group& group = *stream.create_group("g", {}, 0);
  const std::string_view elements[] = {"field", "value"};
  for (uint64_t n = 1; n <= kEntries; ++n) {
    ASSERT_TRUE(stream.append({}, elements, static_cast<int64_t>(n), {.bytes_max = 4096, .entries_max = 20}).ok());
    group.pending.put({{n, 0}, static_cast<ConsumerId>(n % 3), static_cast<int64_t>(n), 1});
  }
  EXPECT_LT(stream.clone_bytes() * 100, stream.memory_bytes());
  EXPECT_LT(stream.piece_count(), 20u);
  const auto clone = stream.clone();
  for (uint64_t n = 1; n <= kEntries; n += 3) {
    ASSERT_TRUE(group.pending.erase({n, 0}));
    ASSERT_TRUE(stream.erase({n, 0}));
  }
  stream.groups().at("g").pending.check_invariants();
  const PendingList& pending = clone->groups().at("g").pending;
  pending.check_invariants();
  EXPECT_EQ(pending.size(), kEntries);
  EXPECT_EQ(clone->length(), kEntries);
  uint64_t n = 0;
  for (auto entry = clone->entries({}, kStreamIdMax); entry.valid(); entry.next()) {
    ASSERT_EQ(entry.id(), (StreamId{++n, 0}));
    ASSERT_TRUE(pending.find(entry.id()).has_value());
  }
  EXPECT_EQ(n, kEntries);
}

}  // namespace
}  // namespace millrace::streams
