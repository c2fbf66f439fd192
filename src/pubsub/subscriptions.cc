// See subscriptions.h.
#include "pubsub/subscriptions.h"

#include <algorithm>

#include "base/check.h"

namespace millrace::pubsub {

Subscriptions::~Subscriptions() {
  CHECK(empty());
}

std::vector<std::string> Subscriptions::names(Kind kind) const {
  std::vector<std::string> result;
  if (seats_ == nullptr) return result;
  result.reserve(count(kind));
  for (const auto& [name, seat] : of(kind)) result.emplace_back(name.text);
  return result;
}

void Subscriptions::join(Kind kind, const Name& name, Audience& audience, const std::function<void()>& acknowledge) {
  if (seats_ == nullptr) seats_ = std::make_unique<SeatsByKind>();
  const auto [entry, is_new] = of(kind).try_emplace(name);
  acknowledge();
  if (is_new) audience.join(owner_, entry->second);
}

void Subscriptions::leave(Kind kind, const Name& name, Audience& audience) {
  const auto entry = of(kind).find(name);
  audience.leave(entry->second);
  of(kind).erase(entry);
  if (std::ranges::all_of(*seats_, [](const SeatsByName& seats) { return seats.empty(); })) seats_.reset();
}

}  // namespace millrace::pubsub
