// Names of channels and patterns with their hash, which is computed once and serves the choice of a shard and every
// look-up. Values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/hash.h"

namespace millrace::pubsub {

struct Name {
  Name(std::string_view text_in, uint64_t hash_in) : text(text_in), hash(hash_in) {}
  static Name hashed(std::string_view text, uint64_t seed) { return {text, hash_bytes(text, seed)}; }

  std::string_view text;
  uint64_t hash;
};

// A name as the key of a table: look-ups compare it with a Name and copy nothing.
struct OwnedName {
  explicit OwnedName(const Name& name) : text(name.text), hash(name.hash) {}
  operator Name() const { return {text, hash}; }

  std::string text;
  uint64_t hash;
};

struct NameHash {
  using is_transparent = void;
  size_t operator()(const Name& name) const noexcept { return name.hash; }
};

struct NameEqual {
  using is_transparent = void;
  bool operator()(const Name& a, const Name& b) const noexcept { return a.hash == b.hash && a.text == b.text; }
};

}  // namespace millrace::pubsub
