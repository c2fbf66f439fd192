#include "base/split_args.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace millrace {
namespace {

using Words = std::vector<std::string>;

TEST(SplitArgs, ReadsQuotesAndEscapes) {
  EXPECT_EQ(split_args(""), Words{});
  EXPECT_EQ(split_args("  a\tb "), (Words{"a", "b"}));
  EXPECT_EQ(split_args("a \"b c\" ''"), (Words{"a", "b c", ""}));
  EXPECT_EQ(split_args("\"\\x41\\n\\q\\x4\" 'it\\'s\\n'"), (Words{"A\nqx4", "it's\\n"}));
  EXPECT_EQ(split_args("a\"b c\" d"), (Words{"ab c", "d"}));
  EXPECT_EQ(split_args("\va\vb\fc \v"), Words{"a\vb\fc"});
}

TEST(SplitArgs, RefusesUnbalancedQuotes) {
  for (const char* line : {"\"a", "'a", "\"a\"b", "'a'b", "\"a\\\"", "\"a\\", "'\\'"}) {
    EXPECT_EQ(split_args(line), std::nullopt) << line;
  }
}

TEST(SplitArgs, ReadsBackWhatQuoteArgWrote) {
  constexpr uint64_t kSeed = 1;
  Random random(kSeed);
  for (int i = 0; i < 5000; ++i) {
    std::string bytes(random.below(20), ' ');
    for (char& c : bytes) c = static_cast<char>(random.next());
    ASSERT_EQ(split_args(quote_arg(bytes)), Words{bytes}) << "seed " << kSeed;
  }
}

}  // namespace
}  // namespace millrace
