// See snapshot_files.h.
#include "core/snapshot_files.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <map>
#include <utility>
#include <vector>

#include "commands/stream_args.h"
#include "core/snapshot_encoder.h"
#include "keyspace/database.h"
#include "persistence/rdb_reader.h"

namespace millrace::core {
namespace {

using io::error_text;
using persistence::RdbItem;

constexpr size_t kBlockBytes = 256 * 1024;
constexpr int64_t kReportNs = 2'000'000'000;
constexpr size_t kNamesMax = 3;  // keys named as examples for each type
constexpr double kMegabyte = 1024 * 1024;
constexpr double kNsPerSecond = 1e9;

double per_second(double amount, int64_t ns) {
  return amount * kNsPerSecond / static_cast<double>(std::max<int64_t>(ns, 1));
}

// The blocks of a file that is closed with the object.
class FileSource final : public persistence::ByteSource {
 public:
  FileSource(io::Disk& disk, int fd) : disk_(disk), fd_(fd), block_(kBlockBytes) {}
  ~FileSource() { disk_.close(fd_); }
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  std::string_view next_block() override {
    const int64_t count = error_ != 0 ? 0 : io::read_fully(disk_, fd_, offset_, block_.data(), block_.size());
    if (count < 0) error_ = count;
    if (count <= 0) return {};
    offset_ += count;
    return {block_.data(), static_cast<size_t>(count)};
  }
  int64_t error() const { return error_; }

 private:
  io::Disk& disk_;
  const int fd_;
  std::vector<char> block_;
  int64_t offset_ = 0;
  int64_t error_ = 0;
};

// What the file holds that this server does not have, by type.
class ForeignItems {
 public:
  void add(std::string_view type, std::string_view key) {
    Kind& kind = kinds_[std::string(type)];
    if (++kind.count <= kNamesMax && !key.empty()) kind.names.append(kind.names.empty() ? "" : ", ").append(key);
    ++total_;
  }
  uint64_t total() const { return total_; }
  // "2 hash (a, b), 4 list (c, d, e, ...)"
  std::string text() const {
    std::string out;
    for (const auto& [type, kind] : kinds_) {
      out.append(out.empty() ? "" : ", ").append(std::to_string(kind.count)).append(" ").append(type);
      if (kind.names.empty()) continue;
      out.append(" (").append(kind.names).append(kind.count > kNamesMax ? ", ...)" : ")");
    }
    return out;
  }

 private:
  struct Kind {
    uint64_t count = 0;
    std::string names;
  };
  std::map<std::string, Kind> kinds_;
  uint64_t total_ = 0;
};

class Loading {
 public:
  Loading(commands::Server& server, keyspace::PartitionLocks& locks, const std::function<Instant()>& read_clock,
          int64_t file_bytes)
      : server_(server),
        locks_(locks),
        read_clock_(read_clock),
        started_(read_clock()),
        reported_ns_(started_.monotonic_ns),
        file_bytes_(file_bytes) {}

  // nullopt, or what is wrong.
  std::optional<std::string> run(FileSource& source) {
    const settings::Settings& settings = server_.settings;
    persistence::RdbReader reader(source, {.databases = server_.keyspace.database_count(),
                                           .new_streams = commands::usual_idempotency(settings),
                                           .checksum = settings.rdbchecksum.load() != 0});
    for (;;) {
      Result<RdbItem, persistence::RdbError> item = reader.next();
      if (source.error() != 0) return "reading failed: " + error_text(source.error());
      if (!item) return persistence::describe(item.error());
      if (item->kind == RdbItem::Kind::kEnd) break;
      if (!take(*item)) return "corrupt before offset " + std::to_string(reader.offset()) + ": a key comes twice";
      report_progress(reader.offset());
    }
    if (foreign_.total() > 0 && settings.rdb_skip_unknown_types.load() == 0) {
      return "it holds what this server has no type for: " + foreign_.text() +
             ". 'rdb-skip-unknown-types yes' loads it without them";
    }
    report_end(reader.offset());
    return std::nullopt;
  }

 private:
  // False if the key is there already.
  bool take(RdbItem& item) {
    switch (item.kind) {
      case RdbItem::Kind::kStream:
        return take_stream(item);
      case RdbItem::Kind::kString:
        foreign_.add("string", item.name);
        return true;
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

  bool take_stream(RdbItem& item) {
    const int64_t expire_at_ms = item.expire_at_ms.value_or(keyspace::kNoExpiry);
    if (expire_at_ms != keyspace::kNoExpiry && expire_at_ms < started_.unix_ms) {
      ++expired_;
      return true;
    }
    const keyspace::PartitionIndex partition = server_.keyspace.partition_of(item.name);
    if (!locks_.holds(partition)) locks_.hold_one(partition);
    keyspace::Database db(server_.keyspace, item.database, started_, events_);
    if (db.find_to_inspect(item.name) != nullptr) return false;
    const bool has_producers = !item.stream->idempotency.empty();
    keyspace::KeyEntry& entry = db.create(item.name, keyspace::Value(std::move(item.stream)));
    if (expire_at_ms != keyspace::kNoExpiry) db.set_expiry(entry, expire_at_ms);
    if (has_producers) db.track_idempotency(item.name);
    events_.ready.clear();
    ++keys_;
    return true;
  }

  // Looks at the clock every few thousand items, or megabytes.
  void report_progress(uint64_t offset) {
    if (++items_ % 1024 != 0 && offset < looked_offset_ + (4 << 20)) return;
    looked_offset_ = offset;
    const int64_t now_ns = read_clock_().monotonic_ns;
    if (now_ns - reported_ns_ < kReportNs) return;
    reported_ns_ = now_ns;
    char text[128];
    std::snprintf(text, sizeof text, "Loading: %.0f%%, %llu keys, %.0f MB/s",
                  100.0 * static_cast<double>(offset) / static_cast<double>(std::max<int64_t>(file_bytes_, 1)),
                  static_cast<unsigned long long>(keys_),
                  per_second(static_cast<double>(offset) / kMegabyte, now_ns - started_.monotonic_ns));
    server_.log.notice(text);
  }

  void report_end(uint64_t bytes) {
    const int64_t ns = read_clock_().monotonic_ns - started_.monotonic_ns;
    const double megabytes = static_cast<double>(bytes) / kMegabyte;
    char text[192];
    std::snprintf(text, sizeof text, "DB loaded from disk: %llu keys, %llu expired, %.1f MB in %.3f s (%.0f MB/s)",
                  static_cast<unsigned long long>(keys_), static_cast<unsigned long long>(expired_), megabytes,
                  static_cast<double>(ns) / kNsPerSecond, per_second(megabytes, ns));
    server_.log.notice(text);
    if (foreign_.total() > 0) server_.log.warning("Not loaded, for want of such types: " + foreign_.text());
    server_.snapshots.keys_loaded.store(keys_, std::memory_order_relaxed);
    server_.snapshots.keys_expired.store(expired_, std::memory_order_relaxed);
  }

  commands::Server& server_;
  keyspace::PartitionLocks& locks_;
  const std::function<Instant()>& read_clock_;
  const Instant started_;
  int64_t reported_ns_;
  const int64_t file_bytes_;
  keyspace::KeyEvents events_;  // nobody is told
  ForeignItems foreign_;
  uint64_t keys_ = 0;
  uint64_t expired_ = 0;
  uint64_t items_ = 0;
  uint64_t looked_offset_ = 0;
};

// Writes what the encoder has, if that is worth a call. 0 or -errno.
int store(SnapshotEncoder& encoder, io::Disk& disk, int fd, int64_t& offset, size_t bytes_min) {
  if (encoder.pending_bytes() < bytes_min) return 0;
  const std::string_view block = encoder.take();
  const int result = io::write_fully(disk, fd, offset, block);
  offset += static_cast<int64_t>(block.size());
  return result;
}

int write_keys(commands::Server& server, io::Disk& disk, int fd, Instant now) {
  keyspace::KeyEvents events;
  std::vector<keyspace::Cut::Counts> counts;
  keyspace::Database first(server.keyspace, 0, now, events);
  for (int index = 0; index < server.keyspace.database_count(); ++index) {
    keyspace::Database db = first.with_index(index);
    counts.push_back({.keys = db.size(), .expiring_keys = db.expiring_size()});
  }
  SnapshotEncoder encoder(server, std::move(counts));
  encoder.begin(now.unix_ms / 1000);
  int64_t offset = 0;
  int result = 0;
  for (int index = 0; index < server.keyspace.database_count(); ++index) {
    first.with_index(index).for_each([&](const keyspace::KeyEntry& entry) {
      if (result != 0) return;
      encoder.add(index, entry.key, entry.expire_at_ms, *entry.value.stream());
      while (!encoder.advance(kBlockBytes)) {
        if (result == 0) result = store(encoder, disk, fd, offset, kBlockBytes);
      }
      if (result == 0) result = store(encoder, disk, fd, offset, kBlockBytes);
    });
  }
  encoder.end();
  if (result == 0) result = store(encoder, disk, fd, offset, 0);
  if (result == 0) result = io::write_fully(disk, fd, 0, encoder.header_to_correct());
  return result == 0 ? disk.sync_data(fd) : result;
}

}  // namespace

std::optional<std::string> load_snapshot(commands::Server& server, io::Disk& disk, keyspace::PartitionLocks& locks,
                                         const std::function<Instant()>& read_clock) {
  const std::string path = server.settings.snapshot_path();
  const int fd = disk.open(path, io::OpenMode::kRead);
  if (fd == -ENOENT) return std::nullopt;
  if (fd < 0) return "Can't open " + path + ": " + error_text(fd);
  FileSource source(disk, fd);
  Loading loading(server, locks, read_clock, disk.size(fd));
  if (const auto error = loading.run(source)) return "Can't load " + path + ": " + *error;
  return std::nullopt;
}

std::optional<std::string> save_snapshot(commands::Server& server, io::Disk& disk, Instant now) {
  const std::string path = server.settings.snapshot_path();
  const std::string directory = io::directory_of(path);
  const std::string temporary = directory + "/temp-" + std::to_string(server.facts.process_id) + "-reload.rdb";
  const int fd = disk.open(temporary, io::OpenMode::kCreateEmpty);
  if (fd < 0) return "could not open " + temporary + ": " + error_text(fd);
  int result = write_keys(server, disk, fd, now);
  const int closed = disk.close(fd);
  if (result == 0) result = closed;
  if (result == 0) result = disk.rename(temporary, path);
  if (result == 0) result = disk.sync_directory(directory);
  if (result == 0) return std::nullopt;
  disk.remove(temporary);
  return "could not write " + path + ": " + error_text(result);
}

}  // namespace millrace::core
