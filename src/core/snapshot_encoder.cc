// See snapshot_encoder.h.
#include "core/snapshot_encoder.h"

#include <utility>

#include "base/check.h"
#include "commands/stream_args.h"

namespace millrace::core {
namespace {

int forced_version(const settings::Settings& settings) {
  return static_cast<int>(settings.rdb_version.load(std::memory_order_relaxed));
}

persistence::RdbWriteOptions write_options(const settings::Settings& settings) {
  const int forced = forced_version(settings);
  return {.version = forced != 0 ? forced : persistence::rdb_version_of_redis(settings.compat_version()),
          .checksum = settings.rdbchecksum.load(std::memory_order_relaxed) != 0,
          .compress = settings.rdbcompression.load(std::memory_order_relaxed) != 0};
}

}  // namespace

SnapshotEncoder::SnapshotEncoder(commands::Server& server, std::vector<keyspace::Cut::Counts> counts)
    : server_(server),
      new_streams_(commands::usual_idempotency(server.settings)),
      forced_version_(forced_version(server.settings)),
      counts_(std::move(counts)),
      writer_(write_options(server.settings)) {}

void SnapshotEncoder::begin(int64_t now_s, bool is_journal_base) {
  const std::string version = server_.settings.compat_version_text();
  const auto& measure = server_.environment.memory;
  writer_.begin({.redis_version = version,
                 .created_s = now_s,
                 .used_memory_bytes = measure ? measure().used : 0,
                 .is_aof_base = is_journal_base});
}

void SnapshotEncoder::add(int database, std::string_view key, int64_t expire_at_ms, const keyspace::Value& value) {
  if (database != database_) select_database(database);
  stream_.reset();
  string_.reset();
  uint8_t type = persistence::StringWriter::type();
  if (const keyspace::StringValue* const string = value.string()) {
    string_.emplace(string->text(digits_));
  } else {
    type = begin_stream(*value.stream());
  }
  writer_.begin_key(key, expire_at_ms == keyspace::kNoExpiry ? persistence::RdbWriter::kNoExpiryMs : expire_at_ms,
                    type);
}

void SnapshotEncoder::select_database(int database) {
  database_ = database;
  const keyspace::Cut::Counts& counts = counts_[static_cast<size_t>(database)];
  writer_.select_database(database, counts.keys, counts.expiring_keys);
}

uint8_t SnapshotEncoder::begin_stream(const streams::Stream& stream) {
  const int version =
      forced_version_ != 0 ? forced_version_ : persistence::rdb_version_for(stream, new_streams_, writer_.version());
  writer_.raise_version(version);
  stream_.emplace(stream, version);
  return stream_->type();
}

bool SnapshotEncoder::advance(size_t bytes_max) {
  CHECK(stream_.has_value() || string_.has_value());
  return stream_ ? stream_->advance(writer_.value(), bytes_max) : string_->advance(writer_.value(), bytes_max);
}

}  // namespace millrace::core
