// Idempotency: which (producer, id) pairs a stream has already taken, so that a repeated XADD answers with the first
// entry's id instead of adding another (Redis 8.6, reference section 3.3).
//
// Per producer an ordered list of at most entries_max records, oldest first; expiry looks at the ms part of the stream
// id and runs only from expire(). Partition lock held; time is an argument.
//
// Copyable (COPY, snapshots). A copy has a directory of producers of its own; a producer's records are shared, and
// copied when either side changes them. Copies may be read, changed and destroyed by others meanwhile.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "streams/stream_id.h"

namespace millrace::streams {

struct IdempotencyLimits {
  int64_t duration_s = 100;   // 1..86400
  int64_t entries_max = 100;  // 1..10000
};

class Idempotency {
 public:
  explicit Idempotency(IdempotencyLimits limits = {});
  Idempotency(const Idempotency& other);
  Idempotency(Idempotency&&) noexcept;
  Idempotency& operator=(Idempotency&&) noexcept;
  ~Idempotency();

  IdempotencyLimits limits() const;
  // Forgets all records if a value differs; true if so (XCFGSET).
  bool set_limits(IdempotencyLimits limits);

  // The id remembered for the pair. Does not look at age.
  std::optional<StreamId> find(std::string_view producer, std::string_view id) const;
  void count_duplicate();
  // Makes the producer known even if nothing gets recorded (as Redis does on the way to an XADD that then fails).
  void touch_producer(std::string_view producer);
  // Remembers the pair, dropping the producer's oldest record beyond entries_max. A pair that is known stays as it is.
  void record(std::string_view producer, std::string_view id, StreamId entry);
  // Drops the producer's records up to and including this one, if it is there: who replays a journal has not let them
  // grow old, as those did who wrote it.
  void forget_up_to(std::string_view producer, std::string_view id);
  // Drops records older than the duration. True if anything was dropped.
  bool expire(int64_t now_ms);
  bool has_expired(int64_t now_ms) const;  // expire() would drop something
  bool empty() const;                      // no producers: nothing to expire

  size_t producer_count() const;   // pids-tracked
  size_t record_count() const;     // iids-tracked
  uint64_t records_added() const;  // iids-added
  uint64_t duplicates() const;     // iids-duplicates
  size_t memory_bytes() const;
  size_t clone_bytes() const;  // what a copy takes beside what is shared

  // For snapshots and journal rewrites: producers in name order, also those without records, each followed by its
  // records, oldest first.
  struct Visitor {
    std::function<void(std::string_view producer, size_t records)> producer;
    std::function<void(std::string_view producer, std::string_view id, StreamId entry)> record;
  };
  void visit(const Visitor& visitor) const;
  // What the counters were when the snapshot was written; record() has counted the loaded records itself.
  void set_counters(uint64_t records_added, uint64_t duplicates);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The id that IDMPAUTO derives from field-value pairs: 16 bytes, independent of the order of pairs (reference 3.3.5).
std::array<char, 16> content_id(std::span<const std::string_view> elements);

}  // namespace millrace::streams
