// SlotSlab: what it takes and gives back, and copies that share it. Rows themselves are PackedChunk's.
#include "streams/slot_slab.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <vector>

#include "base/random.h"

namespace millrace::streams {
namespace {

using Row = SlotSlab::Row;

Row wide_row(Random& random) {
  Row row;
  for (uint64_t& number : row) number = random.next();
  return row;
}
// As of deliveries one after the other.
Row narrow_row(uint64_t n) {
  return {1'700'000'000'000 + n / 20, n % 20, 1'700'000'000'000 + n / 10, 2 * n, 1 + n / 100 % 4, 1};
}

// A slab and the plain map it must agree with.
struct Side {
  SlotSlab slab;
  std::map<uint32_t, Row> twin;

  uint32_t add(const Row& row) {
    const uint32_t slot = slab.add(row);
    EXPECT_TRUE(twin.emplace(slot, row).second) << "given out twice";
    return slot;
  }
  void erase(uint32_t slot) {
    twin.erase(slot);
    slab.erase(slot);
  }
  void replace(uint32_t slot, const Row& row) {
    slab.replace(slot, row);
    twin[slot] = row;
  }
  uint32_t any(Random& random) const {
    const auto place = twin.lower_bound(static_cast<uint32_t>(random.below(twin.rbegin()->first + 1)));
    return place->first;
  }
  void expect_agreement() const {
    for (const auto& [slot, row] : twin) ASSERT_EQ(slab.row(slot), row);
  }
};

TEST(SlotSlabTest, IsSmallForAFewRowsAndGivesTheirMemoryBack) {
  constexpr uint64_t kRows = 10'000;
  Side side;
  side.add(narrow_row(0));
  EXPECT_LT(side.slab.memory_bytes(), 200u);
  std::vector<uint32_t> slots;
  for (uint64_t i = 0; i < kRows; ++i) slots.push_back(side.add(narrow_row(i)));
  side.expect_agreement();
  const size_t full = side.slab.memory_bytes();
  EXPECT_LT(full, kRows * 8);
  for (const uint32_t slot : slots) side.erase(slot);
  EXPECT_LT(side.slab.memory_bytes(), full / 4);
  for (uint64_t i = 0; i < kRows; ++i) side.add(narrow_row(i));
  EXPECT_LT(side.slab.memory_bytes(), full + full / 20);
  side.expect_agreement();
}

TEST(SlotSlabTest, TakesWhatWideRowsTakeAndNoMore) {
  constexpr uint64_t kRows = 10'000;
  Random random(4);
  Side side;
  for (uint64_t i = 0; i < kRows; ++i) side.add(wide_row(random));
  side.expect_agreement();
  EXPECT_LT(side.slab.memory_bytes(), kRows * (sizeof(Row) + 2));
}

// The first chunk has 4 cells, then 16, then all.
TEST(SlotSlabTest, AFewWideRowsTakeFewCells) {
  Random random(6);
  Side side;
  const auto expect_cells = [&](size_t cells) {
    constexpr size_t kBeside = sizeof(PackedChunk) + 64;
    EXPECT_GE(side.slab.memory_bytes(), cells * sizeof(Row));
    EXPECT_LE(side.slab.memory_bytes(), cells * sizeof(Row) + kBeside);
  };
  while (side.twin.size() < 4) side.add(wide_row(random));
  expect_cells(4);
  side.add(wide_row(random));
  expect_cells(16);
  while (side.twin.size() < 17) side.add(wide_row(random));
  expect_cells(64);
  side.expect_agreement();
}

// Rows that are all the same take nothing beside their chunk.
TEST(SlotSlabTest, CountsItsPagesAndWhatACopyTakes) {
  constexpr size_t kPages = 4;
  constexpr size_t kEntriesPerPage = 64;
  constexpr size_t kEntryBytes = 24;
  SlotSlab slab;
  EXPECT_EQ(slab.memory_bytes(), 0u);
  for (size_t i = 0; i < kPages * kEntriesPerPage * PackedChunk::kCapacityMax; ++i) slab.add({});
  EXPECT_EQ(slab.page_count(), kPages);
  EXPECT_EQ(slab.clone_bytes(), kPages * sizeof(void*));
  const size_t bytes = kPages * (sizeof(void*) + kEntriesPerPage * (kEntryBytes + sizeof(PackedChunk)));
  EXPECT_GE(slab.memory_bytes(), bytes);
  EXPECT_LT(slab.memory_bytes(), bytes + kPages * 32);
}

// A page that has to grow, as all its chunks are full, may be a copy's as well.
TEST(SlotSlabTest, CopiesKeepAPageThatGrows) {
  Side side;
  for (const size_t rows : {64u, 128u, 256u}) {
    while (side.twin.size() < rows) side.add(narrow_row(side.twin.size()));
    Side copy(side);
    side.add(narrow_row(1));
    copy.add(narrow_row(2));
    side.expect_agreement();
    copy.expect_agreement();
  }
}

TEST(SlotSlabTest, CopiesAgreeEachWithItsOwnMap) {
  constexpr uint64_t kSeed = 5;
  Random random(kSeed);
  std::vector<std::unique_ptr<Side>> sides;
  sides.push_back(std::make_unique<Side>());
  bool growing = true;
  for (uint64_t step = 0; step < 60'000; ++step) {
    Side& side = *sides[random.below(sides.size())];
    if (random.one_in(10'000)) growing = !growing;
    const uint64_t dice = random.below(100);
    const Row row = random.one_in(50) ? wide_row(random) : narrow_row(step);
    if (side.twin.empty() || dice < (growing ? 60u : 15u)) {
      side.add(row);
    } else if (dice < 75) {
      side.erase(side.any(random));
    } else {
      side.replace(side.any(random), row);
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
