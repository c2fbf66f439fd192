// Subscriptions: what one client listens to, and its seat in each audience.
//
// A Seat belongs to the client's Subscriptions; the audience it stands in points to it, so that leaving an audience of
// ten thousand costs the same as leaving one of ten. Names and counts are the client's core's alone; a seat's position
// is guarded by the lock of the table its audience is in.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

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

class Audience;
class Broker;

class Subscriptions {
 public:
  explicit Subscriptions(Subscriber& owner) : owner_(owner) {}
  ~Subscriptions();  // REQUIRES: unsubscribe_all() was called
  Subscriptions(const Subscriptions&) = delete;
  Subscriptions& operator=(const Subscriptions&) = delete;

  size_t count(Kind kind) const;
  // What the confirmations of (P)SUBSCRIBE tell: channels and patterns together.
  size_t channels_and_patterns() const { return count(Kind::kChannel) + count(Kind::kPattern); }
  bool empty() const;
  // A copy, to walk over while unsubscribing.
  std::vector<std::string> names(Kind kind) const;

 private:
  friend class Broker;
  Subscriber& owner_;
};

}  // namespace millrace::pubsub
