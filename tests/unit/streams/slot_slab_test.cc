// SlotSlab: what it takes and gives back, and copies that share it.
#include "streams/slot_slab.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <vector>

#include "base/random.h"

namespace millrace::streams {
namespace {

struct Record {
  uint64_t value;
  uint64_t more[4];
};

// A slab and the plain map it must agree with.
struct Side {
  SlotSlab<Record> slab;
  std::map<uint32_t, uint64_t> twin;

  uint32_t add(uint64_t value) {
    const uint32_t slot = slab.take();
    EXPECT_TRUE(twin.emplace(slot, value).second) << "given out twice";
    slab.writable(slot).value = value;
    return slot;
  }
  void erase(uint32_t slot) {
    twin.erase(slot);
    slab.give_back(slot);
  }
  void set(uint32_t slot, uint64_t value) { slab.writable(slot).value = twin[slot] = value; }
  uint32_t any(Random& random) const {
    const auto place = twin.lower_bound(static_cast<uint32_t>(random.below(twin.rbegin()->first + 1)));
    return place->first;
  }
  void expect_agreement() const {
    for (const auto& [slot, value] : twin) ASSERT_EQ(slab[slot].value, value);
  }
};

TEST(SlotSlabTest, IsSmallForAFewRecordsAndGivesTheirMemoryBack) {
  Side side;
  side.add(1);
  EXPECT_LT(side.slab.memory_bytes(), 200u);
  std::vector<uint32_t> slots;
  for (uint64_t i = 0; i < 10'000; ++i) slots.push_back(side.add(i));
  side.expect_agreement();
  const size_t full = side.slab.memory_bytes();
  EXPECT_LT(full, 10'000 * (sizeof(Record) + 1));
  for (const uint32_t slot : slots) side.erase(slot);
  EXPECT_LT(side.slab.memory_bytes(), full / 10);
  for (uint64_t i = 0; i < 10'000; ++i) side.add(i);
  EXPECT_LT(side.slab.memory_bytes(), full + full / 100);
  side.expect_agreement();
}

TEST(SlotSlabTest, CopiesAgreeEachWithItsOwnMap) {
  constexpr uint64_t kSeed = 5;
  Random random(kSeed);
  std::vector<std::unique_ptr<Side>> sides;
  sides.push_back(std::make_unique<Side>());
  bool growing = true;
  for (int step = 0; step < 60'000; ++step) {
    Side& side = *sides[random.below(sides.size())];
    if (random.one_in(10'000)) growing = !growing;
    const uint64_t dice = random.below(100);
    if (side.twin.empty() || dice < (growing ? 60u : 15u)) {
      side.add(random.next());
    } else if (dice < 75) {
      side.erase(side.any(random));
    } else {
      side.set(side.any(random), random.next());
    }
    if (random.one_in(1000)) sides.push_back(std::make_unique<Side>(side));
    if (sides.size() > 4) sides.erase(sides.begin() + static_cast<ptrdiff_t>(random.below(sides.size())));
    if (random.one_in(1000)) {
      for (const auto& each : sides) each->expect_agreement();
    }
  }
}

}  // namespace
}  // namespace millrace::streams
