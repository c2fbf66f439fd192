// Group and Consumer: who reads a stream together, how far they are, and what they owe.
//
// Invariants: every owner in `pending` is a consumer of this group or kNoConsumer; the pending list is the disjoint
// union of the consumers' lists and the unowned records. One thread (partition lock). Copyable (COPY).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "streams/pending_list.h"
#include "streams/stream_id.h"

namespace millrace::streams {

inline constexpr int64_t kEntriesReadUnknown = -1;
inline constexpr int64_t kNeverActive = -1;

struct Consumer {
  ConsumerId id = kNoConsumer;
  int64_t seen_time_ms = 0;               // last command that named the consumer
  int64_t active_time_ms = kNeverActive;  // last time it was handed an entry
};

class Group {
 public:
  using Consumers = std::map<std::string, Consumer, std::less<>>;

  StreamId last_delivered;
  int64_t entries_read = kEntriesReadUnknown;
  PendingList pending;

  Consumer* consumer(std::string_view name);
  // Finds or makes it; `created` tells which. Does not touch seen_time of an existing one.
  Consumer& ensure_consumer(std::string_view name, int64_t now_ms, bool* created = nullptr);
  // Drops the consumer and its pending entries; returns how many those were, or nullopt if there is no such consumer.
  std::optional<size_t> remove_consumer(std::string_view name);
  const Consumers& consumers() const { return consumers_; }
  Consumers& consumers() { return consumers_; }
  // The name of an owner; "" for kNoConsumer.
  std::string_view consumer_name(ConsumerId id) const;
  size_t memory_bytes() const;
  void check_invariants() const;

 private:
  Consumers consumers_;
};

}  // namespace millrace::streams
