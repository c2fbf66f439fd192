// See listpack.h.
#include "streams/listpack.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <new>

#include "base/numbers.h"

namespace millrace::streams {
namespace listpack {
namespace {

constexpr size_t kCountOffset = 4;
constexpr size_t kIntegerTextMax = 20;

template <typename T>
uint8_t* store(uint8_t* out, T value) {
  std::memcpy(out, &value, sizeof value);
  return out + sizeof value;
}

uint8_t* store_backlen(uint8_t* out, size_t size) {
  if (size <= 127) {
    *out = static_cast<uint8_t>(size);
    return out + 1;
  }
  const size_t width = backlen_size(size);
  for (size_t i = 0; i < width; ++i) {
    const auto bits = static_cast<uint8_t>((size >> 7 * (width - 1 - i)) & 0x7f);
    *out++ = i == 0 ? bits : bits | 0x80;
  }
  return out;
}

// The element for an integer: its narrowest encoding, and the backlen.
uint8_t* store_integer(uint8_t* out, int64_t value) {
  uint8_t* const start = out;
  const auto bits = static_cast<uint64_t>(value);
  if (value >= 0 && value <= 127) {
    *out++ = static_cast<uint8_t>(value);
    *out++ = 1;
    return out;
  }
  if (value >= -4096 && value <= 4095) {
    *out++ = static_cast<uint8_t>(0xc0 | (bits >> 8 & 0x1f));
    *out++ = static_cast<uint8_t>(bits);
  } else if (value >= std::numeric_limits<int16_t>::min() && value <= std::numeric_limits<int16_t>::max()) {
    *out++ = kInt16;
    out = store(out, static_cast<uint16_t>(bits));
  } else if (value >= -(1 << 23) && value < 1 << 23) {
    *out++ = kInt24;
    out = store(out, static_cast<uint16_t>(bits));
    *out++ = static_cast<uint8_t>(bits >> 16);
  } else if (value >= std::numeric_limits<int32_t>::min() && value <= std::numeric_limits<int32_t>::max()) {
    *out++ = kInt32;
    out = store(out, static_cast<uint32_t>(bits));
  } else {
    *out++ = kInt64;
    out = store(out, bits);
  }
  *out = static_cast<uint8_t>(out - start);
  return out + 1;
}

// Cheap look at the first byte before the real parse: most text is no number.
std::optional<int64_t> text_as_integer(std::string_view text) {
  if (text.empty() || text.size() > kIntegerTextMax || text[0] > '9') return std::nullopt;
  return parse_i64(text);
}

// Bytes that content_size() must see to tell the size of the element.
size_t size_bytes(uint8_t first) {
  if (first == kString32) return 5;
  return (first & 0xf0) == 0xe0 ? 2 : 1;
}

}  // namespace

const uint8_t* checked_next_wide(const uint8_t* p, const uint8_t* end) {
  const auto left = static_cast<size_t>(end - p);
  if ((*p > kInt64) || size_bytes(*p) > left) return nullptr;
  const size_t size = content_size(p);
  const size_t backlen = backlen_size(size);
  if (size + backlen > left) return nullptr;
  if (backlen == 1) return p[size] == size ? p + size + 1 : nullptr;
  if (backlen == 2) {
    const bool is_right = p[size] == size >> 7 && p[size + 1] == ((size & 0x7f) | 0x80);
    return is_right ? p + size + 2 : nullptr;
  }
  uint8_t expected[5];
  store_backlen(expected, size);
  return std::memcmp(p + size, expected, backlen) == 0 ? p + size + backlen : nullptr;
}

int64_t wide_integer(const uint8_t* p) {
  switch (*p) {
    case kInt16:
      return load<int16_t>(p + 1);
    case kInt24:
      return static_cast<int32_t>(static_cast<uint32_t>(load<uint16_t>(p + 1)) << 8 | static_cast<uint32_t>(p[3])
                                                                                          << 24) >>
             8;
    case kInt32:
      return load<int32_t>(p + 1);
    case kInt64:
      return load<int64_t>(p + 1);
    default: {
      CHECK((*p & 0xe0) == 0xc0);
      const int32_t value = (*p & 0x1f) << 8 | p[1];
      return value >= 4096 ? value - 8192 : value;
    }
  }
}

std::string_view text(const uint8_t* p, char* scratch) {
  const uint8_t first = *p;
  const char* const content = reinterpret_cast<const char*>(p);
  if ((first & 0xc0) == 0x80) return {content + 1, first & 0x3fu};
  if ((first & 0xf0) == 0xe0) return {content + 2, content_size(p) - 2};
  if (first == kString32) return {content + 5, content_size(p) - 5};
  return {scratch, format_i64(integer(p), scratch)};
}

bool has_valid_frame(std::string_view bytes) {
  if (bytes.size() < kSizeMin) return false;
  return load<uint32_t>(reinterpret_cast<const uint8_t*>(bytes.data())) == bytes.size() &&
         static_cast<uint8_t>(bytes.back()) == kEnd;
}

bool has_valid_count(std::string_view bytes, size_t count) {
  const auto stated = load<uint16_t>(reinterpret_cast<const uint8_t*>(bytes.data()) + kCountOffset);
  return stated == kCountUnknown || stated == count;
}

bool validate(std::string_view bytes) {
  if (!has_valid_frame(bytes)) return false;
  const auto* const data = reinterpret_cast<const uint8_t*>(bytes.data());
  const uint8_t* const end = data + bytes.size() - 1;
  size_t count = 0;
  for (const uint8_t* p = data + kHeaderSize; p != end; ++count) {
    p = checked_next(p, end);
    if (p == nullptr) return false;
  }
  return has_valid_count(bytes, count);
}

}  // namespace listpack

namespace {

constexpr size_t kDoubledUpTo = 4096;
constexpr size_t kBytesMax = std::numeric_limits<uint32_t>::max();

}  // namespace

size_t size_class(size_t size) {
  if (size <= 128) return (size + 15) & ~size_t{15};
  const size_t step = std::bit_floor(size - 1) / 4;
  return (size + step - 1) / step * step;
}

Listpack::Listpack(size_t capacity) {
  resize_memory(size_class(std::max(capacity, listpack::kSizeMin)));
  size_ = listpack::kSizeMin;
  write_size();
  listpack::store(bytes_ + listpack::kCountOffset, uint16_t{0});
  bytes_[size_ - 1] = listpack::kEnd;
}

Listpack::Listpack(std::string_view bytes, size_t capacity) : size_(static_cast<uint32_t>(bytes.size())) {
  CHECK(bytes.size() <= kBytesMax);
  resize_memory(size_class(std::max(capacity, bytes.size())));
  std::memcpy(bytes_, bytes.data(), bytes.size());
}

Listpack::~Listpack() {
  if (capacity_ != 0) std::free(bytes_);
}

void Listpack::write_size() {
  listpack::store(bytes_, size_);
}

void Listpack::resize_memory(size_t capacity) {
  capacity = std::min(capacity, kBytesMax);
  auto* const bytes = static_cast<uint8_t*>(std::realloc(capacity_ == 0 ? nullptr : bytes_, capacity));
  if (bytes == nullptr) throw std::bad_alloc();
  if (capacity_ == 0 && bytes_ != nullptr) std::memcpy(bytes, bytes_, size_);
  bytes_ = bytes;
  capacity_ = static_cast<uint32_t>(capacity);
}

// Small listpacks double, as most will be filled; beyond that an eighth at a time bounds the waste.
void Listpack::reserve(size_t room) {
  const size_t needed = size_ + room;
  if (needed <= capacity_) return;
  CHECK(needed <= kBytesMax);
  const size_t capacity = capacity_;
  const size_t grown = capacity < kDoubledUpTo ? std::min(2 * capacity, kDoubledUpTo) : capacity + capacity / 8;
  resize_memory(size_class(std::max(needed, grown)));
}

void Listpack::shrink() {
  const size_t capacity = size_class(size_);
  if (capacity < capacity_) resize_memory(capacity);
}

ptrdiff_t Listpack::replace_integer(size_t offset, int64_t value) {
  uint8_t element[listpack::kIntegerSizeMax];
  const auto size = static_cast<size_t>(listpack::store_integer(element, value) - element);
  const auto old_size = static_cast<size_t>(listpack::next(bytes_ + offset) - (bytes_ + offset));
  if (size != old_size) {
    reserve(size);
    uint8_t* const place = bytes_ + offset;
    std::memmove(place + size, place + old_size, size_ - offset - old_size);
    size_ = static_cast<uint32_t>(size_ + size - old_size);
    write_size();
  }
  std::memcpy(bytes_ + offset, element, size);
  return static_cast<ptrdiff_t>(size) - static_cast<ptrdiff_t>(old_size);
}

Listpack::Appender::Appender(Listpack& listpack, size_t room) : listpack_(listpack) {
  listpack.reserve(room);
  out_ = listpack.bytes_ + listpack.size_ - 1;
}

Listpack::Appender::~Appender() {
  *out_ = listpack::kEnd;
  listpack_.size_ = static_cast<uint32_t>(out_ - listpack_.bytes_) + 1;
  CHECK(listpack_.size_ <= listpack_.capacity_);
  listpack_.write_size();
  uint8_t* const place = listpack_.bytes_ + listpack::kCountOffset;
  const uint32_t count = listpack::load<uint16_t>(place) + count_;
  listpack::store(place, static_cast<uint16_t>(std::min<uint32_t>(count, listpack::kCountUnknown)));
}

void Listpack::Appender::integer(int64_t value) {
  out_ = listpack::store_integer(out_, value);
  ++count_;
}

void Listpack::Appender::text(std::string_view text) {
  if (const auto value = listpack::text_as_integer(text)) return integer(*value);
  string(text);
  ++count_;
}

void Listpack::Appender::string(std::string_view text) {
  const size_t length = text.size();
  const uint8_t* const start = out_;
  if (length < 64) {
    *out_++ = static_cast<uint8_t>(0x80 | length);
  } else if (length < 4096) {
    *out_++ = static_cast<uint8_t>(0xe0 | length >> 8);
    *out_++ = static_cast<uint8_t>(length);
  } else {
    *out_++ = listpack::kString32;
    out_ = listpack::store(out_, static_cast<uint32_t>(length));
  }
  if (length > 0) std::memcpy(out_, text.data(), length);
  out_ += length;
  out_ = listpack::store_backlen(out_, static_cast<size_t>(out_ - start));
}

}  // namespace millrace::streams
