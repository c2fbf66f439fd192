// Packing against liblzf's unpacking, on text of every kind and size.
#include "persistence/lzf.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"

namespace millrace::persistence {
namespace {

std::string text_of_kind(Random& random, uint64_t kind, size_t size) {
  std::string text;
  while (text.size() < size) {
    if (kind == 0) text.push_back(static_cast<char>(random.next()));
    if (kind == 1) text.push_back('a');
    if (kind == 2) text += "field" + std::to_string(random.below(50)) + "value";
    if (kind == 3) text.push_back(static_cast<char>('a' + random.below(3)));
    if (kind == 4) text += random.one_in(2) ? std::string(random.below(400), 'x') : std::to_string(random.next());
  }
  text.resize(size);
  return text;
}

// What it is packed to; empty if there was not so much room. The memory ends where the room does.
std::string packed(const std::string& text, size_t room) {
  std::vector<char> out(room);
  return {out.data(), lzf_pack(text, out.data(), room)};
}

TEST(Lzf, UnpacksToWhatWasPacked) {
  Random random(1);
  for (int round = 0; round < 3000; ++round) {
    const auto size = static_cast<size_t>(1 + random.below(random.one_in(20) ? 200'000 : 600));
    const std::string text = text_of_kind(random, random.below(5), size);
    const std::string small = packed(text, 2 * size + 8);
    ASSERT_FALSE(small.empty());
    std::vector<char> back(size);
    ASSERT_TRUE(lzf_unpack(small, back.data(), size)) << size;
    ASSERT_EQ(std::string(back.begin(), back.end()), text);
    ASSERT_LE(size, small.size() * kLzfRatioMax);
    ASSERT_EQ(packed(text, small.size()), small);
    ASSERT_EQ(packed(text, small.size() - 1), "");
  }
}

TEST(Lzf, PacksWhatRepeatsItself) {
  Random random(2);
  const std::string text = text_of_kind(random, 2, 4000);
  EXPECT_LT(packed(text, 4000).size(), 1500u);
  EXPECT_LT(packed(std::string(100'000, 'a'), 100'000).size(), 1300u);
}

TEST(Lzf, RefusesOtherSizes) {
  const std::string small = packed(std::string(100, 'a'), 100);
  char out[200];
  EXPECT_TRUE(lzf_unpack(small, out, 100));
  EXPECT_FALSE(lzf_unpack(small, out, 99));
  EXPECT_FALSE(lzf_unpack(small, out, 101));
  EXPECT_FALSE(lzf_unpack(small.substr(0, small.size() - 1), out, 100));
  EXPECT_FALSE(lzf_unpack("", out, 1));
  EXPECT_FALSE(lzf_unpack(small, out, 0));
}

}  // namespace
}  // namespace millrace::persistence
