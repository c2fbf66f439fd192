// See waiters.h.
#include "keyspace/waiters.h"

#include <algorithm>

namespace millrace::keyspace {

void WaiterTable::remove(const KeyPlace& place, const Waiter& waiter) {
  const auto at = queues_.find(place);
  if (at == queues_.end()) return;
  std::erase_if(at->second, [&waiter](const Ref<Waiter>& queued) { return queued.get() == &waiter; });
  if (at->second.empty()) queues_.erase(at);
}

WaiterTable::Queue* WaiterTable::find(int database, std::string_view key) {
  if (queues_.empty()) return nullptr;
  const auto at = queues_.find(KeyPlaceView{database, key});
  return at == queues_.end() ? nullptr : &at->second;
}

void WaiterTable::sweep(const KeyPlace& place) {
  const auto at = queues_.find(place);
  if (at == queues_.end()) return;
  std::erase_if(at->second, [](const Ref<Waiter>& queued) { return !queued->is_waiting(); });
  if (at->second.empty()) queues_.erase(at);
}

}  // namespace millrace::keyspace
