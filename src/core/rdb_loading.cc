// See rdb_loading.h.
#include "core/rdb_loading.h"

#include <utility>

#include "commands/stream_args.h"
#include "keyspace/database.h"

namespace millrace::core {

using persistence::RdbItem;

std::optional<std::string> RdbLoading::run(LoadSource& source) {
  commands::Server& server = environment_.server;
  persistence::RdbReader reader(source, {.databases = server.keyspace.database_count(),
                                         .new_streams = commands::usual_idempotency(server.settings),
                                         .checksum = server.settings.rdbchecksum.load() != 0});
  for (;;) {
    Result<RdbItem, persistence::RdbError> item = reader.next();
    if (!source.error().empty()) return source.error();
    if (!item) return persistence::describe(item.error());
    if (item->kind == RdbItem::Kind::kEnd) break;
    if (!take(*item)) return "corrupt before offset " + std::to_string(reader.offset()) + ": a key comes twice";
  }
  end_offset_ = reader.offset();
  return std::nullopt;
}

// False if the key is there already.
bool RdbLoading::take(RdbItem& item) {
  switch (item.kind) {
    case RdbItem::Kind::kStream:
      return take_key(item, keyspace::Value(std::move(item.stream)));
    case RdbItem::Kind::kString:
      return take_key(item, keyspace::Value(keyspace::StringValue(item.text)));
    case RdbItem::Kind::kForeign:
      foreign_.add(item.text, item.name);
      return true;
    case RdbItem::Kind::kFunction:
      foreign_.add("library of functions", {});
      return true;
    case RdbItem::Kind::kModule:
      foreign_.add("piece of module data", {});
      return true;
    default:
      return true;
  }
}

bool RdbLoading::take_key(RdbItem& item, keyspace::Value value) {
  const int64_t expire_at_ms = item.expire_at_ms.value_or(keyspace::kNoExpiry);
  const bool is_expired = expire_at_ms != keyspace::kNoExpiry && expire_at_ms < progress_.started().unix_ms;
  if (is_expired && expired_policy_ == Expired::kDrop) {
    ++expired_;
    return true;
  }
  keyspace::Keyspace& keyspace = environment_.server.keyspace;
  if (!keeps_locks_) environment_.locks.hold_one(keyspace.partition_of(item.name));
  events_.keeps_expired = expired_policy_ == Expired::kKeep;
  keyspace::Database db(keyspace, item.database, progress_.started(), events_);
  const bool is_new = db.find_to_inspect(item.name) == nullptr;
  if (is_new) {
    const streams::Stream* const stream = value.stream();
    const bool has_producers = stream != nullptr && !stream->idempotency.empty();
    keyspace::KeyEntry& entry = db.create(item.name, std::move(value));
    if (expire_at_ms != keyspace::kNoExpiry) db.set_expiry(entry, expire_at_ms);
    if (has_producers) db.track_idempotency(item.name);
    ++progress_.keys;
  }
  events_.ready.clear();
  if (!keeps_locks_) environment_.locks.release();
  return is_new;
}

}  // namespace millrace::core
