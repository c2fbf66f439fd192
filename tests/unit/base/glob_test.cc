// Glob patterns against the cases of Redis and, at random, against a recursive twin.
#include "base/glob.h"

#include <gtest/gtest.h>

#include <string>

#include "base/random.h"

namespace millrace {
namespace {

struct Case {
  std::string_view pattern;
  std::string_view text;
  bool matches;
};

TEST(Glob, FollowsRedisCaseByCase) {
  const Case cases[] = {
      {"", "", true},
      {"", "a", false},
      {"*", "", false},
      {"*", "abc", true},
      {"?", "a", true},
      {"?", "", false},
      {"?", "ab", false},
      {"a*", "a", true},
      {"a*c", "abbc", true},
      {"a*c", "abb", false},
      {"*a*b*", "xaybz", true},
      {"*a*b*", "xbya", false},
      {"**a", "ba", true},
      {"a**", "a", true},
      {"h[ae]llo", "hello", true},
      {"h[ae]llo", "hillo", false},
      {"h[^e]llo", "hallo", true},
      {"h[^e]llo", "hello", false},
      {"[a-c]", "b", true},
      {"[c-a]", "b", true},
      {"[a-c]", "d", false},
      {"[^a-c]", "d", true},
      {"[a\\-c]", "b", false},
      {"[a\\-c]", "-", true},
      {"\\*", "*", true},
      {"\\*", "a", false},
      {"\\", "\\", true},
      {"a\\", "a\\", true},
      {"[abc", "b", true},
      {"[abc", "d", false},
      {"[", "[", false},
      {"[^", "x", true},
      {"[]", "]", false},
      {"[]a", "a", false},
      {"[a-]", "a", true},
      {"[a-", "-", true},
      {"A", "a", false},
      {"news.*", "news.", true},
      {"?*?", "ab", true},
      {"?*?", "a", false},
      {"*[0-9]", "abc7", true},
      {"\\[a]", "[a]", true},
  };
  for (const Case& c : cases) EXPECT_EQ(glob_matches(c.pattern, c.text), c.matches) << c.pattern << " on " << c.text;
}

TEST(Glob, IgnoresCaseOnRequest) {
  EXPECT_TRUE(glob_matches("MAX*", "maxmemory", true));
  EXPECT_TRUE(glob_matches("[A-C]x", "bX", true));
  EXPECT_TRUE(glob_matches("[ABC]", "b", true));
  EXPECT_FALSE(glob_matches("[\\A]", "a", true));  // escaped inside a class: exact
  EXPECT_FALSE(glob_matches("MAX*", "maxmemory"));
}

TEST(Glob, StarsCostNoMoreThanTheProduct) {
  std::string pattern;
  for (int i = 0; i < 2000; ++i) pattern += "*a";
  EXPECT_FALSE(glob_matches(pattern + "b", std::string(4000, 'a')));
  EXPECT_TRUE(glob_matches(std::string(100'000, '*'), "x"));
}

// A plain recursive matcher for patterns of letters, '?' and '*'.
bool model_matches(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    return model_matches(pattern.substr(1), text) || (!text.empty() && model_matches(pattern, text.substr(1)));
  }
  if (text.empty() || (pattern[0] != '?' && pattern[0] != text[0])) return false;
  return model_matches(pattern.substr(1), text.substr(1));
}

TEST(Glob, AgreesWithAModelAtRandom) {
  constexpr uint64_t kSeed = 7;
  Random random(kSeed);
  for (int i = 0; i < 200'000; ++i) {
    std::string pattern;
    std::string text(1, "ab"[random.below(2)]);
    while (!random.one_in(6)) pattern += "ab?*"[random.below(4)];
    while (!random.one_in(6)) text += "ab"[random.below(2)];
    ASSERT_EQ(glob_matches(pattern, text), model_matches(pattern, text))
        << pattern << " on " << text << " seed " << kSeed;
  }
}

}  // namespace
}  // namespace millrace
