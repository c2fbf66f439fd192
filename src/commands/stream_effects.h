// What stream commands tell the journal (keyspace/effects.h) where their own arguments are no effect.
//
//   trimming    [DELREF | ACKED] MAXLEN = length        whatever the strategy was, with or without '~' and LIMIT
//   delivery    XCLAIM key group consumer 0 id ... TIME ms RETRYCOUNT n FORCE JUSTID LASTID id
//   position    XGROUP SETID key group id ENTRIESREAD n
//   purging     XACK key group id ...
//   a consumer  XGROUP CREATECONSUMER key group consumer
//
// All of it is what redis-server 7.0 takes, but for the words DELREF and ACKED. Everything here does nothing while no
// journal is kept. Under the lock of the key's partition.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "keyspace/database.h"
#include "streams/stream.h"

namespace millrace::commands {

// A group as commands name it.
struct GroupName {
  std::string_view key;
  std::string_view group;
};

// What a trim did, as an option of XADD and XTRIM. It removed the first entries there were (with ACKED, of those that
// nobody refers to), so the length that it left says which.
struct TrimEffect {
  streams::RefPolicy policy = streams::RefPolicy::kKeepRef;
  uint64_t length = 0;  // of the stream afterwards

  size_t word_count() const { return policy == streams::RefPolicy::kKeepRef ? 3 : 4; }
  void write(keyspace::Effects& effects) const;
};

void note_consumer_created(keyspace::Database& db, GroupName name, std::string_view consumer);
// Entries have become the consumer's, now and for the first time.
void note_delivered(keyspace::Database& db, GroupName name, const streams::Group& group, std::string_view consumer,
                    std::span<const streams::StreamId> ids);
// Entries have become the consumer's, or were read by it again: times and counts are those of their records. One
// command for all records that are alike.
void note_claimed(keyspace::Database& db, GroupName name, const streams::Group& group, std::string_view consumer,
                  std::span<const streams::StreamId> ids);
// Records were dropped because their entries have gone.
void note_purged(keyspace::Database& db, GroupName name, std::span<const streams::StreamId> ids);
// How far the group is.
void note_position(keyspace::Database& db, GroupName name, const streams::Group& group);

}  // namespace millrace::commands
