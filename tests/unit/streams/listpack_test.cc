// Listpack: encodings byte for byte as in Redis, and damaged bytes refused.
#include "streams/listpack.h"

#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"

namespace millrace::streams {
namespace {

using Texts = std::vector<std::string>;

class ListpackTest : public testing::Test {
 protected:
  void append(std::string_view text) { Listpack::Appender(pack_, listpack::text_size_max(text.size())).text(text); }
  void append(int64_t value) { Listpack::Appender(pack_, listpack::kIntegerSizeMax).integer(value); }

  // The bytes between header and end mark.
  std::string content() const {
    const auto view = pack_.view();
    return std::string(view.substr(listpack::kHeaderSize, view.size() - listpack::kSizeMin));
  }
  std::string encoding_of(std::string_view text) {
    Listpack pack;
    Listpack::Appender(pack, listpack::text_size_max(text.size())).text(text);
    return std::string(pack.view().substr(listpack::kHeaderSize, pack.size() - listpack::kSizeMin));
  }
  Texts forward() const {
    Texts texts;
    char scratch[listpack::kScratchSize];
    for (auto p = pack_.begin(); p != pack_.end(); p = listpack::next(p))
      texts.emplace_back(listpack::text(p, scratch));
    return texts;
  }
  Texts backward() const {
    Texts texts;
    char scratch[listpack::kScratchSize];
    for (auto p = pack_.end(); p != pack_.begin();) {
      p = listpack::previous(p);
      texts.emplace(texts.begin(), listpack::text(p, scratch));
    }
    return texts;
  }
  size_t offset_of(int index) const {
    auto p = pack_.begin();
    while (index-- > 0) p = listpack::next(p);
    return static_cast<size_t>(p - pack_.at(0));
  }
  bool valid() const { return listpack::validate(pack_.view()); }

  Listpack pack_;
};

template <size_t kSize>
std::string bytes(const char (&literal)[kSize]) {
  return std::string(literal, kSize - 1);
}

TEST_F(ListpackTest, StartsEmpty) {
  EXPECT_EQ(pack_.view(), bytes("\x07\0\0\0\0\0\xff"));
  EXPECT_TRUE(valid());
}

TEST_F(ListpackTest, KeepsEachIntegerInTheNarrowestForm) {
  EXPECT_EQ(encoding_of("0"), bytes("\0\x01"));
  EXPECT_EQ(encoding_of("127"), bytes("\x7f\x01"));
  EXPECT_EQ(encoding_of("128"), bytes("\xc0\x80\x02"));
  EXPECT_EQ(encoding_of("-1"), bytes("\xdf\xff\x02"));
  EXPECT_EQ(encoding_of("4095"), bytes("\xcf\xff\x02"));
  EXPECT_EQ(encoding_of("-4096"), bytes("\xd0\0\x02"));
  EXPECT_EQ(encoding_of("4096"), bytes("\xf1\0\x10\x03"));
  EXPECT_EQ(encoding_of("-32768"), bytes("\xf1\0\x80\x03"));
  EXPECT_EQ(encoding_of("32768"), bytes("\xf2\0\x80\0\x04"));
  EXPECT_EQ(encoding_of("-8388608"), bytes("\xf2\0\0\x80\x04"));
  EXPECT_EQ(encoding_of("8388608"), bytes("\xf3\0\0\x80\0\x05"));
  EXPECT_EQ(encoding_of("2147483648"), bytes("\xf4\0\0\0\x80\0\0\0\0\x09"));
}

TEST_F(ListpackTest, KeepsOtherTextAsItIs) {
  EXPECT_EQ(encoding_of(""), bytes("\x80\x01"));
  EXPECT_EQ(encoding_of("ab"), bytes("\x82"
                                     "ab\x03"));
  for (const char* text : {"-", "-0", "01", "+1", " 1", "1 ", "1.0", "9223372036854775808", "-9223372036854775809"}) {
    EXPECT_EQ(static_cast<uint8_t>(encoding_of(text)[0]), 0x80 | std::string(text).size()) << text;
  }
  EXPECT_EQ(encoding_of(std::string(64, 'x')).substr(0, 2), bytes("\xe0\x40"));
  EXPECT_EQ(encoding_of(std::string(4095, 'x')).substr(0, 2), bytes("\xef\xff"));
  EXPECT_EQ(encoding_of(std::string(4096, 'x')).substr(0, 5), bytes("\xf0\0\x10\0\0"));
}

TEST_F(ListpackTest, WritesBacklensAsRedisDoes) {
  EXPECT_EQ(encoding_of(std::string(125, 'x')).substr(127), bytes("\x7f"));
  EXPECT_EQ(encoding_of(std::string(126, 'x')).substr(128), bytes("\x01\x80"));
  EXPECT_EQ(encoding_of(std::string(16377, 'x')).substr(16382), bytes("\x7f\xfe"));
  EXPECT_EQ(encoding_of(std::string(16378, 'x')).substr(16383), bytes("\x00\xff\xff"));
}

TEST_F(ListpackTest, IsReadInBothDirections) {
  const Texts texts = {"field",
                       "",
                       "0",
                       "-1",
                       "127",
                       "-4096",
                       "32767",
                       "-8388608",
                       "2147483647",
                       "9223372036854775807",
                       "-9223372036854775808",
                       std::string(63, 'a'),
                       std::string(64, 'b'),
                       std::string(5000, 'c'),
                       std::string(20000, 'd'),
                       std::string(2100000, 'e')};
  for (const auto& text : texts) append(text);
  EXPECT_TRUE(valid());
  EXPECT_EQ(forward(), texts);
  EXPECT_EQ(backward(), texts);
}

TEST_F(ListpackTest, ReadsBackEveryInteger) {
  for (int shift = 0; shift < 64; ++shift) {
    for (const int64_t nudge : {-1, 0, 1}) {
      const int64_t value = static_cast<int64_t>((uint64_t{1} << shift) + static_cast<uint64_t>(nudge));
      for (const int64_t sample : {value, static_cast<int64_t>(-static_cast<uint64_t>(value))}) {
        Listpack pack;
        Listpack::Appender(pack, listpack::kIntegerSizeMax).integer(sample);
        ASSERT_TRUE(listpack::is_integer(pack.begin()));
        ASSERT_EQ(listpack::integer(pack.begin()), sample);
      }
    }
  }
}

TEST_F(ListpackTest, ReplacesAnIntegerByAWiderOrNarrowerOne) {
  for (const char* text : {"a", "5", "z"}) append(text);
  EXPECT_EQ(pack_.replace_integer(offset_of(1), 100), 0);
  EXPECT_EQ(pack_.replace_integer(offset_of(1), 1000000), 3);
  EXPECT_EQ(forward(), (Texts{"a", "1000000", "z"}));
  EXPECT_TRUE(valid());
  EXPECT_EQ(pack_.replace_integer(offset_of(1), -7), -2);
  EXPECT_EQ(backward(), (Texts{"a", "-7", "z"}));
  EXPECT_TRUE(valid());
}

TEST_F(ListpackTest, StopsCountingAtTheHeadersLimit) {
  for (int i = 0; i < 65534; ++i) append(int64_t{1});
  EXPECT_EQ(pack_.view().substr(4, 2), bytes("\xfe\xff"));
  append(int64_t{1});
  append(int64_t{1});
  EXPECT_EQ(pack_.view().substr(4, 2), bytes("\xff\xff"));
  EXPECT_TRUE(valid());
}

TEST_F(ListpackTest, GivesSpareMemoryBack) {
  Listpack pack(4096);
  EXPECT_EQ(pack.capacity(), 4096u);
  Listpack::Appender(pack, 40).text("some text, and then no more");
  pack.shrink();
  EXPECT_LT(pack.capacity(), 64u);
  EXPECT_TRUE(listpack::validate(pack.view()));
}

TEST_F(ListpackTest, LiesInMemoryOfSomebodyElsesUntilItGrows) {
  for (const char* text : {"a", "5", "z"}) append(text);
  std::string memory(pack_.view());
  Listpack pack(reinterpret_cast<uint8_t*>(memory.data()), memory.size());
  EXPECT_EQ(pack.capacity(), 0u);
  pack.shrink();
  pack.replace_integer(offset_of(1), 6);
  EXPECT_EQ(pack.view().data(), memory.data());
  pack.replace_integer(offset_of(1), 1000000);
  EXPECT_NE(pack.view().data(), memory.data());
  EXPECT_TRUE(listpack::validate(pack.view()));
  EXPECT_EQ(listpack::integer(pack.at(offset_of(1))), 1000000);
}

TEST_F(ListpackTest, RefusesMalformedBytes) {
  append("abc");
  append(int64_t{300});
  const std::string good(pack_.view());
  EXPECT_TRUE(listpack::validate(good));
  for (size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(listpack::validate(good.substr(0, size))) << size;
  EXPECT_FALSE(listpack::validate(good + '\xff'));
  std::string wrong_count = good;
  wrong_count[4] = 3;
  EXPECT_FALSE(listpack::validate(wrong_count));
  std::string long_backlen = bytes("\x0a\0\0\0\x01\0\x01\x00\x81\xff");
  EXPECT_FALSE(listpack::validate(long_backlen));
  const std::string huge_string = bytes("\x0d\0\0\0\x01\0\xf0\xff\xff\xff\xff\x01\xff");
  EXPECT_FALSE(listpack::validate(huge_string));
  EXPECT_FALSE(listpack::validate(bytes("\x09\0\0\0\x01\0\xf8\x01\xff")));
}

// Exactly-sized heap copies let the sanitizer see any read beyond the end.
TEST_F(ListpackTest, SurvivesRandomDamage) {
  constexpr uint64_t kSeed = 20261121;
  Random random(kSeed);
  for (const char* text : {"field", "", "12", "-300", "70000", "12345678901"}) append(text);
  append(std::string(70, 'x'));
  append(std::string(200, 'y'));
  const std::string good(pack_.view());
  int accepted = 0;
  for (int round = 0; round < 50000; ++round) {
    const size_t size = random.one_in(4) ? random.below(good.size()) + 1 : good.size();
    const auto copy = std::make_unique<char[]>(size);
    std::copy(good.begin(), good.begin() + static_cast<ptrdiff_t>(size), copy.get());
    for (uint64_t left = random.below(4); left > 0; --left) copy[random.below(size)] = static_cast<char>(random.next());
    if (size < good.size() && size >= 4) std::memcpy(copy.get(), &size, 4);
    if (size < good.size() && random.one_in(2)) copy[size - 1] = '\xff';
    if (!listpack::validate({copy.get(), size})) continue;
    ++accepted;
    char scratch[listpack::kScratchSize];
    size_t text_bytes = 0;
    const Listpack pack(std::string_view(copy.get(), size));
    for (auto p = pack.end(); p != pack.begin();)
      text_bytes += listpack::text(p = listpack::previous(p), scratch).size();
    size_t forward_bytes = 0;
    for (auto p = pack.begin(); p != pack.end(); p = listpack::next(p)) {
      forward_bytes += listpack::text(p, scratch).size();
    }
    ASSERT_EQ(text_bytes, forward_bytes) << "seed " << kSeed << " round " << round;
  }
  EXPECT_GT(accepted, 1000);
}

}  // namespace
}  // namespace millrace::streams
