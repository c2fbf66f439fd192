// Group and Consumer: who reads a stream together, how far they are, and what they owe.
//
// Invariants: every owner in `pending` is a consumer of this group or kNoConsumer; the pending list is the disjoint
// union of the consumers' lists and the unowned records. One thread (partition lock). Copyable (COPY).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "streams/pending_list.h"
#include "streams/stream_id.h"

namespace millrace::streams {

inline constexpr int64_t kEntriesReadUnknown = -1;
inline constexpr int64_t kNeverActive = -1;

struct Consumer {
  ConsumerId id = kNoConsumer;
  int64_t seen_time_ms = 0;               // last command that named the consumer
  int64_t active_time_ms = kNeverActive;  // last time an entry became its own
};

class Group {
 public:
  using Consumers = std::map<std::string, Consumer, std::less<>>;

  Group() = default;
  Group(const Group& other);
  Group(Group&&) noexcept = default;
  Group& operator=(Group&&) noexcept = default;

  StreamId last_delivered;
  int64_t entries_read = kEntriesReadUnknown;
  PendingList pending;

  Consumer* consumer(std::string_view name);
  const Consumer* consumer(std::string_view name) const;
  // Finds or makes it; `created` tells which. Does not touch seen_time of an existing one.
  // The reference lives until the consumer is removed.
  Consumer& ensure_consumer(std::string_view name, int64_t now_ms, bool* created = nullptr);
  // Drops the consumer and its pending entries; returns how many those were, or nullopt if there is no such consumer.
  std::optional<size_t> remove_consumer(std::string_view name);
  const Consumers& consumers() const { return consumers_; }
  // For their times; consumers come and go through the two functions above.
  Consumers& consumers() { return consumers_; }
  // The name of an owner; "" for kNoConsumer. Lives as long as the consumer.
  std::string_view consumer_name(ConsumerId id) const;
  size_t memory_bytes() const;
  size_t clone_bytes() const;  // what a copy takes beside what it shares
  void check_invariants() const;

 private:
  ConsumerId take_id();
  size_t directory_bytes() const;  // without the pending list

  Consumers consumers_;
  std::vector<const std::string*> names_;  // by ConsumerId: the key in consumers_, nullptr if the id is free
  std::vector<ConsumerId> free_ids_;
};

}  // namespace millrace::streams
