// The hash of keys: which function it is, and that every byte and the seed take part.
#include "base/hash.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace millrace {
namespace {

TEST(HashBytes, IsXxh3) {
  // The published value of XXH3_64bits for the empty input.
  EXPECT_EQ(hash_bytes("", 0), 0x2d06800538d394c2u);
}

TEST(HashBytes, DependsOnEveryByteAndOnTheSeed) {
  std::set<uint64_t> seen;
  std::string key(300, 'k');
  for (size_t i = 0; i < key.size(); ++i) {
    key[i] = 'x';
    EXPECT_TRUE(seen.insert(hash_bytes(key, 1)).second) << i;
    key[i] = 'k';
  }
  for (size_t length = 0; length <= key.size(); ++length) {
    EXPECT_TRUE(seen.insert(hash_bytes(key.substr(0, length), 1)).second) << length;
  }
  EXPECT_NE(hash_bytes("key", 1), hash_bytes("key", 2));
  EXPECT_EQ(hash_bytes("key", 1), hash_bytes(std::string("key"), 1));
}

}  // namespace
}  // namespace millrace
