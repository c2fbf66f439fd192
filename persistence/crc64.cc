// CRC-64 by tables, eight bytes a step, and by folding, 64 bytes a step.
//
// Folding: reflected, 16 bytes of message are a polynomial lo * x^64 + hi, `lo` being the first 8 bytes. Moving it D
// bits ahead in the message is a multiplication by x^D, and only the remainder by P matters, so
//
//   | lo | hi | .... D bits .... | next |   has the same checksum as   | lo * (x^(D+64) mod P) + hi * (x^D mod P) +
//   next |
//
// The carry-less product of two reflected words comes out multiplied by x, hence the exponents less one below. What is
// left at the end is 16 bytes with the same checksum as all of the message, and the tables do those.
#include "persistence/crc64.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace millrace::persistence {
namespace {

static_assert(std::endian::native == std::endian::little, "words of the message are read in place");

constexpr uint64_t kPolynomial = 0x95ac9329ac4bc9b5;  // reflected
constexpr uint64_t kOne = uint64_t{1} << 63;          // x^0
constexpr size_t kTables = 8;

constexpr uint64_t times_x(uint64_t value) {
  return (value & 1) != 0 ? (value >> 1) ^ kPolynomial : value >> 1;
}

using Table = std::array<uint64_t, 256>;

// tables[i][b]: the checksum of byte b followed by i zero bytes.
constexpr std::array<Table, kTables> make_tables() {
  std::array<Table, kTables> tables{};
  for (uint64_t byte = 0; byte < 256; ++byte) {
    uint64_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = times_x(crc);
    tables[0][byte] = crc;
  }
  for (size_t i = 1; i < kTables; ++i) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint64_t before = tables[i - 1][byte];
      tables[i][byte] = tables[0][before & 0xff] ^ (before >> 8);
    }
  }
  return tables;
}

constexpr std::array<Table, kTables> kTable = make_tables();

uint64_t load(const char* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

#if defined(__x86_64__)

constexpr size_t kLane = 16;
constexpr size_t kLanes = 4;
constexpr size_t kStride = kLane * kLanes;

// x^exponent mod P, reflected.
constexpr uint64_t power_of_x(int exponent) {
  uint64_t value = uint64_t{1} << 63;
  for (int i = 0; i < exponent; ++i) value = times_x(value);
  return value;
}

struct FoldBy {
  uint64_t lo;
  uint64_t hi;
};
constexpr FoldBy fold_by(int bits) {
  return {power_of_x(bits + 64 - 1), power_of_x(bits - 1)};
}
constexpr FoldBy kByStride = fold_by(8 * kStride);
constexpr FoldBy kByLane = fold_by(8 * kLane);

__attribute__((target("pclmul"))) __m128i folded(__m128i lane, __m128i by, __m128i next) {
  const __m128i lo = _mm_clmulepi64_si128(lane, by, 0x00);
  const __m128i hi = _mm_clmulepi64_si128(lane, by, 0x11);
  return _mm_xor_si128(_mm_xor_si128(lo, hi), next);
}

__m128i load_lane(const char* bytes) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
}

// REQUIRES: at least one stride of bytes.
__attribute__((target("pclmul"))) uint64_t crc64_by_folding(uint64_t crc, std::string_view bytes) {
  __m128i lanes[kLanes];
  for (size_t i = 0; i < kLanes; ++i) lanes[i] = load_lane(bytes.data() + i * kLane);
  lanes[0] = _mm_xor_si128(lanes[0], _mm_cvtsi64_si128(static_cast<int64_t>(crc)));
  bytes.remove_prefix(kStride);

  const __m128i by_stride = _mm_set_epi64x(static_cast<int64_t>(kByStride.hi), static_cast<int64_t>(kByStride.lo));
  for (; bytes.size() >= kStride; bytes.remove_prefix(kStride)) {
    for (size_t i = 0; i < kLanes; ++i) lanes[i] = folded(lanes[i], by_stride, load_lane(bytes.data() + i * kLane));
  }
  const __m128i by_lane = _mm_set_epi64x(static_cast<int64_t>(kByLane.hi), static_cast<int64_t>(kByLane.lo));
  for (size_t i = 1; i < kLanes; ++i) lanes[0] = folded(lanes[0], by_lane, lanes[i]);

  char last[kLane];
  std::memcpy(last, &lanes[0], kLane);
  return crc64_by_table(crc64_by_table(0, {last, kLane}), bytes);
}

#endif

}  // namespace

uint64_t crc64_by_table(uint64_t crc, std::string_view bytes) {
  for (; bytes.size() >= sizeof crc; bytes.remove_prefix(sizeof crc)) {
    const uint64_t word = crc ^ load(bytes.data());
    crc = 0;
    for (size_t i = 0; i < kTables; ++i) crc ^= kTable[kTables - 1 - i][word >> 8 * i & 0xff];
  }
  for (const char byte : bytes) crc = kTable[0][(crc ^ static_cast<uint8_t>(byte)) & 0xff] ^ (crc >> 8);
  return crc;
}

namespace {

// Polynomials, reflected as checksums are: the highest bit is x^0.
uint64_t times(uint64_t a, uint64_t b) {
  uint64_t product = 0;
  for (uint64_t bit = kOne; bit != 0; bit >>= 1) {
    if ((b & bit) != 0) product ^= a;
    a = times_x(a);
  }
  return product;
}

}  // namespace

uint64_t crc64_followed_by_zeros(uint64_t crc, uint64_t count) {
  uint64_t power = kOne >> 8;  // x^8, x^16, x^32, ...
  for (; count != 0; count >>= 1) {
    if ((count & 1) != 0) crc = times(crc, power);
    power = times(power, power);
  }
  return crc;
}

uint64_t crc64(uint64_t crc, std::string_view bytes) {
#if defined(__x86_64__)
  if (bytes.size() >= kStride && __builtin_cpu_supports("pclmul")) return crc64_by_folding(crc, bytes);
#endif
  return crc64_by_table(crc, bytes);
}

}  // namespace millrace::persistence
