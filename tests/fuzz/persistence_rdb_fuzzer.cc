// Feeds arbitrary bytes to the RDB reader, as the value of a RESTORE with a checksum that fits and as the parts of a
// file, and requires that a stream that was let in keeps its invariants through what commands do to it, and is written
// and read again as it is.
//
//   input = | what to feed it to, and in what blocks (1) | bytes |
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "persistence/crc64.h"
#include "persistence/digest.h"
#include "persistence/dump.h"
#include "persistence/rdb_reader.h"
#include "streams/delivery.h"

namespace {

using namespace millrace::persistence;
using namespace millrace::streams;

constexpr int kVersion = 14;

// Blocks in memory of their own, so that a view that is used for too long is noticed.
class BlockSource : public ByteSource {
 public:
  BlockSource(std::string_view bytes, size_t block_size) : bytes_(bytes), block_size_(block_size) {}
  std::string_view next_block() override {
    const std::string_view next = bytes_.substr(0, block_size_);
    bytes_.remove_prefix(next.size());
    block_ = std::vector<char>(next.begin(), next.end());
    return {block_.data(), block_.size()};
  }

 private:
  std::string_view bytes_;
  size_t block_size_;
  std::vector<char> block_;
};

std::string sealed(std::string_view value) {
  std::string payload(value);
  payload.push_back(kVersion);
  payload.push_back('\0');
  const uint64_t checksum = crc64(0, payload);
  return payload.append(reinterpret_cast<const char*>(&checksum), sizeof checksum);
}

void change(Stream& stream) {
  constexpr std::string_view kElements[] = {"field", "value"};
  constexpr int64_t kNowMs = 1'700'000'000'000;
  (void)stream.append({}, kElements, kNowMs, {});
  for (auto& [name, group] : stream.groups()) {
    Consumer& consumer = group.ensure_consumer("new", kNowMs);
    const auto room = [] { return true; };
    deliver_new(stream, group, consumer, {.count = 3, .now_ms = kNowMs}, room, [](EntryIterator&) {});
    claim_idle(stream, group, consumer, {.count = 3, .min_idle_ms = 1, .now_ms = kNowMs}, room,
               [](EntryIterator&, const ClaimedEntry&) {});
    auto_claim(stream, group, consumer, {.now_ms = kNowMs});
    if (const auto pending = group.pending.first()) nack(stream, group, pending->id, NackMode::kFail, {}, false);
    (void)stream.lag(group);
    (void)next_claim_time_ms(stream, group, 100, kNowMs);
  }
  if (const auto first = stream.first_id(); stream.length() > 0) CHECK(stream.erase(first));
  TrimOptions half;
  half.length_max = stream.length() / 2;
  stream.trim(half);
  stream.idempotency.expire(kNowMs);
}

void accept(Stream& stream) {
  stream.check_invariants();
  const auto again = restore_value(dump_value(stream, kVersion, true), {});
  CHECK(again.ok());
  CHECK(digest_of_value(*again->stream) == digest_of_value(stream));
  change(stream);
  stream.check_invariants();
  CHECK(restore_value(dump_value(stream, kVersion, false), {}).ok());
}

void accept(const std::string& text) {
  for (const bool compress : {false, true}) {
    const auto again = restore_value(dump_value(text, kVersion, compress), {});
    CHECK(again.ok() && !again->stream && again->text == text);
  }
}

void read_value(std::string_view bytes) {
  const std::string payload = sealed(bytes);
  CHECK(is_sound_dump(payload));
  auto value = restore_value(payload, {});
  if (!value.ok()) return;
  value->stream ? accept(*value->stream) : accept(value->text);
}

void read_file(std::string_view parts, size_t block_size) {
  const std::string bytes = "REDIS0014" + std::string(parts);
  BlockSource source(bytes, block_size);
  RdbReader reader(source, {.checksum = false});
  for (;;) {
    auto item = reader.next();
    if (!item.ok()) {
      CHECK(item.error().offset <= bytes.size());
      CHECK(!describe(item.error()).empty());
      return;
    }
    if (item->kind == RdbItem::Kind::kEnd) return;
    if (item->stream) accept(*item->stream);
    if (item->kind == RdbItem::Kind::kString) accept(item->text);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  if (data[0] & 1) {
    read_file(bytes, size_t{1} + (data[0] >> 1));
  } else {
    read_value(bytes);
  }
  return 0;
}
