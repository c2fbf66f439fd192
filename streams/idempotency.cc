// Idempotency: per producer a queue of records, oldest first, and an ordered index of their ids. The index is ordered
// and not hashed, because clients choose the ids: nobody can aim at one bucket.
#include "streams/idempotency.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <deque>
#include <map>
#include <utility>

#include "base/check.h"
#include "base/ref.h"

namespace millrace::streams {
namespace {

constexpr int64_t kMsPerSecond = 1000;
constexpr size_t kMapNodeOverhead = 4 * sizeof(void*);

struct Record {
  std::string id;
  StreamId entry;
};

// Invariant: `index` holds exactly the ids of `records`, as views into them. A deque does not move its elements when
// the ends change, so the views stay good; a copy of the queue needs an index of its own.
class Producer : public RefCounted<Producer> {
 public:
  Producer() = default;
  Producer(const Producer& other) : RefCounted() {
    for (const Record& record : other.records_) push(record.id, record.entry);
  }
  Producer& operator=(const Producer&) = delete;

  const std::deque<Record>& records() const { return records_; }

  std::optional<StreamId> find(std::string_view id) const {
    const auto found = index_.find(id);
    return found == index_.end() ? std::nullopt : std::optional(found->second);
  }
  void push(std::string_view id, StreamId entry) {
    records_.push_back({std::string(id), entry});
    index_.emplace(records_.back().id, entry);
  }
  void pop_oldest() {
    index_.erase(records_.front().id);
    records_.pop_front();
  }

  size_t memory_bytes() const {
    size_t bytes = sizeof(Producer);
    for (const Record& record : records_) {
      bytes += sizeof(Record) + record.id.capacity();
      bytes += sizeof(std::pair<std::string_view, StreamId>) + kMapNodeOverhead;
    }
    return bytes;
  }

 private:
  std::deque<Record> records_;
  std::map<std::string_view, StreamId> index_;
};

struct HashStateDeleter {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

}  // namespace

struct Idempotency::Impl {
  IdempotencyLimits limits;
  std::map<std::string, Ref<Producer>, std::less<>> producers;
  size_t record_count = 0;
  uint64_t records_added = 0;
  uint64_t duplicates = 0;

  Ref<Producer>& ensure_producer(std::string_view name) {
    const auto found = producers.find(name);
    if (found != producers.end()) return found->second;
    return producers.emplace(std::string(name), Ref<Producer>::make()).first->second;
  }
  // The producer, no longer shared with a copy of the table.
  static Producer& writable(Ref<Producer>& producer) {
    if (!producer->is_unique()) producer = Ref<Producer>::make(std::as_const(*producer));
    return *producer;
  }
  int64_t newest_expired_ms(int64_t now_ms) const { return now_ms - limits.duration_s * kMsPerSecond; }
  void drop_oldest(Producer& producer) {
    producer.pop_oldest();
    --record_count;
  }
};

Idempotency::Idempotency(IdempotencyLimits limits) : impl_(new Impl{.limits = limits, .producers = {}}) {}
Idempotency::Idempotency(const Idempotency& other) : impl_(new Impl(*other.impl_)) {}
Idempotency::Idempotency(Idempotency&&) noexcept = default;
Idempotency& Idempotency::operator=(Idempotency&&) noexcept = default;
Idempotency::~Idempotency() = default;

IdempotencyLimits Idempotency::limits() const {
  return impl_->limits;
}

bool Idempotency::set_limits(IdempotencyLimits limits) {
  const bool differs = limits.duration_s != impl_->limits.duration_s || limits.entries_max != impl_->limits.entries_max;
  if (!differs) return false;
  impl_->limits = limits;
  impl_->producers.clear();
  impl_->record_count = 0;
  return true;
}

std::optional<StreamId> Idempotency::find(std::string_view producer, std::string_view id) const {
  const auto found = impl_->producers.find(producer);
  return found == impl_->producers.end() ? std::nullopt : found->second->find(id);
}

void Idempotency::count_duplicate() {
  ++impl_->duplicates;
}

void Idempotency::touch_producer(std::string_view producer) {
  impl_->ensure_producer(producer);
}

void Idempotency::record(std::string_view producer, std::string_view id, StreamId entry) {
  Ref<Producer>& shared = impl_->ensure_producer(producer);
  if (shared->find(id)) return;
  Producer& known = Impl::writable(shared);
  known.push(id, entry);
  ++impl_->record_count;
  ++impl_->records_added;
  if (std::cmp_greater(known.records().size(), impl_->limits.entries_max)) impl_->drop_oldest(known);
}

void Idempotency::forget_up_to(std::string_view producer, std::string_view id) {
  const auto known = impl_->producers.find(producer);
  if (known == impl_->producers.end()) return;
  while (known->second->find(id)) impl_->drop_oldest(Impl::writable(known->second));
}

bool Idempotency::has_expired(int64_t now_ms) const {
  const int64_t newest_expired_ms = impl_->newest_expired_ms(now_ms);
  return std::ranges::any_of(impl_->producers, [&](const auto& known) {
    const auto& records = known.second->records();
    return records.empty() || std::cmp_less_equal(records.front().entry.ms, newest_expired_ms);
  });
}

bool Idempotency::expire(int64_t now_ms) {
  const int64_t newest_expired_ms = impl_->newest_expired_ms(now_ms);
  bool dropped = false;
  for (auto it = impl_->producers.begin(); it != impl_->producers.end();) {
    const auto is_due = [&] {
      const auto& records = it->second->records();
      return !records.empty() && std::cmp_less_equal(records.front().entry.ms, newest_expired_ms);
    };
    while (is_due()) {
      impl_->drop_oldest(Impl::writable(it->second));
      dropped = true;
    }
    it = it->second->records().empty() ? impl_->producers.erase(it) : std::next(it);
  }
  return dropped;
}

bool Idempotency::empty() const {
  return impl_->producers.empty();
}
size_t Idempotency::producer_count() const {
  return impl_->producers.size();
}
size_t Idempotency::record_count() const {
  return impl_->record_count;
}
uint64_t Idempotency::records_added() const {
  return impl_->records_added;
}
uint64_t Idempotency::duplicates() const {
  return impl_->duplicates;
}

size_t Idempotency::clone_bytes() const {
  constexpr size_t kBytesPerProducer = sizeof(std::string) + sizeof(Ref<Producer>) + kMapNodeOverhead;
  return sizeof(Impl) + impl_->producers.size() * kBytesPerProducer;
}

size_t Idempotency::memory_bytes() const {
  size_t bytes = sizeof(Impl);
  for (const auto& [name, producer] : impl_->producers) {
    bytes += sizeof(std::string) + name.capacity() + kMapNodeOverhead + producer->memory_bytes();
  }
  return bytes;
}

void Idempotency::visit(const Visitor& visitor) const {
  for (const auto& [name, producer] : impl_->producers) {
    visitor.producer(name, producer->records().size());
    for (const Record& record : producer->records()) visitor.record(name, record.id, record.entry);
  }
}

void Idempotency::set_counters(uint64_t records_added, uint64_t duplicates) {
  impl_->records_added = records_added;
  impl_->duplicates = duplicates;
}

// Per pair XXH3-128 of | field | field length (8 bytes, little-endian) | value |; the hashes' halves are summed and
// xored, both of which forget the order of the pairs, and the four results are folded to 16 bytes: low half first.
std::array<char, 16> content_id(std::span<const std::string_view> elements) {
  CHECK(elements.size() % 2 == 0);
  static_assert(std::endian::native == std::endian::little);
  const std::unique_ptr<XXH3_state_t, HashStateDeleter> state(XXH3_createState());
  CHECK(state != nullptr);
  XXH128_hash_t sum{0, 0};
  XXH128_hash_t parity{0, 0};
  for (size_t i = 0; i < elements.size(); i += 2) {
    const uint64_t field_bytes = elements[i].size();
    XXH3_128bits_reset(state.get());
    XXH3_128bits_update(state.get(), elements[i].data(), elements[i].size());
    XXH3_128bits_update(state.get(), &field_bytes, sizeof(field_bytes));
    XXH3_128bits_update(state.get(), elements[i + 1].data(), elements[i + 1].size());
    const XXH128_hash_t hash = XXH3_128bits_digest(state.get());
    sum.low64 += hash.low64;
    sum.high64 += hash.high64;
    parity.low64 ^= hash.low64;
    parity.high64 ^= hash.high64;
  }
  const uint64_t halves[2] = {sum.low64 ^ std::rotl(parity.high64, 1), sum.high64 ^ std::rotl(parity.low64, 1)};
  std::array<char, 16> id;
  std::memcpy(id.data(), halves, id.size());
  return id;
}

}  // namespace millrace::streams
