// See split_args.h.
#include "base/split_args.h"

#include <cstddef>
#include <utility>

#include "base/letters.h"

namespace millrace {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char escaped(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

// What ends a word in its middle. Redis lets vertical tab and form feed separate words but not end them.
bool ends_word(char c) {
  return is_space(c) && c != '\v' && c != '\f';
}

class Splitter {
 public:
  explicit Splitter(std::string_view line) : line_(line.substr(0, line.find('\0'))) {}

  // False at the end of the line.
  bool skip_space() {
    while (!at_end() && is_space(line_[position_])) ++position_;
    return !at_end();
  }

  // REQUIRES: skip_space() returned true.
  std::optional<std::string> word() {
    std::string word;
    while (!at_end() && !ends_word(line_[position_])) {
      const char c = line_[position_++];
      if (c == '"' || c == '\'') {
        const bool closed = c == '"' ? double_quoted(word) : single_quoted(word);
        if (!closed || (!at_end() && !is_space(line_[position_]))) return std::nullopt;
        return word;
      }
      word.push_back(c);
    }
    return word;
  }

 private:
  bool at_end() const { return position_ == line_.size(); }
  size_t left() const { return line_.size() - position_; }

  bool double_quoted(std::string& word) {
    while (!at_end()) {
      const char c = line_[position_++];
      if (c == '"') return true;
      if (c == '\\' && !at_end()) {
        backslash(word);
      } else {
        word.push_back(c);
      }
    }
    return false;
  }

  void backslash(std::string& word) {
    if (left() >= 3 && line_[position_] == 'x') {
      const int high = hex_digit(line_[position_ + 1]);
      const int low = hex_digit(line_[position_ + 2]);
      if (high >= 0 && low >= 0) {
        word.push_back(static_cast<char>(high * 16 + low));
        position_ += 3;
        return;
      }
    }
    word.push_back(escaped(line_[position_++]));
  }

  bool single_quoted(std::string& word) {
    while (!at_end()) {
      const char c = line_[position_++];
      if (c == '\'') return true;
      if (c == '\\' && !at_end() && line_[position_] == '\'') {
        word.push_back('\'');
        ++position_;
      } else {
        word.push_back(c);
      }
    }
    return false;
  }

  std::string_view line_;
  size_t position_ = 0;
};

void append_escaped(std::string& out, char c) {
  static constexpr char kHex[] = "0123456789abcdef";
  static constexpr std::string_view kPlain = "\n\r\t\a\b\\\"";
  static constexpr std::string_view kLetter = "nrtab\\\"";
  if (const size_t at = kPlain.find(c); at != std::string_view::npos) {
    out.push_back('\\');
    out.push_back(kLetter[at]);
  } else if (c >= ' ' && c <= '~') {
    out.push_back(c);
  } else {
    const auto byte = static_cast<unsigned char>(c);
    out.append("\\x");
    out.push_back(kHex[byte >> 4]);
    out.push_back(kHex[byte & 15]);
  }
}

}  // namespace

std::optional<std::vector<std::string>> split_args(std::string_view line) {
  Splitter splitter(line);
  std::vector<std::string> words;
  while (splitter.skip_space()) {
    std::optional<std::string> word = splitter.word();
    if (!word) return std::nullopt;
    words.push_back(std::move(*word));
  }
  return words;
}

std::string quote_arg(std::string_view bytes) {
  std::string out = "\"";
  for (const char c : bytes) append_escaped(out, c);
  out.push_back('"');
  return out;
}

}  // namespace millrace
