// PendingList against plain standard containers: random histories from a seed, every order compared at every step
// (small lists) or now and then (lists large enough for trees of several levels), and copies compared with what they
// were when they were taken.
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "base/random.h"
#include "streams/pending_list.h"

namespace millrace::streams {
namespace {

constexpr ConsumerId kConsumers[] = {0, 1, 2, kNoConsumer - 1};

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

using Fields = std::tuple<StreamId, ConsumerId, int64_t, int64_t>;

std::optional<Fields> fields(const std::optional<Pending>& p) {
  if (!p) return std::nullopt;
  return Fields{p->id, p->consumer, p->delivery_time_ms, p->delivery_count};
}
std::vector<Fields> fields(const std::vector<Pending>& all) {
  std::vector<Fields> out;
  for (const Pending& pending : all) out.push_back(*fields(std::optional(pending)));
  return out;
}

// The obvious implementation: one map by id, everything else by looking at all of it.
class Model {
 public:
  void put(const Pending& pending) { records_[pending.id] = {pending, next_sequence_++, false}; }
  void set_aside(StreamId id) {
    if (records_.contains(id)) records_[id].is_aside = true;
  }
  void recall_all() {
    for (auto& [id, record] : records_) record.is_aside = false;
  }
  bool erase(StreamId id) { return records_.erase(id) > 0; }
  size_t erase_consumer(ConsumerId consumer) {
    return std::erase_if(records_, [&](const auto& item) { return item.second.pending.consumer == consumer; });
  }
  size_t size() const { return records_.size(); }
  std::vector<Pending> by_id() const {
    std::vector<Pending> out;
    for (const auto& [id, record] : records_) out.push_back(record.pending);
    return out;
  }
  std::vector<Pending> of(ConsumerId consumer) const {
    std::vector<Pending> out = by_id();
    std::erase_if(out, [&](const Pending& pending) { return pending.consumer != consumer; });
    return out;
  }
  std::vector<Pending> by_time() const {
    std::map<std::tuple<bool, int64_t, uint64_t>, Pending> ordered;
    for (const auto& [id, record] : records_) {
      if (record.is_aside) continue;
      const bool owned = record.pending.consumer != kNoConsumer;
      ordered[{owned, owned ? record.pending.delivery_time_ms : 0, record.sequence}] = record.pending;
    }
    std::vector<Pending> out;
    for (const auto& [key, pending] : ordered) out.push_back(pending);
    return out;
  }
  std::optional<Pending> find(StreamId id) const { return at(records_.find(id)); }
  std::optional<Pending> at_or_after(StreamId id) const { return at(records_.lower_bound(id)); }

 private:
  struct Record {
    Pending pending;
    uint64_t sequence;
    bool is_aside;
  };
  std::optional<Pending> at(std::map<StreamId, Record>::const_iterator it) const {
    return it == records_.end() ? std::nullopt : std::optional(it->second.pending);
  }
  std::map<StreamId, Record> records_;
  uint64_t next_sequence_ = 0;
};

template <typename Next>
std::vector<Pending> walk(std::optional<Pending> from, const Next& next) {
  std::vector<Pending> out;
  for (auto pending = from; pending; pending = next(pending->id)) out.push_back(*pending);
  return out;
}

struct Shape {
  uint64_t seed;
  uint64_t ids;  // ids are drawn below this
  uint64_t steps;
  uint64_t check_every;
  bool ascending;  // put grows at the end, as deliveries do
};

class PendingListModel : public testing::TestWithParam<Shape> {
 protected:
  StreamId random_id() {
    const uint64_t n = random_.below(shape_.ids);
    if (n % 50 == 7) return {n << 56 | n, n};
    return n % 5 == 0 ? StreamId{n / 10, std::numeric_limits<uint64_t>::max() - n % 2} : StreamId{n / 10, n % 10};
  }
  ConsumerId random_owner() {
    return random_.one_in(5) ? kNoConsumer : kConsumers[random_.below(std::size(kConsumers))];
  }
  // Mostly about now; now and then any, the least and the greatest among them.
  int64_t random_time() {
    if (random_.one_in(20)) return static_cast<int64_t>(random_.next()) >> random_.below(64);
    if (random_.one_in(50)) return random_.one_in(2) ? std::numeric_limits<int64_t>::min() : kMax;
    return static_cast<int64_t>(random_.one_in(3) ? random_.below(50) : 1000 + ++clock_ms_ / 4);
  }
  Pending random_record() {
    const int64_t time_ms = random_time();
    const auto count =
        static_cast<int64_t>(random_.one_in(8) ? random_.next() >> 1 >> random_.below(64) : random_.below(4));
    const StreamId id = shape_.ascending && !random_.one_in(4) ? StreamId{shape_.ids, ++next_seq_} : random_id();
    return {id, random_owner(), time_ms, count};
  }
  // One to be erased: often the one behind the last, as acknowledgements come.
  StreamId id_to_erase() {
    const auto next = random_.one_in(3) ? std::nullopt : model_.at_or_after(erased_);
    return erased_ = next ? next->id : some_id();
  }
  StreamId some_id() {  // mostly one that is there
    const StreamId id =
        shape_.ascending && random_.one_in(2) ? StreamId{shape_.ids, random_.below(next_seq_ + 1)} : random_id();
    const auto near = model_.at_or_after(id);
    return near && !random_.one_in(4) ? near->id : id;
  }

  // A copy is kept for a while, and now and then it is the copy that goes on and the original that is kept.
  void step_copies() {
    if (random_.one_in(shape_.steps / 30)) copies_.push_back({list_, model_});
    if (copies_.empty() || !random_.one_in(shape_.steps / 30)) return;
    Copy& copy = copies_[random_.below(copies_.size())];
    compare(copy.list, copy.model);
    if (random_.one_in(2)) {
      std::swap(list_, copy.list);
      std::swap(model_, copy.model);
    }
    if (copies_.size() > 3) copies_.erase(copies_.begin() + static_cast<ptrdiff_t>(random_.below(copies_.size())));
  }

  // Fills for a while, then drains for a while, so that nodes split and merge at every level.
  void step() {
    if (random_.one_in(shape_.steps / 8)) draining_ = !draining_;
    const uint64_t dice = random_.below(100);
    if (dice < (draining_ ? 20u : 70u)) {
      const Pending record = random_record();
      list_.put(record);
      model_.put(record);
    } else if (dice == 99 && random_.one_in(shape_.check_every)) {
      const ConsumerId consumer = random_owner();
      ASSERT_EQ(list_.erase_consumer(consumer), model_.erase_consumer(consumer));
    } else if (dice == 98 && random_.one_in(shape_.check_every)) {
      list_.recall_all();
      model_.recall_all();
    } else if (dice > 90) {
      const StreamId id = some_id();
      list_.set_aside(id);
      model_.set_aside(id);
    } else {
      const StreamId id = id_to_erase();
      ASSERT_EQ(list_.erase(id), model_.erase(id));
    }
    ASSERT_EQ(list_.size(), model_.size());
    const StreamId probe = random_id();
    ASSERT_EQ(fields(list_.find(probe)), fields(model_.find(probe)));
    ASSERT_EQ(fields(list_.at_or_after(probe)), fields(model_.at_or_after(probe)));
  }

  void compare(const PendingList& list, const Model& model) {
    list.check_invariants();
    const auto by_id = walk(list.first(), [&](StreamId id) { return list.after(id); });
    ASSERT_EQ(fields(by_id), fields(model.by_id()));
    ASSERT_EQ(fields(copy_all([&](StreamId from, auto out) { return list.copy_from(from, out); })), fields(by_id));
    const auto by_time = walk(list.oldest(), [&](StreamId id) { return list.next_oldest(id); });
    ASSERT_EQ(fields(by_time), fields(model.by_time()));
    if (!by_id.empty()) {
      ASSERT_EQ(list.last()->id, by_id.back().id);
    }
    for (const ConsumerId consumer : kConsumers) compare_consumer(list, model, consumer);
    compare_consumer(list, model, kNoConsumer);
  }
  // A walk by copies, of a different size each time.
  template <typename CopyFrom>
  std::vector<Pending> copy_all(CopyFrom copy_from) {
    std::vector<Pending> all;
    std::vector<Pending> part(1 + random_.below(100));
    std::optional<StreamId> from = kStreamIdMin;
    while (from) {
      const size_t count = copy_from(*from, std::span<Pending>(part));
      all.insert(all.end(), part.begin(), part.begin() + static_cast<ptrdiff_t>(count));
      from = count == 0 ? std::nullopt : successor(part[count - 1].id);
    }
    return all;
  }
  void compare_consumer(const PendingList& list, const Model& model, ConsumerId consumer) {
    const auto own = walk(list.at_or_after(consumer, kStreamIdMin), [&](StreamId id) {
      const auto next = successor(id);
      return next ? list.at_or_after(consumer, *next) : std::nullopt;
    });
    ASSERT_EQ(fields(own), fields(model.of(consumer)));
    const auto copied = copy_all([&](StreamId from, auto out) { return list.copy_from(consumer, from, out); });
    ASSERT_EQ(fields(copied), fields(own));
    ASSERT_EQ(list.count_of(consumer), own.size());
  }

  const Shape shape_ = GetParam();
  Random random_{shape_.seed};
  struct Copy {
    PendingList list;
    Model model;
  };

  PendingList list_;
  Model model_;
  std::vector<Copy> copies_;
  StreamId erased_;
  uint64_t clock_ms_ = 0;
  uint64_t next_seq_ = 0;
  bool draining_ = false;
};

TEST_P(PendingListModel, BehavesLikeAMap) {
  SCOPED_TRACE(testing::Message() << "seed " << shape_.seed);
  for (uint64_t i = 0; i < shape_.steps; ++i) {
    step();
    step_copies();
    if (i % shape_.check_every == 0) compare(list_, model_);
    if (HasFatalFailure()) return;
  }
  compare(list_, model_);
  list_.recall_all();
  model_.recall_all();
  compare(list_, model_);
  compare(PendingList(list_), model_);
  for (const Copy& copy : copies_) compare(copy.list, copy.model);
  while (const auto pending = list_.last()) {
    model_.erase(pending->id);
    list_.erase(pending->id);
  }
  EXPECT_EQ(model_.size(), 0u);
  EXPECT_EQ(list_.memory_bytes(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Small, PendingListModel,
                         testing::Values(Shape{1, 40, 2000, 1, false}, Shape{2, 200, 2000, 1, false},
                                         Shape{3, 1, 300, 1, false}, Shape{4, 200, 1500, 1, true}));
INSTANTIATE_TEST_SUITE_P(Large, PendingListModel,
                         testing::Values(Shape{11, 10000, 60000, 6000, false}, Shape{12, 20000, 60000, 6000, true},
                                         Shape{13, 100000, 60000, 6000, false}));

}  // namespace
}  // namespace millrace::streams
