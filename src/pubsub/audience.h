// Audience: everybody who listens to one channel or pattern.
//
//   listeners   [ subscriber, seat ][ subscriber, seat ][ subscriber, seat ]
//                                |                  ^
//   Subscriptions of a client:   +-> Seat{ position }
//
// One run of memory, because publishing walks over all of it. A seat knows its position, so leaving takes the same time
// in any audience: the last listener moves into the gap.
// Guarded, like the positions of its seats, by the lock of the table it is in.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

#include "base/check.h"

namespace millrace::pubsub {

class Subscriber;

// Owned by the Subscriptions of the listener; stays in its place in memory while it is in an audience.
struct Seat {
  size_t position = 0;
};

using VisitListener = std::function<void(std::string_view name, Subscriber& subscriber)>;

class Audience {
 public:
  struct Listener {
    Subscriber* subscriber;
    Seat* seat;
  };

  bool empty() const { return listeners_.empty(); }
  size_t size() const { return listeners_.size(); }
  const std::vector<Listener>& listeners() const { return listeners_; }

  void join(Subscriber& subscriber, Seat& seat) {
    seat.position = listeners_.size();
    listeners_.push_back({&subscriber, &seat});
  }
  void leave(const Seat& seat) {
    const size_t gap = seat.position;
    CHECK(gap < listeners_.size() && listeners_[gap].seat == &seat);
    listeners_[gap] = listeners_.back();
    listeners_[gap].seat->position = gap;
    listeners_.pop_back();
  }

 private:
  std::vector<Listener> listeners_;
};

}  // namespace millrace::pubsub
