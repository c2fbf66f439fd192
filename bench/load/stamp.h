// Stamp: what the first bytes of every message say, so that its receiver can tell whether any is missing and how old it
// is. In the byte order of this machine: the sender and the receiver are one process.
//
//   | sequence u64 | sent_ns i64 | publisher u32 | zero u32 | filling ...
//
// The sequence counts the messages of one publisher on one channel from 0. A value.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace millrace::load {

struct Stamp {
  uint64_t sequence = 0;
  int64_t sent_ns = 0;  // on the clock of time.h
  uint32_t publisher = 0;
  uint32_t zero = 0;
};
inline constexpr size_t kStampBytes = sizeof(Stamp);
static_assert(kStampBytes == 24);

inline void write_stamp(const Stamp& stamp, char* payload) {
  std::memcpy(payload, &stamp, kStampBytes);
}

inline std::optional<Stamp> read_stamp(std::string_view payload) {
  if (payload.size() < kStampBytes) return std::nullopt;
  Stamp stamp;
  std::memcpy(&stamp, payload.data(), kStampBytes);
  return stamp;
}

}  // namespace millrace::load
