// The RDB format: what its bytes mean. Facts only, used by writer and reader alike; FORMAT.md has a worked example.
//
//   file   = | "REDIS" | version, 4 digits | part | ... | EOF | checksum u64 LE |       checksum 0 = none was made
//   part   = | opcode | what belongs to it |   or   | key   |
//   key    = | EXPIRETIME_MS i64 LE |? | IDLE length |? | FREQ u8 |? | type | key string | value |
//
//   length                                       string
//   00llllll               6 bits                length, then so many bytes
//   01llllll l8            14 bits               11000000 i8         the number as text
//   10000000 l32           big endian            11000001 i16 LE
//   10000001 l64           big endian            11000010 i32 LE
//   11xxxxxx               no length, see right  11000011 length of the LZF bytes, length of the text, LZF bytes
//
//   dump   = | type | value | version u16 LE | checksum u64 LE |       what DUMP returns and RESTORE takes
//
// The checksum (crc64.h) covers everything before itself.
#pragma once

#include <cstdint>
#include <string_view>

namespace millrace::persistence {

inline constexpr std::string_view kRdbMagic = "REDIS";
inline constexpr size_t kRdbVersionDigits = 4;
inline constexpr size_t kRdbHeaderSize = kRdbMagic.size() + kRdbVersionDigits;
inline constexpr size_t kChecksumSize = 8;

// What is read: Redis 5.0 (9) to 8.10 (15).
inline constexpr int kRdbVersionReadMin = 9;
inline constexpr int kRdbVersionReadMax = 15;
// What is written: 10 for Redis 7.0, 11 for 7.2, 12 for 7.4 to 8.4, 13 for 8.6, 14 for 8.8.
inline constexpr int kRdbVersionWriteMin = 10;
inline constexpr int kRdbVersionWriteMax = 14;
inline constexpr int kRdbVersionUsual = 11;

// What a release of Redis writes, of those; 0x00MMmmpp: 7.2.4 is 0x00070204.
constexpr int rdb_version_of_redis(uint32_t release) {
  if (release >= 0x00080800) return 14;
  if (release >= 0x00080600) return 13;
  if (release >= 0x00070400) return 12;
  return release >= 0x00070200 ? kRdbVersionUsual : kRdbVersionWriteMin;
}

enum class Opcode : uint8_t {
  kKeyMeta = 243,
  kSlotInfo = 244,
  kFunction = 245,
  kFunctionOld = 246,
  kModuleAux = 247,
  kIdle = 248,
  kFrequency = 249,
  kAux = 250,
  kResizeDb = 251,
  kExpireTimeMs = 252,
  kExpireTime = 253,
  kSelectDb = 254,
  kEnd = 255,
};
inline constexpr uint8_t kOpcodeFirst = 241;  // from here on a byte in the place of a type is none

inline constexpr uint8_t kStringType = 0;
inline constexpr uint8_t kModuleType = 7;

// The two highest bits of the first byte of a length.
inline constexpr unsigned kLengthShift = 6;
enum : uint8_t { kLength6 = 0, kLength14 = 1, kLengthWide = 2, kEncoded = 3 };
inline constexpr uint8_t kLength32 = 0x80;
inline constexpr uint8_t kLength64 = 0x81;
inline constexpr uint64_t kLength6End = uint64_t{1} << 6;
inline constexpr uint64_t kLength14End = uint64_t{1} << 14;
inline constexpr uint64_t kLength32End = uint64_t{1} << 32;

enum : uint8_t { kEncodedInt8 = 0xc0, kEncodedInt16 = 0xc1, kEncodedInt32 = 0xc2, kEncodedLzf = 0xc3 };
inline constexpr size_t kEncodedIntegerTextMax = 11;  // longer text is not tried
inline constexpr size_t kCompressedAbove = 20;        // shorter text is not compressed

// A stream value. `id` is 16 bytes big endian, `ms` 8 bytes little endian; a split id is two lengths.
//
//   | nodes | node id (a string of 16 bytes) | listpack string | ... | length | last id, split |
//   | first id, split | max deleted id, split | entries added |                                          counters
//   | groups |
//     | name string | last delivered, split |
//     | entries read (2^64-1 = unknown) |                                                                counters
//     | pending | id | delivery ms | delivery count | ... |
//     | consumers | name string | seen ms | active ms (active_time) | pending | id | ... | ... |
//     | unowned | id | ... |                                                                             nacked
//   | duration s | entries max | producers | pid string | records | iid string | id, split | ... |       idempotency
//   | records added | duplicates |                                                                       idempotency
struct StreamLayout {
  uint8_t type;
  int rdb_version;  // the first one that has it
  bool counters;
  bool active_time;
  bool idempotency;
  bool nacked;
};

inline constexpr StreamLayout kStreamLayouts[] = {
    {.type = 15, .rdb_version = 9, .counters = false, .active_time = false, .idempotency = false, .nacked = false},
    {.type = 19, .rdb_version = 10, .counters = true, .active_time = false, .idempotency = false, .nacked = false},
    {.type = 21, .rdb_version = 11, .counters = true, .active_time = true, .idempotency = false, .nacked = false},
    {.type = 26, .rdb_version = 13, .counters = true, .active_time = true, .idempotency = true, .nacked = false},
    {.type = 27, .rdb_version = 14, .counters = true, .active_time = true, .idempotency = true, .nacked = true},
};

// nullptr if the type is none of streams.
constexpr const StreamLayout* find_stream_layout(uint8_t type) {
  for (const StreamLayout& layout : kStreamLayouts) {
    if (layout.type == type) return &layout;
  }
  return nullptr;
}

}  // namespace millrace::persistence
