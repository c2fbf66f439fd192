// Listpack: a packed run of strings and integers in Redis's encoding, byte for byte, so that snapshots copy it
// verbatim.
//
//   | total bytes u32 LE | elements u16 LE (0xFFFF = unknown) | element | ... | element | 0xFF |
//   element = | encoding and content | backlen |
//
//   encoding              content
//   0iiiiiii              integer 0..127
//   10llllll              string of up to 63 bytes
//   110iiiii i8           integer of 13 bits
//   1110llll l8           string of up to 4095 bytes
//   11110000 l32 (LE)     string
//   11110001 i16 (LE)     11110010 i24      11110011 i32      11110100 i64
//
// backlen is the size of encoding and content, written so that it reads from the right: seven bits a byte, most
// significant byte first, the top bit set in every byte but the first. Text that is a canonical 64-bit integer is kept
// as one.
//
// Invariant: a Listpack is well-formed whenever no Appender is open. Owned by one thread at a time.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/check.h"

namespace millrace::streams {

static_assert(std::endian::native == std::endian::little, "listpack numbers are read and written in place");

// ---- Reading. A position is a pointer to an element, or to the 0xFF behind the last one; the bytes must be valid.
namespace listpack {

inline constexpr size_t kHeaderSize = 6;
inline constexpr size_t kSizeMin = kHeaderSize + 1;
inline constexpr uint16_t kCountUnknown = 0xffff;
inline constexpr uint8_t kEnd = 0xff;
inline constexpr size_t kIntegerSizeMax = 10;  // with backlen
inline constexpr size_t kScratchSize = 21;     // holds any integer as text

enum : uint8_t { kString32 = 0xf0, kInt16 = 0xf1, kInt24 = 0xf2, kInt32 = 0xf3, kInt64 = 0xf4 };

template <typename T>
inline T load(const uint8_t* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

// Bytes of the backlen of a content of `size` bytes. The bounds are Redis's, one below what would fit.
inline size_t backlen_size(size_t size) {
  if (size <= 127) return 1;
  if (size < 16383) return 2;
  if (size < 2097151) return 3;
  return size < 268435455 ? 4 : 5;
}

// Bytes of encoding and content, without the backlen.
inline size_t content_size(const uint8_t* p) {
  const uint8_t first = *p;
  if (first < 0x80) return 1;
  if (first < 0xc0) return 1 + (first & 0x3fu);
  if (first < 0xe0) return 2;
  if (first < 0xf0) return 2 + ((first & 0x0fu) << 8 | p[1]);
  if (first == kString32) return 5 + static_cast<size_t>(load<uint32_t>(p + 1));
  return first == kInt64 ? 9 : static_cast<size_t>(first - kInt16) + 3;
}

inline const uint8_t* next(const uint8_t* p) {
  const size_t size = content_size(p);
  return p + size + backlen_size(size);
}

// REQUIRES: p is not the first element.
inline const uint8_t* previous(const uint8_t* p) {
  size_t size = 0;
  unsigned shift = 0;
  do {
    --p;
    size |= static_cast<size_t>(*p & 0x7f) << shift;
    shift += 7;
  } while (*p & 0x80);
  return p - size;
}

inline bool is_integer(const uint8_t* p) {
  return *p < 0x80 || (*p & 0xe0) == 0xc0 || (*p > kString32 && *p <= kInt64);
}

// REQUIRES: is_integer(p).
int64_t wide_integer(const uint8_t* p);
inline int64_t integer(const uint8_t* p) {
  return *p < 0x80 ? *p : wide_integer(p);
}

// The element as text: a view into the listpack, or into `scratch` (kScratchSize bytes) for an integer.
std::string_view text(const uint8_t* p, char* scratch);

// ---- Bytes from outside. None of these reads behind what it is given.
// True if the header fits the bytes and an end mark closes them.
bool has_valid_frame(std::string_view bytes);
// True if the header agrees that there are so many elements.
bool has_valid_count(std::string_view bytes, size_t count);
const uint8_t* checked_next_wide(const uint8_t* p, const uint8_t* end);
// The element behind p, or nullptr if the one at p is not well-formed. `end` is the place of the end mark; REQUIRES
// p < end.
inline const uint8_t* checked_next(const uint8_t* p, const uint8_t* end) {
  if (*p < 0xc0) {  // the usual ones: small integers and short strings
    const size_t size = *p < 0x80 ? 1 : 1 + (*p & 0x3fu);
    if (size + 1 > static_cast<size_t>(end - p) || p[size] != size) return nullptr;
    return p + size + 1;
  }
  return checked_next_wide(p, end);
}
// True if `bytes` is a complete well-formed listpack.
bool validate(std::string_view bytes);

// An upper bound for what Appender::text writes for so many bytes.
inline size_t text_size_max(size_t length) {
  return length + (length < 64 ? 2 : length < 4096 ? 4 : 10);
}

}  // namespace listpack

// What malloc() gives for so many bytes: allocators have sizes in four steps per power of two.
size_t size_class(size_t size);

class Listpack {
 public:
  // Empty, with room for `capacity` bytes in all.
  explicit Listpack(size_t capacity = 0);
  // A copy of well-formed bytes.
  explicit Listpack(std::string_view bytes, size_t capacity = 0);
  // One that lies in memory of somebody else's, who outlives it, until it grows. There are `size` well-formed bytes.
  Listpack(uint8_t* bytes, size_t size) : size_(static_cast<uint32_t>(size)), bytes_(bytes) {}
  Listpack(const Listpack&) = delete;
  Listpack& operator=(const Listpack&) = delete;
  ~Listpack();

  const uint8_t* at(size_t offset) const { return bytes_ + offset; }
  const uint8_t* begin() const { return bytes_ + listpack::kHeaderSize; }
  const uint8_t* end() const { return bytes_ + size_ - 1; }  // the 0xFF
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }  // 0 in memory of somebody else's
  std::string_view view() const { return {reinterpret_cast<const char*>(bytes_), size_}; }

  // Writes elements at the end. Header and end mark are written once, when the Appender goes.
  class Appender {
   public:
    // `room` bounds the bytes that will be written (kIntegerSizeMax, text_size_max).
    Appender(Listpack& listpack, size_t room);
    ~Appender();
    Appender(const Appender&) = delete;
    Appender& operator=(const Appender&) = delete;

    void integer(int64_t value);
    void text(std::string_view text);

   private:
    void string(std::string_view text);

    Listpack& listpack_;
    uint8_t* out_;
    uint32_t count_ = 0;
  };

  // Puts an integer in the place of the element at `offset`; returns by how many bytes all that follows has moved.
  ptrdiff_t replace_integer(size_t offset, int64_t value);
  // Gives unused memory back.
  void shrink();

 private:
  void reserve(size_t room);
  void resize_memory(size_t capacity);
  void write_size();

  uint32_t size_ = 0;
  uint32_t capacity_ = 0;
  uint8_t* bytes_ = nullptr;
};

}  // namespace millrace::streams
