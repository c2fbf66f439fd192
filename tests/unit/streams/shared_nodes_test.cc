// share_nodes(): one thread reads what it was handed, without the lock, while the owner goes on changing the stream.
// That nobody writes to a shared node is for ThreadSanitizer to see; that it looks as it did, for everybody.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "base/random.h"
#include "streams/stream.h"

namespace millrace::streams {
namespace {

class SharedNodesTest : public testing::Test {
 protected:
  struct Shared {
    std::vector<Ref<Node>> nodes;
    std::vector<const char*> bytes;  // of the nodes: where they lay
    uint64_t length;
  };

  void change() {
    const std::lock_guard lock(mutex_);
    const std::string_view elements[] = {"field", "value"};
    ASSERT_TRUE(stream_.append({}, elements, ++now_ms_, {.bytes_max = 4096, .entries_max = 20}).ok());
    if (random_.one_in(2)) stream_.erase({static_cast<uint64_t>(now_ms_) - random_.below(60), 0});
    TrimOptions options;
    options.length_max = 50;
    if (random_.one_in(10)) stream_.trim(options);
  }
  Shared share() {
    const std::lock_guard lock(mutex_);
    Shared shared{stream_.share_nodes(), {}, stream_.length()};
    for (const Ref<Node>& node : shared.nodes) shared.bytes.push_back(node->bytes().data());
    return shared;
  }
  static void look_at(const Shared& shared) {
    uint64_t length = 0;
    StreamId last;
    for (size_t i = 0; i < shared.nodes.size(); ++i) {
      const Ref<Node>& node = shared.nodes[i];
      ASSERT_EQ(node->bytes().data(), shared.bytes[i]);
      for (EntryIterator entry(*node); entry.valid(); entry.next()) {
        ASSERT_LT(last, entry.id());
        ASSERT_EQ(entry.next_pair().value, "value");
        last = entry.id();
        ++length;
      }
    }
    ASSERT_EQ(length, shared.length);
  }

  std::mutex mutex_;
  Stream stream_;
  Random random_{7};
  int64_t now_ms_ = 1000;
};

TEST_F(SharedNodesTest, AreNotTouchedByTheOwner) {
  constexpr int kLooks = 400;
  std::atomic<bool> done = false;
  std::thread reader([&] {
    Shared before = share();
    for (int i = 0; i < kLooks; ++i) {
      Shared now = share();
      look_at(before);
      look_at(now);
      before = std::move(now);
    }
    done = true;
  });
  while (!done) change();
  reader.join();
  stream_.check_invariants();
}

TEST_F(SharedNodesTest, LookAsTheyDidWhateverTheOwnerDoes) {
  for (int i = 0; i < 100; ++i) change();
  const Shared before = share();
  for (int i = 0; i < 100; ++i) {
    change();
    look_at(before);
  }
}

}  // namespace
}  // namespace millrace::streams
