// PatternTable: the audience of each pattern, and which patterns match a channel.
//
// Patterns are grouped by their literal beginning: the bytes before the first of * ? [ \, at most 63 of them.
//
//   lengths present   { 0, 5 }                   a bit for each
//   groups            ""      -> *  *.sport
//                     "news." -> news.*  news.[ab]*  news.world
//
// A channel is compared only with the patterns of the groups whose beginning it has: one look-up for each length that
// is present, 64 at most. So with 10,000 patterns like "user:123:*" and a channel that none of them matches, PUBLISH
// pays a look-up for each different length of "user:123:", whatever their number; with 10,000 like "*:123" it
// pays 10,000 matches, and as many with 10,000 that share their beginning and a channel that has it too.
//
// Publishers share the lock. Any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "pubsub/audience.h"
#include "pubsub/names.h"
#include "pubsub/subscriptions.h"

namespace millrace::pubsub {

class PatternTable {
 public:
  struct Pattern {
    std::string_view text;
    Audience audience;
    size_t beginning_bytes = 0;
    size_t position = 0;  // in its group
  };

  explicit PatternTable(uint64_t hash_seed) : hash_seed_(hash_seed) {}
  PatternTable(const PatternTable&) = delete;
  PatternTable& operator=(const PatternTable&) = delete;

  Name hashed(std::string_view text) const { return Name::hashed(text, hash_seed_); }

  // Distinct patterns with an audience. A plain load, as ChannelTable::size().
  size_t size() const { return size_.load(std::memory_order_relaxed); }

  void join(Subscriptions& subscriptions, const Name& name, const std::function<void()>& acknowledge) EXCLUDES(mutex);
  // REQUIRES: the client listens to it.
  void leave(Subscriptions& subscriptions, const Name& name) EXCLUDES(mutex);

  void for_each_listener(const VisitListener& visit) const EXCLUDES(mutex);
  // Appends those that match; they and their audiences stay as they are while the lock is held.
  void find_matching(std::string_view channel, std::vector<const Pattern*>& found) const REQUIRES_SHARED(mutex);

  mutable SharedMutex mutex;

 private:
  // A pattern in its group: what is left to match behind the beginning stands beside the pointer, so that those that
  // do not match are passed by without a look at the rest.
  struct Member {
    std::string_view rest;
    Pattern* pattern;
  };
  using Members = std::vector<Member>;
  using Patterns = std::unordered_map<OwnedName, Pattern, NameHash, NameEqual>;
  using Groups = std::unordered_map<OwnedName, Members, NameHash, NameEqual>;

  static constexpr size_t kBeginningBytesMax = 63;

  Patterns::iterator add(const Name& name) REQUIRES(mutex);
  void remove(Patterns::iterator entry) REQUIRES(mutex);

  const uint64_t hash_seed_;
  std::atomic<size_t> size_{0};
  Patterns patterns_ GUARDED_BY(mutex);
  Groups groups_ GUARDED_BY(mutex);  // none is empty
  // Which lengths of beginnings there are, and how many groups of each.
  uint64_t lengths_ GUARDED_BY(mutex) = 0;
  std::array<size_t, kBeginningBytesMax + 1> groups_of_length_ GUARDED_BY(mutex) = {};
};

}  // namespace millrace::pubsub
