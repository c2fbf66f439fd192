// See manifest.h.
#include "persistence/manifest.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/letters.h"
#include "base/numbers.h"
#include "base/split_args.h"

namespace millrace::persistence {
namespace {

constexpr size_t kLineBytesMax = 1024;
constexpr size_t kWordsMin = 6;
constexpr int64_t kSequenceMax = int64_t{1} << 53;  // nobody gets there, and there is always a next one

constexpr char kBaseType = 'b';
constexpr char kHistoryType = 'h';
constexpr char kIncrType = 'i';

constexpr std::string_view kEmpty = "Found an empty AOF manifest";
constexpr std::string_view kTooLong = "The AOF manifest file contains too long line";
constexpr std::string_view kFormat = "Invalid AOF manifest file format";
constexpr std::string_view kPath = "File can't be a path, just a filename";
constexpr std::string_view kType = "Unknown AOF file type";
constexpr std::string_view kOrder = "Found a non-monotonic sequence number";
constexpr std::string_view kTwoBases = "Found duplicate base file information";
constexpr std::string_view kTwice = "Found a file that is named twice";

bool is_plain_name(std::string_view name) {
  using namespace std::string_view_literals;
  return name.find_first_of("/\\\0"sv) == std::string_view::npos && name != "." && name != "..";
}

// What Redis writes without quotes.
bool is_plain_char(char c) {
  return c > ' ' && c <= '~' && c != '"' && c != '\\' && c != '\'';
}

std::string trimmed(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t first = line.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return std::string(line.substr(first, line.find_last_not_of(kBlanks) - first + 1));
}

struct Line {
  ManifestFile file;
  char type = 0;
};

// What is wrong with the line; empty if nothing is. Unknown keys are passed over: later versions add some.
std::string_view parse_line(std::string_view text, Line& line) {
  const auto words = split_args(text);
  if (!words || words->size() < kWordsMin || words->size() % 2 != 0) return kFormat;
  for (size_t i = 0; i < words->size(); i += 2) {
    const std::string& key = (*words)[i];
    const std::string& value = (*words)[i + 1];
    if (same_word(key, "file")) {
      if (!is_plain_name(value)) return kPath;
      line.file.name = value;
    } else if (same_word(key, "seq")) {
      line.file.sequence = parse_i64(value).value_or(0);
    } else if (same_word(key, "type")) {
      line.type = value.empty() ? '\0' : value[0];
    }
  }
  const bool has_sequence = line.file.sequence > 0 && line.file.sequence < kSequenceMax;
  return line.file.name.empty() || !has_sequence || line.type == 0 ? kFormat : std::string_view();
}

void append_line(std::string& out, const ManifestFile& file, char type) {
  const bool is_plain = std::ranges::all_of(file.name, is_plain_char);
  out += "file " + (is_plain ? file.name : quote_arg(file.name)) + " seq " + std::to_string(file.sequence) + " type ";
  out += type;
  out += '\n';
}

std::string numbered(std::string_view append_name, int64_t sequence, std::string_view suffix) {
  return std::string(append_name) + "." + std::to_string(sequence) + std::string(suffix);
}

}  // namespace

Result<Manifest, ManifestError> Manifest::parse(std::string_view text) {
  Manifest manifest;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t length = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = text.substr(0, length);
    text.remove_prefix(length);
    if (line.back() != '\n' || line.size() > kLineBytesMax) return ManifestError{number, kTooLong};
    if (line[0] == '#') continue;
    if (const std::string_view reason = manifest.take_line(line); !reason.empty()) return ManifestError{number, reason};
  }
  if (!manifest.base_ && manifest.incrs_.empty() && manifest.history_.empty()) return ManifestError{0, kEmpty};
  if (manifest.names_one_twice()) return ManifestError{0, kTwice};
  return manifest;
}

std::string_view Manifest::take_line(std::string_view text) {
  Line line;
  if (const std::string_view reason = parse_line(trimmed(text), line); !reason.empty()) return reason;
  switch (line.type) {
    case kBaseType:
      if (base_) return kTwoBases;
      base_sequence_ = line.file.sequence;
      base_ = std::move(line.file);
      return {};
    case kHistoryType:
      history_.push_back(std::move(line.file));
      return {};
    case kIncrType:
      if (line.file.sequence <= incr_sequence_) return kOrder;
      incr_sequence_ = line.file.sequence;
      incrs_.push_back(std::move(line.file));
      return {};
    default:
      return kType;
  }
}

std::string Manifest::format() const {
  std::string out;
  if (base_) append_line(out, *base_, kBaseType);
  for (const ManifestFile& file : history_) append_line(out, file, kHistoryType);
  for (const ManifestFile& file : incrs_) append_line(out, file, kIncrType);
  return out;
}

bool Manifest::names(std::string_view file_name) const {
  if (base_ && base_->name == file_name) return true;
  return std::ranges::find(history_, file_name, &ManifestFile::name) != history_.end() ||
         std::ranges::find(incrs_, file_name, &ManifestFile::name) != incrs_.end();
}

bool Manifest::names_one_twice() const {
  std::vector<std::string_view> sorted;
  if (base_) sorted.push_back(base_->name);
  for (const ManifestFile& file : history_) sorted.push_back(file.name);
  for (const ManifestFile& file : incrs_) sorted.push_back(file.name);
  std::ranges::sort(sorted);
  return std::ranges::adjacent_find(sorted) != sorted.end();
}

// A file of history may still carry the number; it is about to be removed. Somebody may have renamed others.
ManifestFile Manifest::next(std::string_view append_name, int64_t sequence, std::string_view suffix) const {
  CHECK(is_plain_name(append_name));
  for (;;) {
    ++sequence;
    const std::string name = numbered(append_name, sequence, suffix);
    if (!names(name)) return {name, sequence};
  }
}

ManifestFile Manifest::next_base(std::string_view append_name, bool is_rdb) const {
  return next(append_name, base_sequence_, is_rdb ? ".base.rdb" : ".base.aof");
}

ManifestFile Manifest::next_incr(std::string_view append_name) const {
  return next(append_name, incr_sequence_, ".incr.aof");
}

void Manifest::set_base(ManifestFile file) {
  CHECK(file.sequence > base_sequence_ && is_plain_name(file.name));
  base_sequence_ = file.sequence;
  if (base_) history_.insert(history_.begin(), std::move(*base_));
  base_ = std::move(file);
}

void Manifest::add_incr(ManifestFile file) {
  CHECK(file.sequence > incr_sequence_ && is_plain_name(file.name));
  incr_sequence_ = file.sequence;
  incrs_.push_back(std::move(file));
}

void Manifest::retire_incrs(size_t kept) {
  if (kept >= incrs_.size()) return;
  const auto first_kept = incrs_.end() - static_cast<ptrdiff_t>(kept);
  history_.insert(history_.begin(), std::move_iterator(incrs_.begin()), std::move_iterator(first_kept));
  incrs_.erase(incrs_.begin(), first_kept);
}

std::string describe(const ManifestError& error) {
  if (error.line == 0) return std::string(error.reason);
  return "at line " + std::to_string(error.line) + ": " + std::string(error.reason);
}

std::string manifest_name(std::string_view append_name) {
  return std::string(append_name) + ".manifest";
}

std::string temporary_name(std::string_view file_name) {
  return "temp-" + std::string(file_name);
}

}  // namespace millrace::persistence
