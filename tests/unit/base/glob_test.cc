// Glob patterns against the cases of Redis and, at random, against a twin; and patterns made to be slow.
//
//   MILLRACE_TEST_FULL=1   three times as many at random
#include "base/glob.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/letters.h"
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

// ---- a slow and obvious twin: all places in the pattern where matching can go on, after each character

class Model {
 public:
  Model(std::string_view pattern, bool ignore_case) : pattern_(pattern), ignore_case_(ignore_case) {}

  bool matches(std::string_view text) const {
    if (text.empty()) return pattern_.empty();
    std::vector<bool> places(pattern_.size() + 1);
    places[0] = true;
    for (const char c : text) places = behind(places, c);
    return past_stars(places)[pattern_.size()];
  }

 private:
  char fold(char c) const { return ignore_case_ ? lower(c) : c; }
  size_t left(size_t at) const { return pattern_.size() - at; }

  // Sets of places in the pattern: where matching can go on.
  std::vector<bool> past_stars(std::vector<bool> places) const {
    for (size_t at = 0; at < pattern_.size(); ++at) {
      if (places[at] && pattern_[at] == '*') places[at + 1] = true;
    }
    return places;
  }
  std::vector<bool> behind(const std::vector<bool>& before, char c) const {
    std::vector<bool> after(pattern_.size() + 1);
    const std::vector<bool> places = past_stars(before);
    for (size_t at = 0; at < pattern_.size(); ++at) {
      if (!places[at]) continue;
      const auto [is_match, next] = pattern_[at] == '*' ? std::pair(true, at) : element(at, c);
      if (is_match) after[next] = true;
    }
    return after;
  }

  // Whether the element at `at` matches `c`, and where the next one starts.
  std::pair<bool, size_t> element(size_t at, char c) const {
    if (pattern_[at] == '?') return {true, at + 1};
    if (pattern_[at] == '[') return char_class(at + 1, c);
    if (pattern_[at] == '\\' && left(at) > 1) return {fold(pattern_[at + 1]) == fold(c), at + 2};
    return {fold(pattern_[at]) == fold(c), at + 1};
  }

  std::pair<bool, size_t> char_class(size_t at, char c) const {
    const bool negated = left(at) > 0 && pattern_[at] == '^';
    if (negated) ++at;
    bool found = false;
    for (; left(at) > 0 && pattern_[at] != ']'; ++at) {
      if (pattern_[at] == '\\' && left(at) > 1) {
        ++at;
        if (pattern_[at] == c) found = true;
      } else if (left(at) > 2 && pattern_[at + 1] == '-') {
        if (in_range(pattern_[at], pattern_[at + 2], c)) found = true;
        at += 2;
      } else if (fold(pattern_[at]) == fold(c)) {
        found = true;
      }
    }
    return {found != negated, std::min(at + 1, pattern_.size())};
  }

  bool in_range(char first, char last, char c) const {
    if (static_cast<signed char>(first) > static_cast<signed char>(last)) std::swap(first, last);
    const auto folded = [&](char x) { return static_cast<signed char>(fold(x)); };
    return folded(first) <= folded(c) && folded(c) <= folded(last);
  }

  std::string_view pattern_;
  bool ignore_case_;
};

class GlobAtRandom : public testing::Test {
 protected:
  std::string draw(std::string_view alphabet, uint64_t mean_length) {
    std::string result;
    while (!random_.one_in(mean_length + 1)) result += alphabet[random_.below(alphabet.size())];
    return result;
  }
  // A long text with few different characters, in which much of any pattern is found, and the rest almost.
  std::string draw_exactly(std::string_view alphabet, size_t length) {
    std::string result;
    while (result.size() < length) result += alphabet[random_.below(alphabet.size())];
    return result;
  }
  void expect_agreement(const std::string& pattern, const std::string& text) {
    for (const bool ignore_case : {false, true}) {
      const bool is_match = glob_matches(pattern, text, ignore_case);
      ASSERT_EQ(is_match, Model(pattern, ignore_case).matches(text))
          << testing::PrintToString(pattern) << " on " << testing::PrintToString(text) << ", seed " << kSeed;
      matches_ += is_match;
    }
  }
  static size_t rounds(size_t full) { return std::getenv("MILLRACE_TEST_FULL") != nullptr ? full : full / 3; }
  void TearDown() override { EXPECT_GT(matches_, rounds(100)) << "too few matches for a test of matching"; }

  static constexpr uint64_t kSeed = 7;
  Random random_{kSeed};
  size_t matches_ = 0;
};

TEST_F(GlobAtRandom, AgreesWithTheModelOnEverySpecialByte) {
  for (size_t i = 0; i < rounds(150'000) && !HasFatalFailure(); ++i) {
    expect_agreement(draw("aAb*?[]^-\\\x80", 7), draw("aAb]\\-\x80\xff", 6));
  }
}

TEST_F(GlobAtRandom, AgreesWithTheModelOnStars) {
  for (size_t i = 0; i < rounds(60'000) && !HasFatalFailure(); ++i) expect_agreement(draw("ab?*", 8), draw("ab", 10));
}

// Each way to search: literals, one block and several, between texts too long to go place by place.
TEST_F(GlobAtRandom, AgreesWithTheModelInLongTexts) {
  constexpr std::string_view kAlphabets[] = {"a", "aab", "a?", "aa?b", "aA?"};
  for (size_t i = 0; i < rounds(400) && !HasFatalFailure(); ++i) {
    std::string text = draw_exactly("aaaaaaab", 300 + random_.below(200));
    const std::string_view alphabet = kAlphabets[random_.below(std::size(kAlphabets))];
    const size_t length = 40 + random_.below(170);
    std::string middle = draw_exactly(alphabet, length);
    std::string end = draw("ab?", 2);
    if (random_.one_in(2)) {  // one that is there, at least once
      const size_t place = random_.below(text.size() - length - 1);
      middle = text.substr(place, length);
      // As much as there is behind it, or one more or less: so it has to be found exactly where it is.
      end = std::string(text.size() - place - length + random_.below(3) - 1, '?');
      for (char& c : middle) {
        if (random_.one_in(3)) c = '?';
      }
    }
    if (random_.one_in(3)) middle.insert(random_.below(middle.size()), "[^b]");
    if (random_.one_in(3)) middle.insert(random_.below(middle.size()), "\\a");
    expect_agreement("*" + middle + "*" + end, text);
  }
}

// ---- patterns that are meant to take for ever: these end

std::string repeated(std::string_view part, size_t times) {
  std::string result;
  for (size_t i = 0; i < times; ++i) result += part;
  return result;
}

TEST(GlobBombs, StarsEndAtOnce) {
  EXPECT_TRUE(glob_matches(std::string(10'000, '*'), "x"));
  EXPECT_FALSE(glob_matches(std::string(10'000, '*') + "y", "x"));
}

TEST(GlobBombs, ManySegmentsAreFoundOneBehindTheOther) {
  const std::string text(100'000, 'a');
  const std::string bomb = repeated("*a", 50'000);
  EXPECT_TRUE(glob_matches(bomb, text));
  EXPECT_FALSE(glob_matches(bomb + "b", text));
  EXPECT_FALSE(glob_matches(bomb + "*b*", text));
  EXPECT_FALSE(glob_matches(repeated("*[ab]", 20'000) + "*b*", text));
  EXPECT_TRUE(glob_matches(repeated("*?a", 33'000) + "*", text));
}

TEST(GlobBombs, LongSegmentsAreSearchedForWithoutGoingBack) {
  const std::string text(100'000, 'a');
  const std::string literals(50'000, 'a');
  EXPECT_TRUE(glob_matches("*" + literals + "*", text));
  EXPECT_FALSE(glob_matches("*" + literals + "b*", text));
  EXPECT_FALSE(glob_matches("*" + literals + "b*", text, true));
  EXPECT_TRUE(glob_matches("*" + std::string(99'999, '?') + "*", text));
  EXPECT_FALSE(glob_matches("*" + std::string(50'000, '?') + "b*", text));
  EXPECT_FALSE(glob_matches("*" + repeated("a?", 25'000) + "b*", text));
}

TEST(GlobBombs, ALongClassIsReadAFewTimesOnly) {
  const std::string text(100'000, 'a');
  EXPECT_FALSE(glob_matches("*[" + repeated("b-z", 3'000) + "]*", text));
  EXPECT_FALSE(glob_matches("*" + repeated("[^b]", 2'000) + "b*", text));
}

}  // namespace
}  // namespace millrace
