// See glob.h.
#include "base/glob.h"

#include <cstddef>
#include <utility>

#include "base/letters.h"

namespace millrace {
namespace {

// One pattern element other than '*', matched against one character.
class Element {
 public:
  Element(std::string_view pattern, size_t position, bool ignore_case)
      : pattern_(pattern), position_(position), ignore_case_(ignore_case) {}

  bool matches(char c) {
    switch (pattern_[position_]) {
      case '?':
        ++position_;
        return true;
      case '[':
        ++position_;
        return class_matches(c);
      case '\\':
        if (left() >= 2) ++position_;
        [[fallthrough]];
      default:
        return same(pattern_[position_++], c);
    }
  }
  // Where the next element starts. REQUIRES: matches() was called.
  size_t end() const { return position_; }

 private:
  size_t left() const { return pattern_.size() - position_; }
  bool same(char a, char b) const { return ignore_case_ ? lower(a) == lower(b) : a == b; }

  // The inside of [...]; a class that the pattern's end cuts short counts as closed there.
  bool class_matches(char c) {
    const bool negated = left() > 0 && pattern_[position_] == '^';
    if (negated) ++position_;
    bool found = false;
    while (left() > 0 && pattern_[position_] != ']') {
      if (pattern_[position_] == '\\' && left() >= 2) {
        found |= pattern_[position_ + 1] == c;  // an escaped character keeps its case
        position_ += 2;
      } else if (left() >= 3 && pattern_[position_ + 1] == '-') {
        found |= in_range(pattern_[position_], pattern_[position_ + 2], c);
        position_ += 3;
      } else {
        found |= same(pattern_[position_++], c);
      }
    }
    if (left() > 0) ++position_;
    return found != negated;
  }

  // Bounds in either order, compared as signed characters, as Redis on x86 does.
  bool in_range(char first, char last, char c) const {
    int low = static_cast<signed char>(first);
    int high = static_cast<signed char>(last);
    int value = static_cast<signed char>(c);
    if (low > high) std::swap(low, high);
    if (ignore_case_) {
      low = lower(static_cast<char>(low));
      high = lower(static_cast<char>(high));
      value = lower(static_cast<char>(value));
    }
    return value >= low && value <= high;
  }

  std::string_view pattern_;
  size_t position_;
  bool ignore_case_;
};

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view text, bool ignore_case) {
  constexpr size_t kNone = static_cast<size_t>(-1);
  size_t at_pattern = 0;
  size_t at_text = 0;
  size_t after_star = kNone;  // the pattern behind the last '*' seen,
  size_t star_text = 0;       // and where the text it swallowed ends so far
  while (at_text < text.size()) {
    if (at_pattern < pattern.size() && pattern[at_pattern] == '*') {
      after_star = ++at_pattern;
      star_text = at_text;
      if (after_star == pattern.size()) return true;
      continue;
    }
    if (at_pattern < pattern.size()) {
      Element element(pattern, at_pattern, ignore_case);
      if (element.matches(text[at_text])) {
        at_pattern = element.end();
        ++at_text;
        continue;
      }
    }
    if (after_star == kNone) return false;
    at_pattern = after_star;
    at_text = ++star_text;
  }
  // Redis: an empty text matches the empty pattern only, "*" included.
  if (text.empty()) return pattern.empty();
  while (at_pattern < pattern.size() && pattern[at_pattern] == '*') ++at_pattern;
  return at_pattern == pattern.size();
}

}  // namespace millrace
