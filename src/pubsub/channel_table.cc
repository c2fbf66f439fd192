// See channel_table.h.
#include "pubsub/channel_table.h"

#include "base/glob.h"

namespace millrace::pubsub {

void ChannelTable::join(Subscriptions& subscriptions, const Name& name, const std::function<void()>& acknowledge) {
  Shard& shard = shard_of(name);
  MutexLock lock(shard.mutex);
  auto entry = shard.audiences.find(name);
  if (entry == shard.audiences.end()) {
    entry = shard.audiences.try_emplace(OwnedName(name)).first;
    size_.fetch_add(1, std::memory_order_relaxed);
  }
  subscriptions.join(kind_, entry->first, entry->second, acknowledge);
}

void ChannelTable::leave(Subscriptions& subscriptions, const Name& name) {
  Shard& shard = shard_of(name);
  MutexLock lock(shard.mutex);
  const auto entry = shard.audiences.find(name);
  CHECK(entry != shard.audiences.end());
  subscriptions.leave(kind_, name, entry->second);
  if (!entry->second.empty()) return;
  shard.audiences.erase(entry);
  size_.fetch_sub(1, std::memory_order_relaxed);
}

std::vector<std::string> ChannelTable::names(std::optional<std::string_view> pattern) const {
  std::vector<std::string> result;
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    for (const auto& [name, audience] : shard.audiences) {
      if (!pattern || glob_matches(*pattern, name.text)) result.push_back(name.text);
    }
  }
  return result;
}

void ChannelTable::for_each_listener(const VisitListener& visit) const {
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    for (const auto& [name, audience] : shard.audiences) {
      for (const Audience::Listener& listener : audience.listeners()) visit(name.text, *listener.subscriber);
    }
  }
}

size_t ChannelTable::audience_size(std::string_view channel) const {
  const Name name = hashed(channel);
  const Shard& shard = shard_of(name);
  MutexLock lock(shard.mutex);
  const Audience* audience = shard.find(name);
  return audience == nullptr ? 0 : audience->size();
}

}  // namespace millrace::pubsub
