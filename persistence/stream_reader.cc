// See stream_reader.h; the layout is drawn in rdb_format.h.
//
// No count sizes anything: lists grow as their elements arrive, each of which takes bytes of the input.
#include "persistence/stream_reader.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace millrace::persistence {
namespace {

using streams::Consumer;
using streams::ConsumerId;
using streams::Group;
using streams::IdempotencyLimits;
using streams::kNoConsumer;
using streams::Node;
using streams::Pending;
using streams::Stream;
using streams::StreamId;

constexpr uint64_t kInt64Max = std::numeric_limits<int64_t>::max();
// Year 9999: times beyond are no times, and arithmetic with those below does not overflow.
constexpr int64_t kTimeMsMax = 253'402'300'799'999;
constexpr uint64_t kDurationMax = 86'400;
constexpr uint64_t kEntriesMaxMax = 10'000;
// A listpack counts its bytes in 32 bits, and changing flags and counters of a node may take a few more.
constexpr size_t kNodeBytesMax = std::numeric_limits<uint32_t>::max() - (1 << 20);

class StreamReader {
 public:
  StreamReader(ByteReader& in, const StreamLayout& layout, IdempotencyLimits new_streams)
      : in_(in), layout_(layout), stream_(std::make_unique<Stream>(new_streams)) {}

  std::unique_ptr<Stream> read() {
    read_nodes();
    read_totals();
    const uint64_t groups = in_.length();
    for (uint64_t i = 0; i < groups && in_.ok(); ++i) read_group();
    if (layout_.idempotency) read_idempotency();
    return in_.ok() ? std::move(stream_) : nullptr;
  }

 private:
  // What is pending in a group, until all of its owners are known. In id order.
  using PendingRecords = std::vector<Pending>;

  StreamId read_id() {
    const uint64_t ms = in_.big_endian64();
    return {ms, in_.big_endian64()};
  }
  StreamId read_split_id() {
    const uint64_t ms = in_.length();
    return {ms, in_.length()};
  }
  void require(bool condition, RdbFault fault) {
    if (!condition) in_.fail(fault);
  }

  void read_nodes() {
    const uint64_t count = in_.length();
    for (uint64_t i = 0; i < count && in_.ok(); ++i) read_node();
  }

  void read_node() {
    const uint64_t start = in_.offset();
    const uint64_t id_size = in_.length();
    if (id_size != sizeof(StreamId)) return in_.fail(RdbFault::kNodeId, start);
    const StreamId master_id = read_id();
    const uint64_t listpack_start = in_.offset();
    const std::string_view listpack = in_.string();
    if (!in_.ok()) return;
    if (listpack.size() > kNodeBytesMax) return in_.fail(RdbFault::kNode, listpack_start);
    Ref<Node> node = Node::decode(master_id, listpack, stream_->block_for(listpack.size()));
    if (!node) return in_.fail(RdbFault::kNode, listpack_start);
    last_in_nodes_ = std::max(last_in_nodes_, node->last_id());
    if (!stream_->load_node(std::move(node))) in_.fail(RdbFault::kNodeOrder, start);
  }

  void read_totals() {
    const uint64_t length = in_.length();
    require(length == stream_->length(), RdbFault::kStreamLength);
    StreamId last_id = read_split_id();
    if (!layout_.counters) last_id = std::max(last_id, last_in_nodes_);
    require(last_id >= last_in_nodes_, RdbFault::kStreamIds);
    uint64_t entries_added = length;
    StreamId max_deleted;
    if (layout_.counters) {
      read_split_id();  // the first id
      max_deleted = read_split_id();
      entries_added = in_.length();
    }
    require(max_deleted <= last_id && entries_added >= length, RdbFault::kStreamIds);
    if (!in_.ok()) return;
    stream_->set_last_id(last_id);
    stream_->set_max_deleted_id(max_deleted);
    stream_->set_entries_added(entries_added);
  }

  void read_group() {
    const uint64_t start = in_.offset();
    const std::string name(in_.string());
    const StreamId last_delivered = read_split_id();
    const int64_t entries_read = read_entries_read(last_delivered);
    if (!in_.ok()) return;
    const bool is_possible = entries_read >= streams::kEntriesReadUnknown;
    Group* const group = is_possible ? stream_->create_group(name, last_delivered, entries_read) : nullptr;
    if (group == nullptr) return in_.fail(RdbFault::kGroup, start);

    PendingRecords pending = read_pending();
    const uint64_t consumers = in_.length();
    for (uint64_t i = 0; i < consumers && in_.ok(); ++i) read_consumer(*group, pending);
    const std::vector<StreamId> unowned = layout_.nacked ? read_nacked(pending) : std::vector<StreamId>();
    if (in_.ok()) put_pending(*group, pending, unowned);
  }

  int64_t read_entries_read(StreamId last_delivered) {
    if (layout_.counters) return static_cast<int64_t>(in_.length());
    const auto estimate = stream_->estimate_entries_read(last_delivered);
    return estimate ? static_cast<int64_t>(*estimate) : streams::kEntriesReadUnknown;
  }

  PendingRecords read_pending() {
    PendingRecords pending;
    const uint64_t count = in_.length();
    for (uint64_t i = 0; i < count && in_.ok(); ++i) {
      const StreamId id = read_id();
      const auto time_ms = in_.little_endian<int64_t>();
      const uint64_t deliveries = in_.length();
      require(pending.empty() || id > pending.back().id, RdbFault::kPendingOrder);
      require(is_time(time_ms), RdbFault::kPendingTime);
      require(deliveries <= kInt64Max, RdbFault::kPendingCount);
      if (in_.ok()) pending.push_back({id, kNoConsumer, time_ms, static_cast<int64_t>(deliveries)});
    }
    return pending;
  }

  static bool is_time(int64_t ms) { return ms >= 0 && ms <= kTimeMsMax; }

  void read_consumer(Group& group, PendingRecords& pending) {
    const uint64_t start = in_.offset();
    const std::string name(in_.string());
    const auto seen_ms = in_.little_endian<int64_t>();
    const int64_t active_ms = layout_.active_time ? in_.little_endian<int64_t>() : seen_ms;
    require(is_time(seen_ms) && (is_time(active_ms) || active_ms == streams::kNeverActive), RdbFault::kConsumerTime);
    if (!in_.ok()) return;
    bool created = false;
    Consumer& consumer = group.ensure_consumer(name, seen_ms, &created);
    if (!created) return in_.fail(RdbFault::kConsumer, start);
    consumer.active_time_ms = active_ms;
    read_owned(consumer.id, pending);
  }

  // The ids that a consumer has pending: in order, of the group, and nobody else's.
  void read_owned(ConsumerId consumer, PendingRecords& pending) {
    auto from = pending.begin();
    const uint64_t count = in_.length();
    for (uint64_t i = 0; i < count && in_.ok(); ++i) {
      const StreamId id = read_id();
      from = find_record(from, pending.end(), id);
      if (from == pending.end() || from->id != id || from->consumer != kNoConsumer) return in_.fail(RdbFault::kOwner);
      from->consumer = consumer;
      ++from;
    }
  }

  // A consumer's ids mostly lie close together.
  static PendingRecords::iterator find_record(PendingRecords::iterator from, PendingRecords::iterator end,
                                              StreamId id) {
    constexpr ptrdiff_t kNear = 8;
    const auto near = from + std::min(kNear, end - from);
    const bool is_near = near == end || (near - 1)->id >= id;
    return std::lower_bound(is_near ? from : near, is_near ? near : end, id,
                            [](const Pending& record, StreamId wanted) { return record.id < wanted; });
  }

  std::vector<StreamId> read_nacked(const PendingRecords& pending) {
    std::vector<StreamId> zone;
    const uint64_t count = in_.length();
    for (uint64_t i = 0; i < count && in_.ok(); ++i) zone.push_back(read_id());
    std::vector<StreamId> sorted = zone;
    std::sort(sorted.begin(), sorted.end());
    std::vector<StreamId> ownerless;
    for (const Pending& record : pending) {
      if (record.consumer == kNoConsumer) ownerless.push_back(record.id);
    }
    require(sorted == ownerless, RdbFault::kUnowned);
    return zone;
  }

  // Equal times keep the order of their ids; the NACK zone keeps its own.
  void put_pending(Group& group, const PendingRecords& pending, const std::vector<StreamId>& unowned) {
    size_t owned = 0;
    for (const Pending& record : pending) {
      if (record.consumer == kNoConsumer) continue;
      group.pending.put(record);
      ++owned;
    }
    if (owned + unowned.size() != pending.size()) return in_.fail(RdbFault::kUnowned);
    for (const StreamId id : unowned) {
      const auto record = std::lower_bound(pending.begin(), pending.end(), id,
                                           [](const Pending& one, StreamId wanted) { return one.id < wanted; });
      group.pending.put(*record);
    }
  }

  void read_idempotency() {
    const uint64_t duration_s = in_.length();
    const uint64_t entries_max = in_.length();
    const bool possible =
        duration_s >= 1 && duration_s <= kDurationMax && entries_max >= 1 && entries_max <= kEntriesMaxMax;
    require(possible, RdbFault::kIdempotencyLimits);
    const uint64_t producers = in_.length();
    if (!in_.ok()) return;
    stream_->idempotency.set_limits({static_cast<int64_t>(duration_s), static_cast<int64_t>(entries_max)});
    for (uint64_t i = 0; i < producers && in_.ok(); ++i) read_producer(entries_max);
    const uint64_t added = in_.length();
    const uint64_t duplicates = in_.length();
    if (in_.ok()) stream_->idempotency.set_counters(added, duplicates);
  }

  void read_producer(uint64_t entries_max) {
    const uint64_t start = in_.offset();
    streams::Idempotency& idempotency = stream_->idempotency;
    const std::string producer(in_.string());
    const uint64_t records = in_.length();
    if (!in_.ok()) return;
    const size_t before = idempotency.producer_count();
    if (!producer.empty()) idempotency.touch_producer(producer);
    if (idempotency.producer_count() == before || records > entries_max) return in_.fail(RdbFault::kProducer, start);
    for (uint64_t i = 0; i < records && in_.ok(); ++i) {
      const std::string id(in_.string());
      const StreamId entry = read_split_id();
      require(!id.empty() && !idempotency.find(producer, id), RdbFault::kRecord);
      if (in_.ok()) idempotency.record(producer, id, entry);
    }
  }

  ByteReader& in_;
  const StreamLayout& layout_;
  std::unique_ptr<Stream> stream_;
  StreamId last_in_nodes_;  // of all entries, nodes dropped included
};

}  // namespace

std::unique_ptr<Stream> read_stream(ByteReader& in, const StreamLayout& layout, IdempotencyLimits new_streams) {
  return StreamReader(in, layout, new_streams).read();
}

}  // namespace millrace::persistence
