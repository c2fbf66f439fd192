// StreamWriter: the RDB value of one stream, written in slices.
//
// What it takes at once are references to the stream's nodes. They are written first and need no lock: the stream
// copies a shared node before it changes it. Groups and idempotency records are read from the stream itself as they are
// written, so up to then the stream must not change; who is about to change it calls detach() first, which encodes the
// rest at once. Whoever calls holds the partition lock, but for slices of nodes (has_nodes_left).
//
// An older version cannot say everything. Lost are
//   below 11   when a consumer was last active (Redis takes the time it was last seen)
//   below 13   idempotent production: limits, producers, records, counters
//   below 14   NACKed entries: they are pending no more, as if acknowledged
#pragma once

#include <cstdint>
#include <vector>

#include "base/buffer.h"
#include "persistence/rdb_encoder.h"
#include "persistence/rdb_format.h"
#include "streams/stream.h"

namespace millrace::persistence {

// The version to write for what lies in streams: `usual`, raised where a stream would lose something that the usual
// version's readers do not expect to lose. `new_streams` are the limits a stream starts with.
int rdb_version_for(const streams::Stream& stream, streams::IdempotencyLimits new_streams, int usual);

// How a version writes the stream. From 14 on, only streams with NACKed entries take the type that has them.
const StreamLayout& stream_layout_for(const streams::Stream& stream, int rdb_version);

class StreamWriter {
 public:
  // REQUIRES: `stream` lives, and does not change, until detach() or the end.
  StreamWriter(const streams::Stream& stream, int rdb_version, bool compress);

  uint8_t type() const { return layout_.type; }
  bool has_nodes_left() const { return next_node_ < nodes_.size(); }
  // Appends the next part: until about `bytes_max` bytes are written. True when the whole value is.
  bool advance(RdbEncoder& out, size_t bytes_max);
  void detach();

 private:
  // In the order of the format. Those below kGroup are written once per group, those below kConsumer per consumer.
  enum class Stage : uint8_t {
    kTotals,
    kGroup,
    kPending,
    kConsumers,
    kConsumer,
    kConsumerPending,
    kNacked,
    kIdempotency,
    kDone,
  };

  void write_nodes(RdbEncoder& out, size_t end_size);
  void write_tail(RdbEncoder& out, size_t end_size);
  void write_totals(RdbEncoder& out);
  void write_group(RdbEncoder& out);
  void write_pending(RdbEncoder& out, size_t end_size);
  void write_consumer(RdbEncoder& out);
  void write_consumer_pending(RdbEncoder& out, size_t end_size);
  void write_nacked(RdbEncoder& out);
  void write_idempotency(RdbEncoder& out);
  const streams::PendingList& pending() const { return group_->second.pending; }
  void next_group();

  using Groups = std::map<std::string, streams::Group, std::less<>>;

  const streams::Stream* stream_;
  const StreamLayout& layout_;
  const bool compress_;
  std::vector<Ref<streams::Node>> nodes_;
  size_t next_node_ = 0;
  bool started_ = false;
  Stage stage_ = Stage::kTotals;
  Groups::const_iterator group_;
  streams::Group::Consumers::const_iterator consumer_;
  std::optional<streams::StreamId> position_;  // where the rest of a pending list begins
  Buffer detached_;                            // the rest, encoded
  size_t detached_written_ = 0;
};

}  // namespace millrace::persistence
