// Delivery against a twin made of plain maps: random histories of a group's life from a seed. After every step the
// answers, all pending records and the invariants are compared. In histories without rewinds the twin also holds the
// promises to users: '>' hands an entry to exactly one consumer, and an acknowledged id never comes back.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/random.h"
#include "streams/delivery.h"

namespace millrace::streams {
namespace {

constexpr int64_t kCountMax = std::numeric_limits<int64_t>::max();
constexpr std::array<std::string_view, 4> kNames = {"alice", "bob", "carol", ""};  // "" is a name like any other
const std::string kNobody = "(nobody)";

// One answer of a delivery: id, idle time (or -1 for an entry that is gone), count before.
using Delivered = std::tuple<StreamId, int64_t, int64_t>;

struct Owed {
  std::string owner;
  int64_t time_ms = 0;
  int64_t count = 0;
  uint64_t sequence = 0;  // of the last change: orders equal times

  bool nacked() const { return owner == kNobody; }
};

int64_t plus_one(int64_t count) {
  return count == kCountMax ? count : count + 1;
}

// The rules of the group commands, written for the reader and not for the machine.
struct Twin {
  std::set<StreamId> entries;
  std::map<StreamId, Owed> owed;
  StreamId last_delivered;
  uint64_t changes = 0;

  void set(StreamId id, const std::string& owner, int64_t time_ms, int64_t count) {
    owed[id] = {owner, time_ms, count, changes++};
  }

  std::vector<StreamId> by_time() const {
    std::vector<StreamId> ids;
    for (const auto& [id, record] : owed) ids.push_back(id);
    const auto key = [&](StreamId id) {
      const Owed& record = owed.at(id);
      return std::tuple(!record.nacked(), record.nacked() ? 0 : record.time_ms, record.sequence);
    };
    std::ranges::sort(ids, {}, key);
    return ids;
  }

  std::vector<Delivered> read_new(const std::string& name, uint64_t count, uint64_t room, bool no_ack, int64_t now) {
    std::vector<Delivered> out;
    const uint64_t most = count == 0 ? room : std::min(count, room);
    for (auto it = entries.upper_bound(last_delivered); it != entries.end() && out.size() < most; ++it) {
      last_delivered = *it;
      if (!no_ack) set(*it, name, now, 1);
      out.emplace_back(*it, 0, 0);
    }
    return out;
  }

  std::vector<Delivered> claim_idle(const std::string& name, uint64_t count, uint64_t room, int64_t min_idle,
                                    int64_t now) {
    std::vector<Delivered> out;
    const uint64_t most = count == 0 ? room : std::min(count, room);
    for (const StreamId id : by_time()) {
      const Owed record = owed.at(id);
      const int64_t idle = record.nacked() ? now : now - record.time_ms;
      if (out.size() == most || (!record.nacked() && idle < min_idle)) break;
      if (!entries.contains(id)) continue;
      set(id, name, now, plus_one(record.count));
      out.emplace_back(id, idle, record.count);
    }
    return out;
  }

  std::vector<Delivered> history(const std::string& name, StreamId after, uint64_t count, uint64_t room, int64_t now) {
    std::vector<Delivered> out;
    const uint64_t most = count == 0 ? room : std::min(count, room);
    for (auto& [id, record] : owed) {
      if (id <= after || record.owner != name) continue;
      if (out.size() == most) break;
      const bool exists = entries.contains(id);
      if (exists) set(id, name, now, plus_one(record.count));
      out.emplace_back(id, exists ? 0 : -1, 0);
    }
    return out;
  }

  bool old_enough(const Owed& record, int64_t min_idle, int64_t now) const {
    return record.nacked() || min_idle == 0 || now - record.time_ms >= min_idle;
  }

  ClaimOutcome claim(const std::string& name, StreamId id, const ClaimOptions& options) {
    const auto found = owed.find(id);
    if (!entries.contains(id)) return owed.erase(id) > 0 ? ClaimOutcome::kPurged : ClaimOutcome::kSkipped;
    if (found == owed.end() && !options.force) return ClaimOutcome::kSkipped;
    const Owed record = found == owed.end() ? Owed{kNobody, 0, 1, 0} : found->second;
    if (!old_enough(record, options.min_idle_ms, options.now_ms)) return ClaimOutcome::kSkipped;
    const int64_t grown = options.just_id ? record.count : plus_one(record.count);
    set(id, name, options.delivery_time_ms, options.retry_count.value_or(grown));
    return ClaimOutcome::kClaimed;
  }

  AutoClaimed auto_claim(const std::string& name, const AutoClaimOptions& options) {
    AutoClaimed out;
    int64_t scanned = 0;
    auto it = owed.lower_bound(options.start);
    while (it != owed.end() && scanned++ < options.count * 10 &&
           std::cmp_less(out.claimed.size() + out.deleted.size(), options.count)) {
      const auto [id, record] = *it++;
      if (!entries.contains(id)) {
        owed.erase(id);
        out.deleted.push_back(id);
      } else if (old_enough(record, options.min_idle_ms, options.now_ms)) {
        set(id, name, options.now_ms, options.just_id ? record.count : plus_one(record.count));
        out.claimed.push_back(id);
      }
    }
    if (it != owed.end()) out.next_start = it->first;
    return out;
  }

  bool nack(StreamId id, NackMode mode, std::optional<int64_t> retry_count, bool force) {
    const auto found = owed.find(id);
    if (found == owed.end() && !(force && entries.contains(id))) return false;
    int64_t count = found == owed.end() ? 0 : found->second.count;
    if (mode == NackMode::kSilent) count = std::max<int64_t>(0, count - 1);
    if (mode == NackMode::kFatal) count = kCountMax;
    set(id, kNobody, 0, retry_count.value_or(count));
    return true;
  }

  size_t remove_consumer(const std::string& name) {
    return std::erase_if(owed, [&](const auto& item) { return item.second.owner == name; });
  }
};

struct Shape {
  uint64_t seed;
  uint64_t steps;
  bool rewinds;    // XGROUP SETID, and FORCE, which may hand out what was handed out before
  bool deletions;  // XDEL
};

class DeliveryModel : public testing::TestWithParam<Shape> {
 protected:
  DeliveryModel() { group_ = stream_.create_group("g", kStreamIdMin, 0); }

  std::string some_name() { return std::string(kNames[random_.below(kNames.size())]); }
  StreamId some_id() { return {1 + random_.below(last_.ms + 2), random_.below(2)}; }
  int64_t some_min_idle() { return static_cast<int64_t>(random_.one_in(3) ? 0 : random_.below(60)); }
  uint64_t some_count() { return random_.one_in(4) ? 0 : 1 + random_.below(8); }
  std::optional<int64_t> some_retry_count() {
    if (!random_.one_in(4)) return std::nullopt;
    return static_cast<int64_t>(random_.below(5));
  }
  Consumer& consumer(const std::string& name) { return group_->ensure_consumer(name, now_ms_); }
  RoomLeft room(uint64_t& left) {
    return [&left] { return left > 0 ? (--left, true) : false; };
  }
  uint64_t some_room() { return random_.one_in(3) ? random_.below(5) : 1000; }

  // ---- the steps
  void add() {
    last_ = random_.one_in(3) ? StreamId{last_.ms, last_.seq + 1} : StreamId{last_.ms + 1, 0};
    const std::array<std::string_view, 2> elements = {"field", "value"};
    const NodeLimits limits{.bytes_max = 4096, .entries_max = 7};
    ASSERT_TRUE(stream_.append({NewId::Kind::kExplicit, last_, true}, elements, now_ms_, limits).ok());
    twin_.entries.insert(last_);
  }
  void remove_entry() {
    const StreamId id = some_id();
    ASSERT_EQ(stream_.erase(id), twin_.entries.erase(id) > 0);
  }
  void read_new() {
    const std::string name = some_name();
    const uint64_t count = some_count();
    const bool no_ack = random_.one_in(6);
    const uint64_t room_before = some_room();
    uint64_t left = room_before;
    std::vector<Delivered> got;
    const uint64_t n = deliver_new(stream_, *group_, consumer(name), {count, no_ack, now_ms_}, room(left),
                                   [&](EntryIterator& entry) { got.emplace_back(entry.id(), 0, 0); });
    ASSERT_EQ(got, twin_.read_new(name, count, room_before, no_ack, now_ms_));
    ASSERT_EQ(n, got.size());
    for (const auto& [id, idle, times] : got) {
      const bool is_first = handed_out_.insert(id).second;
      ASSERT_TRUE(is_first || shape_.rewinds) << id.ms << "-" << id.seq << " was handed out twice";
    }
  }
  void claim_idle_records() {
    const std::string name = some_name();
    const IdleClaim options{some_count(), some_min_idle(), now_ms_};
    const uint64_t room_before = some_room();
    uint64_t left = room_before;
    const bool expected = has_claimable(stream_, *group_, options.min_idle_ms, now_ms_);
    const int64_t due_ms = next_claim_time_ms(stream_, *group_, options.min_idle_ms, now_ms_);
    std::vector<Delivered> got;
    claim_idle(stream_, *group_, consumer(name), options, room(left),
               [&](EntryIterator& entry, const ClaimedEntry& claimed) {
                 got.emplace_back(entry.id(), claimed.idle_ms, claimed.delivery_count);
               });
    ASSERT_EQ(got, twin_.claim_idle(name, options.count, room_before, options.min_idle_ms, now_ms_));
    ASSERT_EQ(!got.empty(), expected && room_before > 0);
    ASSERT_TRUE(!expected || due_ms <= std::max(now_ms_, options.min_idle_ms));
    expect_never_acknowledged(got);
  }
  void read_own_history() {
    const std::string name = some_name();
    const StreamId after = random_.one_in(2) ? kStreamIdMin : some_id();
    const uint64_t count = some_count();
    const uint64_t room_before = some_room();
    uint64_t left = room_before;
    std::vector<Delivered> got;
    read_history(stream_, *group_, consumer(name), after, count, now_ms_, room(left),
                 [&](StreamId id, EntryIterator* entry) { got.emplace_back(id, entry == nullptr ? -1 : 0, 0); });
    ASSERT_EQ(got, twin_.history(name, after, count, room_before, now_ms_));
    expect_never_acknowledged(got);
  }
  void claim_one() {
    const std::string name = some_name();
    const StreamId id = some_id();
    ClaimOptions options;
    options.min_idle_ms = some_min_idle();
    options.delivery_time_ms = now_ms_ - static_cast<int64_t>(random_.below(100));
    options.retry_count = some_retry_count();
    options.force = shape_.rewinds && random_.one_in(3);
    options.just_id = random_.one_in(2);
    options.now_ms = now_ms_;
    ASSERT_EQ(claim(stream_, *group_, consumer(name), id, options), twin_.claim(name, id, options));
  }
  void auto_claim_some() {
    const std::string name = some_name();
    AutoClaimOptions options;
    options.start = random_.one_in(2) ? kStreamIdMin : some_id();
    options.min_idle_ms = some_min_idle();
    options.count = static_cast<int64_t>(1 + random_.below(4));
    options.just_id = random_.one_in(2);
    options.now_ms = now_ms_;
    const AutoClaimed got = auto_claim(stream_, *group_, consumer(name), options);
    const AutoClaimed want = twin_.auto_claim(name, options);
    ASSERT_EQ(got.claimed, want.claimed);
    ASSERT_EQ(got.deleted, want.deleted);
    ASSERT_EQ(got.next_start, want.next_start);
  }
  void nack_one() {
    const StreamId id = some_id();
    const auto mode = static_cast<NackMode>(random_.below(3));
    const auto retry_count = some_retry_count();
    const bool force = shape_.rewinds && random_.one_in(3);
    ASSERT_EQ(nack(stream_, *group_, id, mode, retry_count, force), twin_.nack(id, mode, retry_count, force));
  }
  void acknowledge() {
    const StreamId id = some_id();
    const bool was_owed = twin_.owed.erase(id) > 0;
    ASSERT_EQ(group_->pending.erase(id), was_owed);
    if (was_owed) acknowledged_.insert(id);
  }
  void remove_consumer() {
    const std::string name = some_name();
    const bool known = group_->consumer(name) != nullptr;
    const auto dropped = group_->remove_consumer(name);
    ASSERT_EQ(dropped.has_value(), known);
    ASSERT_EQ(dropped.value_or(0), twin_.remove_consumer(name));
  }
  void rewind() {
    if (!shape_.rewinds) return;
    group_->last_delivered = twin_.last_delivered = some_id();
    group_->entries_read = kEntriesReadUnknown;
  }

  // ---- after every step
  void expect_never_acknowledged(const std::vector<Delivered>& delivered) {
    for (const auto& [id, idle, count] : delivered) {
      ASSERT_TRUE(shape_.rewinds || !acknowledged_.contains(id)) << id.ms << "-" << id.seq << " came back";
    }
  }
  void compare() {
    stream_.check_invariants();
    group_->check_invariants();
    ASSERT_EQ(group_->last_delivered, twin_.last_delivered);
    ASSERT_EQ(group_->pending.size(), twin_.owed.size());
    for (const auto& [id, record] : twin_.owed) {
      const auto pending = group_->pending.find(id);
      ASSERT_TRUE(pending);
      const bool unowned = pending->consumer == kNoConsumer;
      ASSERT_EQ(unowned ? kNobody : group_->consumer_name(pending->consumer), record.owner);
      ASSERT_EQ(pending->delivery_time_ms, record.time_ms);
      ASSERT_EQ(pending->delivery_count, record.count);
      ASSERT_TRUE(shape_.rewinds || id <= twin_.last_delivered);
    }
    compare_time_order();
    compare_entries_read();
  }
  void compare_time_order() {
    auto pending = group_->pending.oldest();
    for (const StreamId id : twin_.by_time()) {
      if (pending && pending->id == id) {
        pending = group_->pending.next_oldest(id);
      } else {
        ASSERT_FALSE(stream_.contains(id));  // set aside
      }
    }
    ASSERT_FALSE(pending);
  }
  void compare_entries_read() {
    if (group_->entries_read == kEntriesReadUnknown) return;
    ASSERT_LE(group_->entries_read, static_cast<int64_t>(stream_.entries_added()));
    if (shape_.rewinds || shape_.deletions) return;
    const auto behind = twin_.entries.upper_bound(twin_.last_delivered);
    ASSERT_EQ(group_->entries_read, std::distance(twin_.entries.begin(), behind));
  }

  void step();

  const Shape shape_ = GetParam();
  Random random_{shape_.seed};
  Stream stream_;
  Group* group_;
  Twin twin_;
  StreamId last_{1, 0};
  int64_t now_ms_ = 1000;
  std::set<StreamId> handed_out_;
  std::set<StreamId> acknowledged_;
};

void DeliveryModel::step() {
  struct Choice {
    uint64_t weight;
    void (DeliveryModel::*act)();
  };
  const std::array<Choice, 11> choices = {{{25, &DeliveryModel::add},
                                           {shape_.deletions ? 8u : 0u, &DeliveryModel::remove_entry},
                                           {15, &DeliveryModel::read_new},
                                           {8, &DeliveryModel::claim_idle_records},
                                           {6, &DeliveryModel::read_own_history},
                                           {12, &DeliveryModel::claim_one},
                                           {6, &DeliveryModel::auto_claim_some},
                                           {12, &DeliveryModel::nack_one},
                                           {20, &DeliveryModel::acknowledge},
                                           {1, &DeliveryModel::remove_consumer},
                                           {1, &DeliveryModel::rewind}}};
  uint64_t total = 0;
  for (const Choice& choice : choices) total += choice.weight;
  uint64_t dice = random_.below(total);
  // The clock mostly creeps, and sometimes jumps back.
  now_ms_ += random_.one_in(50) ? -static_cast<int64_t>(random_.below(40)) : static_cast<int64_t>(random_.below(4));
  for (const Choice& choice : choices) {
    if (dice < choice.weight) return (this->*choice.act)();
    dice -= choice.weight;
  }
}

TEST_P(DeliveryModel, BehavesLikeItsTwin) {
  for (uint64_t i = 0; i < shape_.steps; ++i) {
    SCOPED_TRACE(testing::Message() << "seed " << shape_.seed << ", step " << i);
    step();
    if (!HasFatalFailure()) compare();
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(handed_out_.size(), shape_.steps / 20);
  EXPECT_GT(acknowledged_.size(), shape_.steps / 100);
}

INSTANTIATE_TEST_SUITE_P(Plain, DeliveryModel,
                         testing::Values(Shape{1, 1500, false, false}, Shape{2, 1500, false, false}));
INSTANTIATE_TEST_SUITE_P(Deletions, DeliveryModel,
                         testing::Values(Shape{11, 1500, false, true}, Shape{12, 1500, false, true},
                                         Shape{13, 1500, false, true}));
INSTANTIATE_TEST_SUITE_P(Rewinds, DeliveryModel,
                         testing::Values(Shape{21, 1500, true, true}, Shape{22, 1500, true, true},
                                         Shape{23, 1500, true, true}));

}  // namespace
}  // namespace millrace::streams
