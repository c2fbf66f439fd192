// See glob.h.
#include "base/glob.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

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

// True for a byte that stands for itself.
constexpr bool is_literal(char c) {
  return c != '*' && c != '?' && c != '[' && c != '\\';
}

constexpr size_t kNotFound = std::string_view::npos;

// How much of a pattern and of a text match each other; kNotFound for both if they do not.
struct Taken {
  size_t pattern;
  size_t text;
};

// Matches elements one by one up to the pattern's first star or its end.
Taken take_matching(std::string_view pattern, std::string_view text, bool ignore_case) {
  size_t at = 0;
  size_t at_text = 0;
  for (; at < pattern.size() && pattern[at] != '*'; ++at_text) {
    if (at_text == text.size()) return {kNotFound, kNotFound};
    if (is_literal(pattern[at]) && pattern[at] == text[at_text]) {  // by far the most, so without an Element
      ++at;
      continue;
    }
    Element element(pattern, at, ignore_case);
    if (!element.matches(text[at_text])) return {kNotFound, kNotFound};
    at = element.end();
  }
  return {at, at_text};
}

// Elements without a star among them.
struct Segment {
  std::string_view pattern;
  bool ignore_case;
  size_t elements = 0;
  bool is_literal_only = true;  // what it matches are its own bytes
};

bool begins_with(std::string_view text, const Segment& segment) {
  return take_matching(segment.pattern, text, segment.ignore_case).text != kNotFound;
}

// What the pattern begins with, up to its first star or its end.
Segment first_segment(std::string_view pattern, bool ignore_case) {
  Segment segment{.pattern = {}, .ignore_case = ignore_case, .is_literal_only = !ignore_case};
  size_t at = 0;
  for (; at < pattern.size() && pattern[at] != '*'; ++segment.elements) {
    if (is_literal(pattern[at])) {
      ++at;
      continue;
    }
    segment.is_literal_only = false;
    Element element(pattern, at, ignore_case);
    element.matches('\0');  // where it ends does not depend on the character
    at = element.end();
  }
  segment.pattern = pattern.substr(0, at);
  return segment;
}

// The next 64 elements of a segment, or what is left of it, matched at every place of a text at once (Shift-And).
//
//   masks    for each character a bit for each element that it matches
//   matched  bit i: elements 0..i match the characters read last
class Block {
 public:
  Block(std::string_view pattern, bool ignore_case) {
    for (last_ = 1; at_ < pattern.size(); last_ <<= 1) {
      add_element(pattern, ignore_case);
      if (last_ >> 63 != 0 || at_ == pattern.size()) break;
    }
  }
  // How much of the pattern it is.
  size_t pattern_bytes() const { return at_; }

  // Reads one character, with which the block may begin or not. True if the block ends with it.
  bool read(char c, bool may_begin) {
    matched_ = (matched_ << 1 | static_cast<uint64_t>(may_begin)) & masks_[static_cast<unsigned char>(c)];
    return (matched_ & last_) != 0;
  }

 private:
  void add_element(std::string_view pattern, bool ignore_case) {
    const size_t start = at_;
    for (size_t c = 0; c < masks_.size(); ++c) {
      Element element(pattern, start, ignore_case);
      if (element.matches(static_cast<char>(c))) masks_[c] |= last_;
      at_ = element.end();
    }
  }

  std::array<uint64_t, 256> masks_{};
  uint64_t matched_ = 0;
  uint64_t last_ = 0;  // the bit of the last element
  size_t at_ = 0;
};

size_t find_block(std::string_view text, const Segment& segment) {
  Block block(segment.pattern, segment.ignore_case);
  for (size_t i = 0; i < text.size(); ++i) {
    if (block.read(text[i], true)) return i + 1 - segment.elements;
  }
  return kNotFound;
}

// Block after block over the whole text: a block can begin where the one before can end.
size_t find_blocks(std::string_view text, const Segment& segment) {
  std::vector<uint8_t> can_end(text.size() + 1, 1);  // in front of each character, and behind the last
  size_t first = 0;                                  // of the places that are left
  std::string_view rest = segment.pattern;
  while (!rest.empty()) {
    Block block(rest, segment.ignore_case);
    rest.remove_prefix(block.pattern_bytes());
    bool may_begin = std::exchange(can_end[first], 0) != 0;
    for (size_t i = first; i < text.size(); ++i) {
      const bool ends = block.read(text[i], may_begin);
      may_begin = std::exchange(can_end[i + 1], ends) != 0;
    }
    const auto place = std::find(can_end.begin() + static_cast<ptrdiff_t>(first), can_end.end(), 1);
    if (place == can_end.end()) return kNotFound;
    first = static_cast<size_t>(place - can_end.begin());
  }
  return first - segment.elements;
}

// Where the segment first stands in the text. REQUIRES: the text is as long as it has elements, or longer.
size_t find(std::string_view text, const Segment& segment) {
  // Place by place as long as that is linear: a constant times the length of both, or little in all. It also spares
  // short texts the preparations of the others.
  const size_t places = text.size() - segment.elements + 1;
  const size_t length = segment.pattern.size();
  if (length * places <= 16 * (length + places) + 4096) {
    if (segment.is_literal_only) return text.find(segment.pattern);
    for (size_t place = 0; place < places; ++place) {
      if (begins_with(text.substr(place), segment)) return place;
    }
    return kNotFound;
  }
  if (segment.is_literal_only) {
    const void* found = memmem(text.data(), text.size(), segment.pattern.data(), length);
    return found == nullptr ? kNotFound : static_cast<size_t>(static_cast<const char*>(found) - text.data());
  }
  return segment.elements <= 64 ? find_block(text, segment) : find_blocks(text, segment);
}

// REQUIRES: the pattern begins with a star.
bool matches_from_star(std::string_view pattern, std::string_view text, bool ignore_case) {
  for (;;) {
    while (!pattern.empty() && pattern.front() == '*') pattern.remove_prefix(1);
    if (pattern.empty()) return true;
    const Segment segment = first_segment(pattern, ignore_case);
    if (segment.elements > text.size()) return false;
    pattern.remove_prefix(segment.pattern.size());
    if (pattern.empty()) return begins_with(text.substr(text.size() - segment.elements), segment);
    const size_t place = find(text, segment);
    if (place == kNotFound) return false;
    text.remove_prefix(place + segment.elements);
  }
}

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view text, bool ignore_case) {
  if (text.empty()) return pattern.empty();
  const Taken taken = take_matching(pattern, text, ignore_case);
  if (taken.text == kNotFound) return false;
  if (taken.pattern == pattern.size()) return taken.text == text.size();
  return matches_from_star(pattern.substr(taken.pattern), text.substr(taken.text), ignore_case);
}

}  // namespace millrace
