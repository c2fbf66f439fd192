// See slowlog.h.
#include "commands/slowlog.h"

#include <algorithm>
#include <utility>

#include "commands/secrets.h"

namespace millrace::commands {
namespace {

std::string shorten_argument(std::string_view argument) {
  const size_t limit = Slowlog::kArgumentBytesMax;
  if (argument.size() <= limit) return std::string(argument);
  return std::string(argument.substr(0, limit)) + "... (" + std::to_string(argument.size() - limit) + " more bytes)";
}

}  // namespace

std::vector<std::string> Slowlog::shorten(std::span<const std::string_view> args) {
  const bool is_long = args.size() > kArgumentsMax;
  const size_t shown = is_long ? kArgumentsMax - 1 : args.size();
  std::vector<std::string> words;
  words.reserve(shown + 1);
  for (size_t i = 0; i < shown; ++i) {
    words.push_back(is_secret(args, i) ? std::string(kRedacted) : shorten_argument(args[i]));
  }
  if (is_long) words.push_back("... (" + std::to_string(args.size() - shown) + " more arguments)");
  return words;
}

void Slowlog::trim(size_t length_max) {
  if (entries_.size() > length_max) entries_.resize(length_max);
}

void Slowlog::add(Entry entry, size_t length_max) {
  MutexLock lock(mutex_);
  entry.id = next_id_++;
  entries_.push_front(std::move(entry));
  trim(length_max);
}

size_t Slowlog::size(size_t length_max) {
  MutexLock lock(mutex_);
  trim(length_max);
  return entries_.size();
}

std::vector<Slowlog::Entry> Slowlog::newest(size_t count, size_t length_max) {
  MutexLock lock(mutex_);
  trim(length_max);
  const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(std::min(count, entries_.size()));
  return {entries_.begin(), end};
}

void Slowlog::clear() {
  MutexLock lock(mutex_);
  entries_.clear();
}

}  // namespace millrace::commands
