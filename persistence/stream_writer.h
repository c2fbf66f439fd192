// StreamWriter: the RDB value of one stream, written in slices.
//
// The stream is read as it is written, so it must not change from the first slice to the last: a snapshot has a clone,
// whoever has the stream itself holds its lock throughout.
//
// An older version cannot say everything. Lost are
//   below 11   when a consumer was last active (Redis takes the time it was last seen)
//   below 13   idempotent production: limits, producers, records, counters
//   below 14   NACKed entries: they are pending no more, as if acknowledged
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

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
  // REQUIRES: `stream` lives, and does not change, until advance() has returned true.
  StreamWriter(const streams::Stream& stream, int rdb_version);

  uint8_t type() const { return layout_.type; }
  // Appends the next part: until about `bytes_max` bytes are written, or were compressed. True when the whole value is
  // there.
  bool advance(RdbEncoder& out, size_t bytes_max);

 private:
  // In the order of the format. Those below kGroup are written once per group, those below kConsumer per consumer.
  enum class Stage : uint8_t {
    kNodeCount,
    kNodes,
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

  void write_nodes(RdbEncoder& out, size_t bytes_max);
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
  Stage stage_ = Stage::kNodeCount;
  const streams::Node* node_ = nullptr;  // the next one
  Groups::const_iterator group_;
  streams::Group::Consumers::const_iterator consumer_;
  std::optional<streams::StreamId> position_;  // where the rest of a pending list begins
};

}  // namespace millrace::persistence
