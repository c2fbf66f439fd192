// SnapshotEncoder: keys, one after the other, as an RDB file, in pieces that its owner stores.
//
//   begin()                         the header
//   add(), advance() until true     for each key
//   end()                           the end mark and the checksum; then header_to_correct() over the start
//
// The version is that of the setting rdb-version. If that is auto: what compat-version writes, raised where a key would
// lose something; what the header has to say is known at the end only. One owner at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "commands/server.h"
#include "keyspace/cut.h"
#include "persistence/rdb_writer.h"
#include "persistence/stream_writer.h"
#include "persistence/string_writer.h"

namespace millrace::core {

class SnapshotEncoder {
 public:
  // `counts`: the keys of each database, as a loader is to be told.
  SnapshotEncoder(commands::Server& server, std::vector<keyspace::Cut::Counts> counts);

  void begin(int64_t now_s, bool is_journal_base = false);
  // The value must live, and not change, until advance() has returned true.
  void add(int database, std::string_view key, int64_t expire_at_ms, const keyspace::Value& value);
  // Appends about `bytes_max` bytes of the key, or compresses as many. True when all of it is there.
  bool advance(size_t bytes_max);
  void end() { writer_.end(); }

  size_t pending_bytes() const { return writer_.pending_bytes(); }
  // Lives until the next take().
  std::string_view take() { return writer_.take(); }
  std::string header_to_correct() const { return writer_.raised_header(); }

 private:
  void select_database(int database);
  uint8_t begin_stream(const streams::Stream& stream);

  commands::Server& server_;
  const streams::IdempotencyLimits new_streams_;
  const int forced_version_;  // 0 if none is
  const std::vector<keyspace::Cut::Counts> counts_;
  persistence::RdbWriter writer_;
  int database_ = -1;
  // Of the key at hand, one of them.
  std::optional<persistence::StreamWriter> stream_;
  std::optional<persistence::StringWriter> string_;
  keyspace::StringValue::Digits digits_;
};

}  // namespace millrace::core
