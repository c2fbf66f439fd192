// See dump.h; the format is drawn in rdb_format.h.
#include "persistence/dump.h"

#include <cstring>
#include <utility>

#include "base/buffer.h"
#include "base/check.h"
#include "persistence/byte_reader.h"
#include "persistence/crc64.h"
#include "persistence/rdb_encoder.h"
#include "persistence/rdb_format.h"
#include "persistence/stream_reader.h"
#include "persistence/stream_writer.h"
#include "persistence/string_writer.h"

namespace millrace::persistence {
namespace {

constexpr size_t kSlice = size_t{1} << 30;
constexpr size_t kFooterSize = sizeof(uint16_t) + kChecksumSize;

template <typename T>
T load(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

template <typename Writer>
std::string dump(Writer writer, int rdb_version, bool compress) {
  Buffer out;
  RdbEncoder encoder(out, compress);
  encoder.byte(writer.type());
  while (!writer.advance(encoder, kSlice)) {
  }
  encoder.byte(static_cast<uint8_t>(rdb_version));
  encoder.byte(static_cast<uint8_t>(rdb_version >> 8));
  encoder.little_endian64(static_cast<int64_t>(crc64(0, out.view())));
  return std::string(out.view());
}

}  // namespace

std::string dump_value(const streams::Stream& stream, int rdb_version, bool compress) {
  return dump(StreamWriter(stream, rdb_version), rdb_version, compress);
}

std::string dump_value(std::string_view text, int rdb_version, bool compress) {
  return dump(StringWriter(text), rdb_version, compress);
}

bool is_sound_dump(std::string_view payload) {
  if (payload.size() < kFooterSize) return false;
  const std::string_view checksum = payload.substr(payload.size() - kChecksumSize);
  const std::string_view version = payload.substr(payload.size() - kFooterSize);
  if (load<uint16_t>(version) > kRdbVersionReadMax) return false;
  return load<uint64_t>(checksum) == crc64(0, payload.substr(0, payload.size() - kChecksumSize));
}

Result<RestoredValue, RdbError> restore_value(std::string_view payload, streams::IdempotencyLimits new_streams) {
  CHECK(payload.size() >= kFooterSize);
  WholeSource source(payload.substr(0, payload.size() - kFooterSize));
  ByteReader in(source);
  RestoredValue value;
  const uint8_t type = in.byte();
  if (const StreamLayout* const layout = find_stream_layout(type)) {
    value.stream = read_stream(in, *layout, new_streams);
  } else if (type == kStringType) {
    value.text = in.string();
  } else {
    in.fail(RdbFault::kType, 0);
  }
  if (in.ok() && in.offset() != payload.size() - kFooterSize) in.fail(RdbFault::kTrailing);
  if (!in.ok()) return in.error();
  return value;
}

}  // namespace millrace::persistence
