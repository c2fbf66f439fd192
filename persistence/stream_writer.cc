// See stream_writer.h; the layout is drawn in rdb_format.h.
#include "persistence/stream_writer.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <set>

#include "base/check.h"

namespace millrace::persistence {
namespace {

using streams::Consumer;
using streams::Group;
using streams::IdempotencyLimits;
using streams::kNoConsumer;
using streams::kStreamIdMin;
using streams::Pending;
using streams::PendingList;
using streams::Stream;
using streams::StreamId;

bool has_nacked(const Stream& stream) {
  return std::any_of(stream.groups().begin(), stream.groups().end(),
                     [](const auto& named) { return named.second.pending.unowned_count() > 0; });
}

bool has_idempotency(const Stream& stream, IdempotencyLimits new_streams) {
  const IdempotencyLimits limits = stream.idempotency.limits();
  return !stream.idempotency.empty() || stream.idempotency.records_added() > 0 || stream.idempotency.duplicates() > 0 ||
         limits.duration_s != new_streams.duration_s || limits.entries_max != new_streams.entries_max;
}

constexpr int version_with(bool StreamLayout::*feature) {
  for (const StreamLayout& layout : kStreamLayouts) {
    if (layout.*feature) return layout.rdb_version;
  }
  return kRdbVersionWriteMax;
}

// Pending entries are read so many at a time: a look-up for each would take most of the time.
constexpr size_t kBatch = 64;

std::optional<StreamId> behind(const std::array<Pending, kBatch>& batch, size_t count) {
  return count == 0 ? std::nullopt : successor(batch[count - 1].id);
}

// The NACK zone in its order, then those of its records that are set aside from it because their entry has gone.
std::vector<StreamId> nack_zone(const PendingList& pending) {
  std::vector<StreamId> zone;
  for (auto record = pending.oldest(); record && record->consumer == kNoConsumer;) {
    zone.push_back(record->id);
    record = pending.next_oldest(record->id);
  }
  if (zone.size() == pending.unowned_count()) return zone;
  const std::set<StreamId> listed(zone.begin(), zone.end());
  for (auto record = pending.at_or_after(kNoConsumer, kStreamIdMin); record;) {
    if (!listed.contains(record->id)) zone.push_back(record->id);
    const auto next = successor(record->id);
    record = next ? pending.at_or_after(kNoConsumer, *next) : std::nullopt;
  }
  return zone;
}

}  // namespace

int rdb_version_for(const Stream& stream, IdempotencyLimits new_streams, int usual) {
  int version = usual;
  if (has_idempotency(stream, new_streams)) version = std::max(version, version_with(&StreamLayout::idempotency));
  if (has_nacked(stream)) version = std::max(version, version_with(&StreamLayout::nacked));
  return version;
}

const StreamLayout& stream_layout_for(const Stream& stream, int rdb_version) {
  const StreamLayout* best = &kStreamLayouts[0];
  for (const StreamLayout& layout : kStreamLayouts) {
    if (layout.rdb_version > rdb_version || (layout.nacked && !has_nacked(stream))) break;
    best = &layout;
  }
  return *best;
}

StreamWriter::StreamWriter(const Stream& stream, int rdb_version)
    : stream_(&stream), layout_(stream_layout_for(stream, rdb_version)) {}

bool StreamWriter::advance(RdbEncoder& out, size_t bytes_max) {
  const size_t end_size = out.size() + bytes_max;
  while (stage_ != Stage::kDone && out.size() < end_size) {
    switch (stage_) {
      case Stage::kNodeCount:
        out.length(stream_->node_count());
        node_ = stream_->first_node();
        stage_ = Stage::kNodes;
        break;
      case Stage::kNodes:
        write_nodes(out, bytes_max);
        if (stage_ == Stage::kNodes) return false;
        break;
      case Stage::kTotals:
        write_totals(out);
        break;
      case Stage::kGroup:
        write_group(out);
        break;
      case Stage::kPending:
        write_pending(out, end_size);
        break;
      case Stage::kConsumers:
        out.length(group_->second.consumers().size());
        consumer_ = group_->second.consumers().begin();
        stage_ = Stage::kConsumer;
        break;
      case Stage::kConsumer:
        write_consumer(out);
        break;
      case Stage::kConsumerPending:
        write_consumer_pending(out, end_size);
        break;
      case Stage::kNacked:
        if (layout_.nacked) write_nacked(out);
        next_group();
        break;
      case Stage::kIdempotency:
        if (layout_.idempotency) write_idempotency(out);
        stage_ = Stage::kDone;
        break;
      case Stage::kDone:
        break;
    }
  }
  return stage_ == Stage::kDone;
}

// The limit is on what the nodes hold: what compression makes of it may be very little, and takes no less time.
void StreamWriter::write_nodes(RdbEncoder& out, size_t bytes_max) {
  for (size_t bytes = 0; node_ != nullptr && bytes < bytes_max; node_ = stream_->node_behind(*node_)) {
    bytes += node_->size();
    out.length(sizeof(StreamId));
    out.id(node_->master_id());
    out.string(node_->bytes());
  }
  if (node_ == nullptr) stage_ = Stage::kTotals;
}

void StreamWriter::write_totals(RdbEncoder& out) {
  out.length(stream_->length());
  out.split_id(stream_->last_id());
  if (layout_.counters) {
    out.split_id(stream_->first_id());
    out.split_id(stream_->max_deleted_id());
    out.length(stream_->entries_added());
  }
  out.length(stream_->groups().size());
  group_ = stream_->groups().begin();
  stage_ = group_ == stream_->groups().end() ? Stage::kIdempotency : Stage::kGroup;
}

void StreamWriter::next_group() {
  ++group_;
  stage_ = group_ == stream_->groups().end() ? Stage::kIdempotency : Stage::kGroup;
}

void StreamWriter::write_group(RdbEncoder& out) {
  const auto& [name, group] = *group_;
  out.string(name);
  out.split_id(group.last_delivered);
  if (layout_.counters) out.length(static_cast<uint64_t>(group.entries_read));
  out.length(layout_.nacked ? pending().size() : pending().size() - pending().unowned_count());
  position_ = kStreamIdMin;
  stage_ = Stage::kPending;
}

void StreamWriter::write_pending(RdbEncoder& out, size_t end_size) {
  while (position_ && out.size() < end_size) {
    std::array<Pending, kBatch> batch;
    const size_t count = pending().copy_from(*position_, batch);
    for (size_t i = 0; i < count; ++i) {
      if (batch[i].consumer == kNoConsumer && !layout_.nacked) continue;
      out.id(batch[i].id);
      out.little_endian64(batch[i].delivery_time_ms);
      out.length(static_cast<uint64_t>(batch[i].delivery_count));
    }
    position_ = behind(batch, count);
  }
  if (!position_) stage_ = Stage::kConsumers;
}

void StreamWriter::write_consumer(RdbEncoder& out) {
  if (consumer_ == group_->second.consumers().end()) {
    stage_ = Stage::kNacked;
    return;
  }
  const auto& [name, consumer] = *consumer_;
  out.string(name);
  out.little_endian64(consumer.seen_time_ms);
  if (layout_.active_time) out.little_endian64(consumer.active_time_ms);
  out.length(pending().count_of(consumer.id));
  position_ = kStreamIdMin;
  stage_ = Stage::kConsumerPending;
}

void StreamWriter::write_consumer_pending(RdbEncoder& out, size_t end_size) {
  while (position_ && out.size() < end_size) {
    std::array<Pending, kBatch> batch;
    const size_t count = pending().copy_from(consumer_->second.id, *position_, batch);
    for (size_t i = 0; i < count; ++i) out.id(batch[i].id);
    position_ = behind(batch, count);
  }
  if (position_) return;
  ++consumer_;
  stage_ = Stage::kConsumer;
}

void StreamWriter::write_nacked(RdbEncoder& out) {
  const std::vector<StreamId> zone = nack_zone(pending());
  out.length(zone.size());
  for (const StreamId id : zone) out.id(id);
}

void StreamWriter::write_idempotency(RdbEncoder& out) {
  const streams::Idempotency& idempotency = stream_->idempotency;
  out.length(static_cast<uint64_t>(idempotency.limits().duration_s));
  out.length(static_cast<uint64_t>(idempotency.limits().entries_max));
  out.length(idempotency.producer_count());
  idempotency.visit({.producer =
                         [&](std::string_view producer, size_t records) {
                           out.string(producer);
                           out.length(records);
                         },
                     .record =
                         [&](std::string_view, std::string_view id, StreamId entry) {
                           out.string(id);
                           out.split_id(entry);
                         }});
  out.length(idempotency.records_added());
  out.length(idempotency.duplicates());
}

}  // namespace millrace::persistence
