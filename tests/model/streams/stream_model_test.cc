// Random operations on a Stream and on a plain map that must always hold the same entries.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "streams/stream.h"

namespace millrace::streams {
namespace {

using Texts = std::vector<std::string>;
using Twin = std::map<StreamId, Texts>;

struct Settings {
  uint64_t seed;
  NodeLimits limits;
};

class StreamModel : public testing::TestWithParam<Settings> {
 protected:
  struct Pair {
    std::unique_ptr<Stream> stream = std::make_unique<Stream>();
    Twin twin;
    StreamId max_deleted;
    uint64_t added = 0;
  };

  std::string random_text() {
    switch (random_.below(8)) {
      case 0:
        return "";
      case 1:
        return std::to_string(static_cast<int64_t>(random_.next() >> random_.below(64)));
      case 2:
        return std::to_string(-static_cast<int64_t>(random_.next() >> (1 + random_.below(63))));
      case 3:
        return std::string(random_.below(300), 'x');
      default:
        return "value" + std::to_string(random_.below(100));
    }
  }
  Texts random_elements() {
    Texts elements;
    const bool usual = !random_.one_in(4);
    const uint64_t pairs = usual ? 2 : 1 + random_.below(4);
    for (uint64_t i = 0; i < pairs; ++i) {
      elements.push_back(usual ? "field" + std::to_string(i) : random_text());
      elements.push_back(random_text());
    }
    return elements;
  }
  StreamId random_id(const Pair& pair) {
    if (!pair.twin.empty() && !random_.one_in(4)) {
      auto place = pair.twin.lower_bound({random_.below(now_ms_ + 2), 0});
      if (place == pair.twin.end()) --place;
      return place->first;
    }
    return {random_.below(now_ms_ + 2), random_.below(3)};
  }

  void append(Pair& pair) {
    const Texts elements = random_elements();
    const std::vector<std::string_view> views(elements.begin(), elements.end());
    if (random_.one_in(3)) now_ms_ += random_.below(random_.one_in(50) ? 100000 : 5);
    const auto id = pair.stream->append({}, views, static_cast<int64_t>(now_ms_), GetParam().limits);
    ASSERT_TRUE(id.ok());
    ASSERT_TRUE(pair.twin.empty() || *id > pair.twin.rbegin()->first);
    pair.twin.emplace(*id, elements);
    ++pair.added;
  }
  void erase(Pair& pair) {
    const StreamId id = random_id(pair);
    const bool there = pair.twin.erase(id) > 0;
    if (there) pair.max_deleted = std::max(pair.max_deleted, id);
    ASSERT_EQ(pair.stream->erase(id), there);
  }
  void trim(Pair& pair) {
    TrimOptions options;
    options.approximate = random_.one_in(2);
    options.strategy = random_.one_in(2) ? TrimOptions::Strategy::kMaxLen : TrimOptions::Strategy::kMinId;
    options.length_max = pair.twin.size() - std::min(pair.twin.size(), random_.below(60));
    options.id_min = random_.one_in(20) ? random_id(pair) : near_the_head(pair);
    options.policy = static_cast<RefPolicy>(random_.below(3));
    if (random_.one_in(4)) options.limit = 1 + random_.below(100);
    const uint64_t removed = pair.stream->trim(options);
    const uint64_t wanted = wanted_removals(pair.twin, options);
    // Without groups every policy removes from the head; only whole nodes and limits may leave some.
    const bool whole_nodes = options.approximate && options.policy == RefPolicy::kKeepRef;
    if (whole_nodes || options.limit != 0) {
      ASSERT_LE(removed, wanted);
      ASSERT_TRUE(options.limit == 0 || removed <= options.limit);
    } else {
      ASSERT_EQ(removed, wanted);
    }
    pair.twin.erase(pair.twin.begin(), std::next(pair.twin.begin(), static_cast<ptrdiff_t>(removed)));
  }
  StreamId near_the_head(const Pair& pair) {
    auto place = pair.twin.begin();
    for (uint64_t steps = random_.below(60); steps > 0 && place != pair.twin.end(); --steps) ++place;
    return place == pair.twin.end() ? StreamId{now_ms_, 0} : place->first;
  }
  static uint64_t wanted_removals(const Twin& twin, const TrimOptions& options) {
    if (options.strategy == TrimOptions::Strategy::kMaxLen)
      return twin.size() - std::min(twin.size(), options.length_max);
    return static_cast<uint64_t>(std::distance(twin.begin(), twin.lower_bound(options.id_min)));
  }
  void copy(const Pair& from, Pair& to) {
    to.stream = from.stream->clone();
    to.twin = from.twin;
    to.max_deleted = from.max_deleted;
    to.added = from.added;
  }

  void compare_range(const Pair& pair) {
    const StreamId a = random_id(pair);
    const StreamId b = random_id(pair);
    const bool reverse = random_.one_in(2);
    auto place = pair.twin.lower_bound(a);
    auto behind = pair.twin.upper_bound(b);
    auto it = pair.stream->entries(a, b, reverse);
    for (int left = 200; left > 0 && a <= b && place != behind; --left) {
      const auto& [id, elements] = reverse ? *--behind : *place++;
      ASSERT_TRUE(it.valid());
      ASSERT_EQ(it.id(), id);
      ASSERT_EQ(it.pair_count() * 2, elements.size());
      // Skipped values must not disturb the walk.
      const size_t shown = random_.below(it.pair_count() + 1);
      for (size_t i = 0; i < shown; ++i) {
        const auto [field, value] = it.next_pair();
        ASSERT_EQ(field, elements[2 * i]);
        ASSERT_EQ(value, elements[2 * i + 1]);
      }
      it.next();
    }
    if (a > b || place == behind) {
      ASSERT_FALSE(it.valid());
    }
  }
  void compare(const Pair& pair) {
    const Stream& stream = *pair.stream;
    stream.check_invariants();
    ASSERT_EQ(stream.length(), pair.twin.size());
    ASSERT_EQ(stream.entries_added(), pair.added);
    ASSERT_EQ(stream.max_deleted_id(), pair.max_deleted);
    ASSERT_EQ(stream.first_id(), pair.twin.empty() ? kStreamIdMin : pair.twin.begin()->first);
    const auto last = stream.last_entry_id();
    ASSERT_EQ(last.has_value(), !pair.twin.empty());
    if (last) {
      ASSERT_EQ(*last, pair.twin.rbegin()->first);
    }
    const StreamId id = random_id(pair);
    ASSERT_EQ(stream.contains(id), pair.twin.contains(id));
    compare_range(pair);
  }

  Random random_{GetParam().seed};
  uint64_t now_ms_ = 1;
};

TEST_P(StreamModel, HoldsWhatAMapHolds) {
  constexpr int kSteps = 4000;
  SCOPED_TRACE(testing::Message() << "seed " << GetParam().seed);
  Pair pairs[2];
  for (int step = 0; step < kSteps && !HasFatalFailure(); ++step) {
    SCOPED_TRACE(testing::Message() << "step " << step);
    Pair& pair = pairs[random_.below(2)];
    const uint64_t dice = random_.below(1000);
    if (dice < 600) {
      append(pair);
    } else if (dice < 940) {
      erase(pair);
    } else if (dice < 990) {
      trim(pair);
    } else {
      copy(pair, &pair == pairs ? pairs[1] : pairs[0]);
    }
    compare(pair);
    if (random_.one_in(16)) compare(&pair == pairs ? pairs[1] : pairs[0]);
  }
}

INSTANTIATE_TEST_SUITE_P(Limits, StreamModel,
                         testing::Values(Settings{1, {4096, 100}}, Settings{2, {4096, 100}}, Settings{3, {200, 0}},
                                         Settings{4, {0, 5}}, Settings{5, {0, 1}}, Settings{6, {0, 0}},
                                         Settings{7, {1, 0}}, Settings{8, {0, 130}}));

}  // namespace
}  // namespace millrace::streams
