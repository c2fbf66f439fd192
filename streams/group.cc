// Group: the directory of a consumer group's consumers. Ids are handed out densely and reused once their consumer is
// removed: by then no pending record names it, and nothing outside the group keeps an id across commands.
#include "streams/group.h"

#include <algorithm>

#include "base/check.h"

namespace millrace::streams {

Group::Group(const Group& other)
    : last_delivered(other.last_delivered),
      entries_read(other.entries_read),
      pending(other.pending),
      consumers_(other.consumers_),
      names_(other.names_.size(), nullptr),
      free_ids_(other.free_ids_) {
  for (const auto& [name, consumer] : consumers_) names_[consumer.id] = &name;
}

Consumer* Group::consumer(std::string_view name) {
  const auto found = consumers_.find(name);
  return found == consumers_.end() ? nullptr : &found->second;
}

const Consumer* Group::consumer(std::string_view name) const {
  const auto found = consumers_.find(name);
  return found == consumers_.end() ? nullptr : &found->second;
}

Consumer& Group::ensure_consumer(std::string_view name, int64_t now_ms, bool* created) {
  Consumer* found = consumer(name);
  if (created != nullptr) *created = found == nullptr;
  if (found != nullptr) return *found;
  const auto added = consumers_.emplace(name, Consumer{.id = take_id(), .seen_time_ms = now_ms}).first;
  names_[added->second.id] = &added->first;
  return added->second;
}

std::optional<size_t> Group::remove_consumer(std::string_view name) {
  const auto found = consumers_.find(name);
  if (found == consumers_.end()) return std::nullopt;
  const ConsumerId id = found->second.id;
  const size_t dropped = pending.erase_consumer(id);
  names_[id] = nullptr;
  free_ids_.push_back(id);
  consumers_.erase(found);
  return dropped;
}

std::string_view Group::consumer_name(ConsumerId id) const {
  if (id == kNoConsumer) return {};
  CHECK(id < names_.size() && names_[id] != nullptr);
  return *names_[id];
}

ConsumerId Group::take_id() {
  if (free_ids_.empty()) {
    CHECK(names_.size() < kNoConsumer);
    names_.push_back(nullptr);
    return static_cast<ConsumerId>(names_.size() - 1);
  }
  const ConsumerId id = free_ids_.back();
  free_ids_.pop_back();
  return id;
}

size_t Group::directory_bytes() const {
  constexpr size_t kMapNodeOverhead = 4 * sizeof(void*);
  constexpr size_t kShortName = 15;  // kept inside std::string
  size_t bytes = sizeof(Group) + names_.capacity() * sizeof(names_[0]) + free_ids_.capacity() * sizeof(ConsumerId);
  for (const auto& [name, consumer] : consumers_) {
    bytes += sizeof(std::pair<const std::string, Consumer>) + kMapNodeOverhead;
    if (name.capacity() > kShortName) bytes += name.capacity() + 1;
  }
  return bytes;
}

size_t Group::memory_bytes() const {
  return directory_bytes() + pending.memory_bytes();
}

size_t Group::clone_bytes() const {
  return directory_bytes() + pending.clone_bytes();
}

void Group::check_invariants() const {
  pending.check_invariants();
  size_t owned = 0;
  for (const auto& [name, consumer] : consumers_) {
    CHECK(consumer.id < names_.size() && names_[consumer.id] == &name);
    owned += pending.count_of(consumer.id);
  }
  CHECK(owned + pending.unowned_count() == pending.size());
  CHECK(consumers_.size() + free_ids_.size() == names_.size());
  for (const ConsumerId id : free_ids_) CHECK(names_[id] == nullptr);
}

}  // namespace millrace::streams
