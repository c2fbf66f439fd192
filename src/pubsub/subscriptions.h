// Subscriptions: what one client listens to, and its seat in each audience.
//
// A Seat belongs to the client's Subscriptions; the audience it stands in points to it, so that leaving an audience of
// ten thousand costs the same as leaving one of ten. Names and counts are the client's core's alone; a seat's position
// is guarded by the lock of the table its audience is in. The text of a name is kept by the table and lives as long as
// somebody sits in its audience, so here it is only pointed to.
//
// A client that listens to nothing pays two pointers. Serves one Broker.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pubsub/audience.h"
#include "pubsub/names.h"

namespace millrace::pubsub {

enum class Kind : uint8_t { kChannel, kPattern, kShardChannel };
inline constexpr size_t kKinds = 3;

// Whoever can listen; a client derives from it.
class Subscriber {
 public:
  // It is being closed: it counts for nothing and gets nothing from now on. Set once, by any thread.
  std::atomic<bool> is_leaving{false};

 protected:
  ~Subscriber() = default;
};

class Subscriptions {
 public:
  explicit Subscriptions(Subscriber& owner) : owner_(owner) {}
  ~Subscriptions();  // REQUIRES: unsubscribe_all() was called
  Subscriptions(const Subscriptions&) = delete;
  Subscriptions& operator=(const Subscriptions&) = delete;

  size_t count(Kind kind) const { return seats_ == nullptr ? 0 : of(kind).size(); }
  // What the confirmations of (P)SUBSCRIBE tell: channels and patterns together.
  size_t channels_and_patterns() const { return count(Kind::kChannel) + count(Kind::kPattern); }
  bool empty() const { return seats_ == nullptr; }
  // What the names and seats take, roughly.
  size_t memory_bytes() const;
  // A copy, to walk over while unsubscribing.
  std::vector<std::string> names(Kind kind) const;

 private:
  friend class Broker;
  friend class ChannelTable;
  friend class PatternTable;

  using SeatsByName = std::unordered_map<Name, Seat, NameHash, NameEqual>;
  using SeatsByKind = std::array<SeatsByName, kKinds>;

  SeatsByName& of(Kind kind) const { return (*seats_)[static_cast<size_t>(kind)]; }
  bool contains(Kind kind, const Name& name) const { return seats_ != nullptr && of(kind).contains(name); }
  // Any of them. REQUIRES count(kind) != 0.
  Name first(Kind kind) const { return of(kind).begin()->first; }

  // Both under the lock of the audience's table. The first takes the name as that table keeps it: it counts the name,
  // lets the caller confirm it, and only then shows the seat to publishers.
  void join(Kind kind, const Name& name, Audience& audience, const std::function<void()>& acknowledge);
  void leave(Kind kind, const Name& name, Audience& audience);

  Subscriber& owner_;
  std::unique_ptr<SeatsByKind> seats_;  // there while the client listens to anything
};

}  // namespace millrace::pubsub
