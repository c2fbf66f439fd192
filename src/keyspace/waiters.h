// Waiters: who is blocked on which key.
//
// A Waiter is one blocked command. It stands in the queue of each key it waits for, possibly in several partitions, and
// may be answered from any core: whoever wins claim() - exactly one caller ever does - owes the one reply. Losers drop
// it from the queue they found it in. Queues are FIFO in order of arrival.
//
// A WaiterTable belongs to one partition and is guarded by its lock; claim() needs no lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ref.h"

namespace millrace::keyspace {

struct KeyPlace {
  int database = 0;
  std::string key;

  friend auto operator<=>(const KeyPlace&, const KeyPlace&) = default;
};

// The same without a copy of the key, to look places up with.
struct KeyPlaceView {
  int database = 0;
  std::string_view key;
};

struct KeyPlaceOrder {
  using is_transparent = void;
  template <typename A, typename B>
  bool operator()(const A& a, const B& b) const {
    if (a.database != b.database) return a.database < b.database;
    return std::string_view(a.key) < std::string_view(b.key);
  }
};

class Waiter : public RefCounted<Waiter> {
 public:
  explicit Waiter(std::vector<KeyPlace> places) : places_(std::move(places)) {}
  virtual ~Waiter() = default;

  // True for exactly one caller, who must then answer (or bury) the command.
  bool claim() { return !claimed_.exchange(true, std::memory_order_acq_rel); }
  bool is_waiting() const { return !claimed_.load(std::memory_order_acquire); }
  const std::vector<KeyPlace>& places() const { return places_; }

 private:
  const std::vector<KeyPlace> places_;
  std::atomic<bool> claimed_{false};
};

class WaiterTable {
 public:
  using Queue = std::deque<Ref<Waiter>>;
  using Queues = std::map<KeyPlace, Queue, KeyPlaceOrder>;

  bool empty() const { return queues_.empty(); }
  size_t key_count() const { return queues_.size(); }
  void add(const KeyPlace& place, Ref<Waiter> waiter) { queues_[place].push_back(std::move(waiter)); }
  void remove(const KeyPlace& place, const Waiter& waiter);
  // The queue of a key, or nullptr if nobody waits for it.
  Queue* find(int database, std::string_view key);
  // Forgets claimed waiters at this key, and the queue if none is left.
  void sweep(const KeyPlace& place);
  const Queues& queues() const { return queues_; }

 private:
  Queues queues_;
};

}  // namespace millrace::keyspace
