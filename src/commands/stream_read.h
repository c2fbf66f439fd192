// XREAD and XREADGROUP: what was asked, what of it can be served, and the one reply writer that both the immediate and
// the woken command use.
//
//   parse (stream_read_parse.cc) -> targets -> ready ones are written by ReadReply -> nothing written: block or null
//   blocked (stream_blocked.h)   -> a key changed -> its targets are written by ReadReply
//
//   RESP2  *n  ( *2 $key *m entry ... ) ...
//   RESP3  %n  (    $key *m entry ... ) ...
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "commands/context.h"
#include "commands/stream_effects.h"
#include "resp/reply_writer.h"
#include "streams/stream.h"

namespace millrace::commands {

// Everything but keys and ids. Views into the arguments, or into the blocked command's copies.
struct ReadOptions {
  bool in_group = false;  // XREADGROUP
  std::string_view group;
  std::string_view consumer;
  uint64_t count = 0;      // COUNT, per stream; 0 = no limit
  uint64_t count_all = 0;  // MAXCOUNT, over all streams; 0 = no limit
  uint64_t bytes_max = 0;  // MAXSIZE; 0 = no limit
  bool no_ack = false;
  std::optional<int64_t> min_idle_ms;  // CLAIM
  std::optional<int64_t> block_ms;     // BLOCK; 0 = for ever
};

// From where one stream is read.
struct ReadPoint {
  enum class Kind : uint8_t {
    kAfter,  // entries above an id: XREAD, or the consumer's own history in XREADGROUP
    kLast,   // '+': only the last entry there is, looked up when it is served
    kNew,    // '>': what the group has not handed out yet
  };
  Kind kind = Kind::kAfter;
  streams::StreamId after;
};

struct ReadTarget {
  std::string_view key;
  const streams::Stream* stream = nullptr;  // nullptr: no such key (XREAD)
  streams::Group* group = nullptr;          // XREADGROUP
  ReadPoint point;
  bool claims = false;  // CLAIM applies
};

struct ReadRequest {
  ReadOptions options;
  std::vector<ReadTarget> targets;
};

// Reads the arguments, looks the keys and groups up, and resolves '$'. False after an error reply.
bool read_request(CommandContext& context, bool in_group, ReadRequest& request);

// True if the target can be served at once: there are entries, or it is history, which is served even when empty.
bool is_ready(const ReadOptions& options, const ReadTarget& target, int64_t now_ms);

// Writes one reply, stream by stream, within MAXCOUNT and MAXSIZE.
class ReadReply {
 public:
  ReadReply(resp::ReplyWriter& reply, const ReadOptions& options)
      : reply_(reply), options_(options), start_(reply.size()) {}

  // False when the budget is used up: the streams that follow are not even looked at.
  bool takes_more_streams() const;
  // Writes the target's key and entries. REQUIRES: takes_more_streams(); `consumer` in XREADGROUP.
  void serve(keyspace::Database& db, const ReadTarget& target, streams::Consumer* consumer);
  // Ends the reply. False if no stream was served and nothing was written.
  bool finish();

 private:
  // An array whose length is not known yet. Its header does not count towards MAXSIZE until it is closed.
  struct OpenArray {
    size_t token = 0;
    size_t header_bytes = 0;
  };

  OpenArray open_array(uint64_t length_hint);
  uint64_t count_left() const;  // 0 = no limit
  bool has_room() const;
  void collect(streams::StreamId id) {
    if (collects_) collected_.push_back(id);
  }
  void write_after(const ReadTarget& target);
  GroupName name_of(const ReadTarget& target) const { return {target.key, options_.group}; }
  void write_history(keyspace::Database& db, const ReadTarget& target, streams::Consumer& consumer);
  void write_new(keyspace::Database& db, const ReadTarget& target, streams::Consumer& consumer);
  uint64_t write_claimed(keyspace::Database& db, const ReadTarget& target, streams::Consumer& consumer);

  resp::ReplyWriter& reply_;
  const ReadOptions& options_;
  const size_t start_;
  OpenArray outer_;
  size_t unfilled_bytes_ = 0;  // of headers of arrays still open
  int64_t streams_ = 0;
  uint64_t entries_ = 0;
  bool collects_ = false;                     // a journal is kept,
  std::vector<streams::StreamId> collected_;  // and is to hear of these
};

}  // namespace millrace::commands
