// See rdb_reader.h; the format is drawn in rdb_format.h.
#include "persistence/rdb_reader.h"

#include <algorithm>
#include <cctype>
#include <limits>
#include <utility>

#include "persistence/skip_value.h"
#include "persistence/stream_reader.h"

namespace millrace::persistence {
namespace {

constexpr int64_t kMsPerSecond = 1000;

std::optional<int> parse_version(std::string_view digits) {
  int version = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return std::nullopt;
    version = version * 10 + (digit - '0');
  }
  return version;
}

}  // namespace

Result<RdbItem, RdbError> RdbReader::next() {
  if (version_ == 0) read_header();
  while (in_.ok() && !ended_) {
    const uint8_t code = in_.byte();
    if (!in_.ok()) break;
    std::optional<RdbItem> item = code < kOpcodeFirst ? read_key(code) : read_opcode(static_cast<Opcode>(code));
    if (in_.ok() && item) return std::move(*item);
  }
  if (!in_.ok()) return in_.error();
  return RdbItem{.kind = RdbItem::Kind::kEnd, .database = database_, .name = {}};
}

void RdbReader::read_header() {
  const std::string header(in_.bytes(kRdbHeaderSize));
  if (!header.starts_with(kRdbMagic)) {
    if (in_.ok()) in_.fail(RdbFault::kNotRdb, 0);
    return;
  }
  version_ = parse_version(std::string_view(header).substr(kRdbMagic.size())).value_or(0);
  if (version_ < kRdbVersionReadMin || version_ > kRdbVersionReadMax) in_.fail(RdbFault::kVersion, kRdbMagic.size());
}

// Nothing if it only says something about the next key, or is of no interest.
std::optional<RdbItem> RdbReader::read_opcode(Opcode opcode) {
  switch (opcode) {
    case Opcode::kAux:
      return read_aux();
    case Opcode::kSelectDb:
      read_database();
      return std::nullopt;
    case Opcode::kResizeDb:
      in_.length();
      in_.length();
      return std::nullopt;
    case Opcode::kExpireTime:
      read_expiry_s();
      return std::nullopt;
    case Opcode::kExpireTimeMs:
      read_expiry_ms();
      return std::nullopt;
    case Opcode::kIdle:
      in_.length();
      return std::nullopt;
    case Opcode::kFrequency:
      in_.byte();
      return std::nullopt;
    case Opcode::kSlotInfo:
      for (int i = 0; i < 3; ++i) in_.length();
      return std::nullopt;
    case Opcode::kFunction:
      in_.skip_string();
      return RdbItem{.kind = RdbItem::Kind::kFunction, .database = database_, .name = {}};
    case Opcode::kModuleAux:
      in_.length();
      skip_module_value(in_);
      return RdbItem{.kind = RdbItem::Kind::kModule, .database = database_, .name = {}};
    case Opcode::kEnd:
      read_end();
      return std::nullopt;
    default:
      in_.fail(RdbFault::kOpcode, in_.offset() - 1);
      return std::nullopt;
  }
}

RdbItem RdbReader::read_aux() {
  RdbItem item{.kind = RdbItem::Kind::kAux, .database = database_, .name = std::string(in_.string())};
  item.text = in_.string();
  return item;
}

void RdbReader::read_database() {
  const uint64_t start = in_.offset();
  const uint64_t index = in_.length();
  if (index >= static_cast<uint64_t>(options_.databases)) return in_.fail(RdbFault::kDatabase, start);
  database_ = static_cast<int>(index);
}

void RdbReader::read_expiry_s() {
  expire_at_ms_ = in_.little_endian<int32_t>() * kMsPerSecond;
}

void RdbReader::read_expiry_ms() {
  const uint64_t start = in_.offset();
  const auto at_ms = in_.little_endian<int64_t>();
  if (at_ms < 0) in_.fail(RdbFault::kExpiry, start);
  expire_at_ms_ = at_ms;
}

RdbItem RdbReader::read_key(uint8_t type) {
  RdbItem item{.kind = RdbItem::Kind::kForeign, .database = database_, .name = {}};
  item.type = type;
  item.expire_at_ms = std::exchange(expire_at_ms_, std::nullopt);
  item.name = in_.string();
  if (in_.ok()) read_value(item);
  return item;
}

void RdbReader::read_value(RdbItem& item) {
  if (const StreamLayout* layout = find_stream_layout(item.type)) {
    item.kind = RdbItem::Kind::kStream;
    item.stream = read_stream(in_, *layout, options_.new_streams);
  } else if (item.type == kStringType) {
    item.kind = RdbItem::Kind::kString;
    item.text = in_.string();
  } else {
    item.text = name_of_foreign_type(item.type);
    skip_value(in_, item.type);
  }
}

void RdbReader::read_end() {
  const uint64_t start = in_.offset();
  const uint64_t computed = in_.checksum();
  const auto stated = in_.little_endian<uint64_t>();
  if (options_.checksum && stated != 0 && stated != computed) in_.fail(RdbFault::kChecksum, start);
  ended_ = in_.ok();
}

}  // namespace millrace::persistence
