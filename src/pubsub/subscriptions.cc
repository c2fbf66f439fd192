// See subscriptions.h.
#include "pubsub/subscriptions.h"

#include <algorithm>

#include "base/check.h"

namespace millrace::pubsub {
namespace {

// A node of the table: the pair, the link to the next and the cached hash; and the place in the audience.
constexpr size_t kSeatBytes =
    sizeof(std::pair<Name, Seat>) + sizeof(void*) + sizeof(size_t) + sizeof(Audience::Listener);

}  // namespace

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

size_t Subscriptions::memory_bytes() const {
  if (seats_ == nullptr) return 0;
  size_t bytes = sizeof(SeatsByKind);
  for (const SeatsByName& seats : *seats_) {
    bytes += seats.bucket_count() * sizeof(void*) + seats.size() * kSeatBytes;
  }
  return bytes;
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
