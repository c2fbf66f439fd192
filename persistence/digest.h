// A digest of what a value holds, for tests that compare servers before and after: it does not depend on how entries
// of a stream lie in nodes, nor, summed up over keys, on their order. Of a string it covers the bytes.
//
// Of a stream it covers what every way of keeping a stream keeps: entries, ids, counters, groups with their positions,
// consumers and pending entries, the NACK zone, and the records of idempotent production. It leaves out when consumers
// were seen or active, and how often a record was added or found: a journal does not tell.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "streams/stream.h"

namespace millrace::persistence {

class Digest {
 public:
  static constexpr size_t kSize = 20;  // as Redis's

  // Those of several keys, in any order.
  Digest& operator+=(const Digest& other);
  friend bool operator==(const Digest&, const Digest&) = default;
  std::string hex() const;  // 40 letters; all zero for nothing

 private:
  friend Digest digest_of_value(const streams::Stream& stream);
  friend Digest digest_of_value(std::string_view string);
  friend Digest digest_of_key(int database, std::string_view key, bool expires, const Digest& value);

  std::array<uint64_t, 2> halves_{};
};

Digest digest_of_value(const streams::Stream& stream);
Digest digest_of_value(std::string_view string);
Digest digest_of_key(int database, std::string_view key, bool expires, const Digest& value);

}  // namespace millrace::persistence
