// Lines cut into words with quotes and escapes, and put together again.
#include "base/split_args.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"

namespace millrace {
namespace {

using Words = std::vector<std::string>;

struct Case {
  std::string_view line;
  Words words;
};

TEST(SplitArgs, Words) {
  const Case cases[] = {
      {"", {}},
      {" \t\r\n ", {}},
      {"a", {"a"}},
      {"  set  k\tv \n", {"set", "k", "v"}},
      {R"("two words" x)", {"two words", "x"}},
      {R"("")", {""}},
      {R"('')", {""}},
      {R"("\n\r\t\b\a\\\"\x41\x0g\q")", {"\n\r\t\b\a\\\"Ax0gq"}},
      {R"('it\'s \n')", {"it's \\n"}},
      {R"(a"b c" d)", {"ab c", "d"}},
      {R"(a\nb)", {"a\\nb"}},
      {R"("\x4")", {"x4"}},
  };
  for (const auto& [line, words] : cases) EXPECT_EQ(split_args(line), words) << line;
}

TEST(SplitArgs, RefusesUnbalancedQuotes) {
  for (const std::string_view line : {R"(")", R"(')", R"("a)", R"('a)", R"("a"b)", R"('a'b)", R"("a\")", R"("a\)"}) {
    EXPECT_EQ(split_args(line), std::nullopt) << line;
  }
}

TEST(SplitArgs, EndsAtZeroByte) {
  EXPECT_EQ(split_args(std::string_view("a b\0 c", 6)), (Words{"a", "b"}));
}

TEST(SplitArgs, QuoteIsTheInverse) {
  constexpr uint64_t kSeed = 20261121;
  Random random(kSeed);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes;
    for (uint64_t left = random.below(20); left > 0; --left) bytes.push_back(static_cast<char>(random.below(256)));
    const std::string quoted = quote_arg(bytes);
    EXPECT_EQ(split_args(quoted), Words{bytes}) << "seed " << kSeed << " " << quoted;
  }
}

}  // namespace
}  // namespace millrace
