// See pattern_table.h.
#include "pubsub/pattern_table.h"

#include <algorithm>
#include <bit>

#include "base/glob.h"

namespace millrace::pubsub {
namespace {

// `rest` and `text` are what a pattern and a channel have behind `beginning_bytes` equal ones. Only a channel that is
// empty as a whole is the special case that glob.h tells of: "news.*" does match "news.".
bool rest_matches(std::string_view rest, std::string_view text, size_t beginning_bytes) {
  if (beginning_bytes != 0 && text.empty()) return rest.find_first_not_of('*') == std::string_view::npos;
  return glob_matches(rest, text);
}

}  // namespace

void PatternTable::join(Subscriptions& subscriptions, const Name& name, const std::function<void()>& acknowledge) {
  SharedMutexLock lock(mutex);
  auto entry = patterns_.find(name);
  if (entry == patterns_.end()) entry = add(name);
  subscriptions.join(Kind::kPattern, entry->first, entry->second.audience, acknowledge);
}

void PatternTable::leave(Subscriptions& subscriptions, const Name& name) {
  SharedMutexLock lock(mutex);
  const auto entry = patterns_.find(name);
  CHECK(entry != patterns_.end());
  subscriptions.leave(Kind::kPattern, name, entry->second.audience);
  if (entry->second.audience.empty()) remove(entry);
}

void PatternTable::for_each_listener(const VisitListener& visit) const {
  SharedReaderLock lock(mutex);
  for (const auto& [name, pattern] : patterns_) {
    for (const Audience::Listener& listener : pattern.audience.listeners()) visit(pattern.text, *listener.subscriber);
  }
}

void PatternTable::find_matching(std::string_view channel, std::vector<const Pattern*>& found) const {
  for (uint64_t lengths = lengths_; lengths != 0; lengths &= lengths - 1) {
    const auto length = static_cast<size_t>(std::countr_zero(lengths));
    if (length > channel.size()) break;
    const auto group = groups_.find(hashed(channel.substr(0, length)));
    if (group == groups_.end()) continue;
    for (const Member& member : group->second) {
      if (rest_matches(member.rest, channel.substr(length), length)) found.push_back(member.pattern);
    }
  }
}

PatternTable::Patterns::iterator PatternTable::add(const Name& name) {
  const auto entry = patterns_.try_emplace(OwnedName(name)).first;
  Pattern& pattern = entry->second;
  pattern.text = entry->first.text;
  pattern.beginning_bytes = std::min({pattern.text.find_first_of("*?[\\"), pattern.text.size(), kBeginningBytesMax});

  const Name beginning = hashed(pattern.text.substr(0, pattern.beginning_bytes));
  auto group = groups_.find(beginning);
  if (group == groups_.end()) {
    group = groups_.try_emplace(OwnedName(beginning)).first;
    if (groups_of_length_[pattern.beginning_bytes]++ == 0) lengths_ |= uint64_t{1} << pattern.beginning_bytes;
  }
  pattern.position = group->second.size();
  group->second.push_back({pattern.text.substr(pattern.beginning_bytes), &pattern});
  size_.fetch_add(1, std::memory_order_relaxed);
  return entry;
}

void PatternTable::remove(Patterns::iterator entry) {
  const Pattern& pattern = entry->second;
  const auto group = groups_.find(hashed(pattern.text.substr(0, pattern.beginning_bytes)));
  CHECK(group != groups_.end());
  Members& members = group->second;
  CHECK(pattern.position < members.size() && members[pattern.position].pattern == &pattern);
  members[pattern.position] = members.back();
  members[pattern.position].pattern->position = pattern.position;
  members.pop_back();
  if (members.empty()) {
    groups_.erase(group);
    if (--groups_of_length_[pattern.beginning_bytes] == 0) lengths_ &= ~(uint64_t{1} << pattern.beginning_bytes);
  }
  patterns_.erase(entry);
  size_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace millrace::pubsub
